"""The source of this very copy, changed or not: what AGPL-3.0 section 13 promises its users.

A copy that runs from a checkout is packed from there; one that was installed, from what the wheel
brought: the same files, with those that build it beside them (`data_files` in setup.cfg).
"""

import gzip
import io
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final

from app.version import __version__

ROOT: Final = Path(__file__).parent.parent
ROOMS: Final = ("app", "feeds", "media", "scripts")
# What builds it, says how it is used, and what one may do with it.
BESIDE: Final = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
    "setup.cfg",
)
# Folders of an installation in which those lie.
INSTALLED: Final = frozenset({"cadans", "licenses"})
# An operator's own configuration, with whatever secret stands in it by now.
NOT_GIVEN: Final = Path("scripts/deploy")
# Nothing else is ours: whatever somebody else put beside our files is not given away.
KINDS: Final = frozenset(
    {".css", ".html", ".jpg", ".js", ".json", ".mako", ".md", ".mo", ".mp3", ".png", ".po", ".py"}
    | {".sh", ".svg", ".toml", ".txt", ".typed", ".vtt"}
)
NAME: Final = f"cadans-{__version__}"
# Where a house gives it to whoever asks.
SOURCE_PATH: Final = f"/my/source/{NAME}.tar.gz"
GIT_SECONDS: Final = 10
_packing = threading.Lock()


def archive() -> bytes:
    """Answer the source as a gzipped tar; it is packed once in each process."""
    with _packing:
        return _archive()


def find_commit(root: Path = ROOT) -> str | None:
    """Answer the commit of the checkout that this copy runs from; None: it is no checkout."""
    return _git(root, "rev-parse", "HEAD") or None


def is_changed(root: Path = ROOT) -> bool:
    """Tell whether this copy runs from a checkout that differs from its commit."""
    return bool(_git(root, "status", "--porcelain", "--", *ROOMS, *BESIDE))


def files() -> Iterator[tuple[str, Path]]:
    """Answer every file of the source: its name in the archive, and where it lies."""
    beside = _beside()
    yield from ((name, beside[name]) for name in BESIDE if name in beside)
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*")):
            inside = path.relative_to(ROOT)
            is_hidden = any(part.startswith((".", "__pycache__")) for part in inside.parts)
            if path.is_file() and not path.is_symlink() and not is_hidden and _is_ours(inside):
                yield inside.as_posix(), path


def _is_ours(inside: Path) -> bool:
    if inside.is_relative_to(NOT_GIVEN):
        return False
    # A command of a checkout has no ending.
    return inside.suffix in KINDS or (inside.parent == Path("scripts") and not inside.suffix)


def _beside() -> dict[str, Path]:
    if (ROOT / "setup.cfg").is_file():
        return {name: ROOT / name for name in BESIDE if (ROOT / name).is_file()}
    return {
        file.name: Path(str(file.locate()))
        for here in metadata.distributions(name="cadans", path=[str(ROOT)])
        for file in here.files or []
        if file.name in BESIDE and file.parent.name in INSTALLED
    }


@lru_cache(maxsize=1)
def _archive() -> bytes:
    packed = io.BytesIO()
    # The same source gives the same bytes, whichever process packs it.
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", filename="", mtime=0) as pipe,
        tarfile.open(fileobj=pipe, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, path in files():
            content = path.read_bytes()
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size = len(content)
            entry.mode = 0o755 if content.startswith(b"#!") else 0o644
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _git(root: Path, *words: str) -> str:
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            check=True,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
