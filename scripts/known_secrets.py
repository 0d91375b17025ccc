"""Looks for keys and passwords in what git keeps; those in .secrets.baseline were looked at.

Finds with detect-secrets. What is only an example (tests are full of them) goes into the baseline
with --accept, after somebody looked at it: `git diff .secrets.baseline` shows what came in.
"""

import argparse
import json
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

HERE = Path(__file__).parent.parent
BASELINE = ".secrets.baseline"
# Sound, pictures and compiled catalogues are no text; lines of translations are no code.
PASSED_OVER = (".mp3", ".m4a", ".wav", ".jpg", ".png", ".mo", ".po", ".pot")
# What tests and examples call a password is none; what looks like a key is a finding there too.
EXAMPLES = {"Secret Keyword", "Basic Auth Credentials"}


def main() -> int:
    """Answer 1 when there is a secret that nobody looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accept", action="store_true", help="write what is found to the baseline")
    parser.add_argument("--checkout", type=Path, default=HERE, help="where to look (default: here)")
    wants = parser.parse_args()
    path = wants.checkout / BASELINE
    kept = json.loads(path.read_text())
    with transient_settings(
        {"plugins_used": kept["plugins_used"], "filters_used": kept["filters_used"]}
    ):
        found = _scan(wants.checkout)
        if wants.accept:
            baseline.save_to_file(found, str(path))
            return 0
        fresh = found - SecretsCollection.load_from_baseline(kept)
    for name, secret in fresh:
        print(f"{name}:{secret.line_number}: this looks like a secret ({secret.type})")
    if fresh:
        print(
            "Take it out of every commit and make a new one. If it is only an example:"
            " scripts/known_secrets.py --accept",
            file=sys.stderr,
        )
    return int(bool(fresh))


def _scan(checkout: Path) -> SecretsCollection:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=checkout, check=True, capture_output=True, text=True
    )
    found = SecretsCollection()
    # From inside: a finding is known again by its file, which must not say whose checkout it was.
    with chdir(checkout):
        for name in listed.stdout.split("\0"):
            if name and name != BASELINE and not name.endswith(PASSED_OVER):
                found.scan_file(name)
    for name in [name for name in found.files if name.startswith("tests/") or ".example" in name]:
        found[name] = {each for each in found[name] if each.type not in EXAMPLES}
    return found


if __name__ == "__main__":
    sys.exit(main())
