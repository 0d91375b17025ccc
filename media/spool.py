"""Bytes that wait until they are whole, in bounded memory."""

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

from media.errors import StoreFull

# What is larger than this waits in a temporary file.
_SPOOL_BYTES: Final = 2**20


@contextlib.contextmanager
def spooled(chunks: Iterable[bytes]) -> Iterator[tuple[IO[bytes], int]]:
    """The chunks as a file that can be read twice, and its size.

    S3 wants the length of a body before its first byte, and may have to be sent it again. A source
    that breaks off has thus broken off before the store heard of it.
    """
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as file:
        for chunk in chunks:
            _write(file, chunk)
        size_bytes = file.tell()
        file.seek(0)
        yield file, size_bytes


def _write(file: IO[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise StoreFull(f"temporary folder {tempfile.gettempdir()}") from error
