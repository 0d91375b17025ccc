#!/usr/bin/env python3
"""A folder of audio becomes lessons: `scripts/upload.py DIR --course SLUG`; --help tells the rest.

Runs with the virtual environment of this checkout, whichever Python starts it.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"

if Path(sys.prefix).resolve() != VENV.resolve():
    if not PYTHON.exists():
        sys.exit(
            "scripts/upload.py needs the packages of Cadans. Run scripts/run once, or:\n"
            f"  cd {ROOT} && python3 -m venv .venv && .venv/bin/pip install -e ."
        )
    os.execv(str(PYTHON), [str(PYTHON), __file__, *sys.argv[1:]])  # noqa: S606 (our own venv)

sys.path.insert(0, str(ROOT))
from app.upload.cli import main  # noqa: E402 (only now is there anything to import)

main()
