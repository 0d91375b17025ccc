"""A folder that a store may rely on: durable writes, no path out of it, errors that are ours."""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from media.errors import MediaError, StoreFull, StoreMissing, StoreRefused, StoreUnreachable
from media.store import CHUNK_BYTES

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED: Final = {errno.EACCES, errno.EPERM, errno.EROFS}
_NOT_THERE: Final = {errno.ENOENT, errno.ENOTDIR, errno.EISDIR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What `Disk.write` wrote: how much, and its SHA-256."""

    size_bytes: int
    digest: bytes


class Disk:
    """The folder `root`, which is made if it is not there."""

    def __init__(self, path: Path) -> None:
        self._where = f"folder {path}"
        self.root = path
        with self.translated():
            path.mkdir(parents=True, exist_ok=True)
            self.root = path.resolve(strict=True)

    @contextlib.contextmanager
    def translated(self, missing: MediaError | None = None) -> Iterator[None]:
        """Turn errors of the operating system into ours.

        Args:
            missing: Raised when a file is not there, while the folder itself is.
        """
        try:
            yield
        except OSError as error:
            raise self._translate(error, missing) from error

    def path(self, name: str) -> Path:
        """The path of a name in the folder.

        Raises:
            StoreRefused: a symbolic link leads out of the folder.
        """
        path = self.root / name
        if not path.resolve().is_relative_to(self.root):
            raise StoreRefused(self._where, f"a symbolic link leads {name!r} out of it")
        return path

    def make_folder(self, path: Path) -> None:
        """Make a folder inside, but never the root: where that is gone, a disk is not mounted."""
        with self.translated():
            self.root.stat()
            path.mkdir(parents=True, exist_ok=True)

    def write(
        self,
        path: Path,
        chunks: Iterable[bytes],
        *,
        with_digest: bool = False,
        missing: MediaError | None = None,
    ) -> Written:
        """Make a file of the chunks, wholly or not at all; on return it survives a crash.

        Errors of `chunks` itself come out as they are.

        Args:
            path: Of the file, in a folder that exists.
            chunks: Its bytes.
            with_digest: Whether the digest is written behind them.
            missing: Raised when the folder is not there.
        """
        new = path.with_name(f".{secrets.token_hex(8)}")
        with self.translated(missing):
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            try:
                written = self._fill(descriptor, chunks, with_digest=with_digest)
            finally:
                os.close(descriptor)
            self.rename(new, path, missing=missing)
        finally:
            new.unlink(missing_ok=True)
        return written

    def rename(self, old: Path, new: Path, *, missing: MediaError | None = None) -> None:
        """Put a file in its place at once, and make that survive a crash."""
        with self.translated(missing):
            old.replace(new)
            descriptor = os.open(new.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def read(self, file: BinaryIO, length: int | None = None) -> Iterator[bytes]:
        """Read on from where the file stands, `length` bytes or up to its end."""
        left = length
        while left is None or left > 0:
            with self.translated():
                chunk = file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
            if not chunk:
                return
            left = None if left is None else left - len(chunk)
            yield chunk

    def _fill(self, descriptor: int, chunks: Iterable[bytes], *, with_digest: bool) -> Written:
        digest = hashlib.sha256()
        size_bytes = 0
        for chunk in chunks:
            self._write_all(descriptor, chunk)
            digest.update(chunk)
            size_bytes += len(chunk)
        if with_digest:
            self._write_all(descriptor, digest.digest())
        with self.translated():
            os.fsync(descriptor)
        return Written(size_bytes=size_bytes, digest=digest.digest())

    def _write_all(self, descriptor: int, chunk: bytes) -> None:
        view = memoryview(chunk)
        with self.translated():
            while view:
                view = view[os.write(descriptor, view) :]

    def _translate(self, error: OSError, missing: MediaError | None) -> MediaError:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in _FULL:
            return StoreFull(self._where)
        if error.errno in _REFUSED:
            return StoreRefused(self._where, reason)
        if error.errno in _NOT_THERE:
            return missing if missing and self.root.is_dir() else StoreMissing(self._where)
        return StoreUnreachable(self._where, reason)
