"""The ZIP file of an archive: written whole or not at all, read piece by piece."""

import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from app.backup.errors import ArchiveDamaged, BackupError
from app.backup.manifest import Manifest
from app.backup.tally import sha256_of

MANIFEST: Final = "manifest.json"
CHUNK_BYTES: Final = 2**16
# A quarter of a million objects; what says more of itself was made to fill our memory.
MOST_MANIFEST_BYTES: Final = 2**26
# RuntimeError: it wants a password (docs.python.org, "zipfile", read 2026-11).
_DAMAGE: Final = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError,
)  # fmt: skip


def name_of(table: str) -> str:
    """Answer the entry that holds the rows of a table."""
    return f"tables/{table}.jsonl"


class ArchiveWriter:
    """Takes entries; what it made appears under its name once `finish` was called."""

    def __init__(self, path: Path) -> None:
        """Begin an archive at `path`.

        Raises:
            BackupError: something lies there already, or the folder cannot be written to.
        """
        if path.exists():
            raise BackupError(f"{path} is there already: choose another name, or move it away")
        self._path = path
        self._draft = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # It holds addresses and names: for its owner alone.
            opened = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise BackupError(f"{path} cannot be written: {error.strerror}") from error
        self._file = os.fdopen(opened, "wb")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED, allowZip64=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        with suppress(OSError, ValueError):
            self._zip.close()
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def add(self, name: str, pieces: Iterable[bytes], *, is_text: bool = False) -> None:
        """Put one entry in; `is_text` says that it is worth pressing together.

        Raises:
            BackupError: the disk is full, or does not take it.
        """
        entry = zipfile.ZipInfo(name)
        entry.compress_type = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
        entry.external_attr = 0o600 << 16
        with _told(self._path), self._zip.open(entry, "w", force_zip64=True) as sink:
            for piece in pieces:
                sink.write(piece)

    def finish(self, manifest: Manifest) -> None:
        """Say what is in it, and put it in its place, safe from a crash.

        Raises:
            BackupError: the disk is full, or does not take it.
        """
        self.add(MANIFEST, [manifest.to_json()], is_text=True)
        with _told(self._path):
            self._zip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            # No link: disks for backups often know none (exFAT, shares of other machines).
            self._draft.rename(self._path)


class ArchiveReader:
    """An archive that lies there whole."""

    def __init__(self, path: Path) -> None:
        """Open it and read what it says of itself.

        Raises:
            ArchiveDamaged: it is missing, or no archive of ours.
        """
        try:
            self._zip = zipfile.ZipFile(path)
        except OSError as error:
            raise ArchiveDamaged(f"{path} cannot be read: {error.strerror}") from error
        except zipfile.BadZipFile as error:
            raise ArchiveDamaged(f"{path} is no archive of ours, or was cut off") from error
        self.path = path
        self._names = set(self._zip.namelist())
        try:
            self.manifest = Manifest.from_json(
                b"".join(bounded(self.chunks(MANIFEST), MOST_MANIFEST_BYTES, MANIFEST))
            )
        except ArchiveDamaged:
            self._zip.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._zip.close()

    def chunks(self, name: str) -> Iterator[bytes]:
        """Read one entry.

        Raises:
            ArchiveDamaged: it is missing, or not as it was written.
        """
        if name not in self._names:
            raise ArchiveDamaged(f"{name} is missing in the archive")
        try:
            with self._zip.open(name) as source:
                while chunk := source.read(CHUNK_BYTES):
                    yield chunk
        except _DAMAGE as error:
            raise ArchiveDamaged(f"{name} in the archive is damaged") from error

    def check(self, name: str, sha256: str) -> None:
        """See that an entry is as it was written.

        Raises:
            ArchiveDamaged: it is not.
        """
        if sha256_of(self.chunks(name)) != sha256:
            raise ArchiveDamaged(f"{name} in the archive is not what was written into it")


def bounded(pieces: Iterable[bytes], most_bytes: int, name: str) -> Iterator[bytes]:
    """Hand pieces on while they are no more than was said: a few bytes can unpack to a disk full.

    Raises:
        ArchiveDamaged: there are more.
    """
    left = most_bytes
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise ArchiveDamaged(f"{name} in the archive is larger than it may be")
        yield piece


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BackupError(f"{path} could not be written: {error.strerror}") from error
