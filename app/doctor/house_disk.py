"""The disks of the house: room for its data, and for a recording that is being judged."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from app.doctor.report import Check, Grade
from app.settings import Settings
from media.location import FolderLocation

# Twice what must be free, or we speak of it.
_AMPLE: Final = 2


def look_at_disks(settings: Settings, least_free: int) -> list[Check]:
    """Look at every disk that data lie on, each once: `least_free` bytes, or it fails."""
    checks = []
    seen: set[int] = set()
    for folder, least, remedy in _folders(settings, least_free):
        there = _nearest(folder)
        disk = there.stat().st_dev
        if disk not in seen:
            seen.add(disk)
            checks.append(_room(there, least, remedy))
    return checks


def _folders(settings: Settings, least_free: int) -> Iterator[tuple[Path, int, str]]:
    yield settings.var, least_free, "Make room, or move CADANS_VAR to a larger disk."
    database = make_url(settings.database_url)
    if database.get_backend_name() == "sqlite" and database.database:
        yield Path(database.database), least_free, "Make room, or move the database's file."
    if isinstance(settings.store, FolderLocation):
        yield settings.store.path, least_free, "Make room, or move the store to a larger disk."
    # A recording lies there while it is judged.
    temporary = Path(tempfile.gettempdir())
    yield temporary, settings.max_upload, "Make room there, or name another folder in TMPDIR."


def _nearest(folder: Path) -> Path:
    """Answer the folder, or the nearest above it that is there already."""
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _room(folder: Path, least: int, remedy: str) -> Check:
    free = shutil.disk_usage(folder).free
    words = f"{free // 10**6} MB are free for {folder}."
    grade = Grade.FAIL if free < least else Grade.WARN if free < _AMPLE * least else Grade.OK
    return Check(code="disk", grade=grade, message=words, remedy=remedy)
