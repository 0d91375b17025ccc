"""Take the bytes of a recording in once: into a file, bounded, with their digest."""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from media.errors import FileTooBig


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A file that was taken in; who asked for it deletes it."""

    path: Path
    sha256: str
    """Hexadecimal, lower case."""
    size_bytes: int


def receive(chunks: Iterable[bytes], directory: Path, max_bytes: int) -> Received:
    """Write the bytes to a new file in this directory, and digest them on the way.

    Whatever goes wrong, no file stays behind. Only this account can read the file.

    Raises:
        FileTooBig: there are more bytes than `max_bytes`.
        OSError: the disk is full, or the directory cannot be written.
    """
    handle, name = tempfile.mkstemp(prefix="recording-", dir=directory)
    path = Path(name)
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in _bounded(chunks, max_bytes):
                size_bytes += len(chunk)
                digest.update(chunk)
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Received(path=path, sha256=digest.hexdigest(), size_bytes=size_bytes)


def _bounded(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    left = max_bytes
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise FileTooBig(max_bytes)
        yield chunk
