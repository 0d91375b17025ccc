"""How many threads of this process are answering: seen by what they run, so that no request pays.

A thread of the server that waits for work has no Python frame; one that answers, or sends to
somebody who reads slowly, is inside the server's own function (Granian 2.8, granian/wsgi.py).
"""

import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# What Granian's own command reads, and hands on with each request; `cadans serve` sets it.
THREADS: Final = "GRANIAN_BLOCKING_THREADS"
_SERVER: Final = str(Path("granian", "wsgi.py"))


def busy_threads() -> int | None:
    """Answer how many are at work, the caller's among them; None under another server."""
    running = sys._current_frames().values()  # noqa: SLF001 (documented; the name is its own)
    return sum(map(_is_answering, running)) or None


def all_threads(environ: "WSGIEnvironment") -> int | None:
    """Answer how many there are, by what surrounds a request; None: nobody said."""
    text = str(environ.get(THREADS, ""))
    return int(text) if text.isdecimal() else None


def _is_answering(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.endswith(_SERVER):
            return True
        frame = frame.f_back
    return False
