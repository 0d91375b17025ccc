"""Where the bytes of recordings, covers and transcripts lie: what every store promises.

`ObjectStore` and `UploadStore` are the specification; `media.folder` and `media.s3` both implement
both, and one suite (tests/contract) holds them to it.
"""

import io
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Final, NewType, Protocol, Self

from media.errors import TooMuchRead, UploadIncomplete
from media.keys import DownloadName, ObjectKey

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

UploadId = NewType("UploadId", str)

# Every part but the last is at least 5 MiB, at most 10,000 of them (Amazon S3 user guide,
# "Amazon S3 multipart upload limits", read November 2026).
MIN_PART_BYTES: Final = 5 * 2**20
MAX_PARTS: Final = 10_000
# Signature version 4 lets an address live seven days (Amazon S3 user guide, "Download and upload
# objects with presigned URLs", read November 2026).
MAX_PRESIGN_SECONDS: Final = 7 * 24 * 3600
CHUNK_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """One object as the store knows it. `etag` is strong and quoted, ready for a header."""

    key: ObjectKey
    size_bytes: int
    etag: str
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedObject:
    """One object in a list, with the instant at which it was stored (aware, UTC)."""

    key: ObjectKey
    size_bytes: int
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an upload, numbered from 1. `etag` is quoted, as the store gave it."""

    number: int
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUpload:
    """An upload that was begun and neither completed nor aborted."""

    key: ObjectKey
    upload_id: UploadId
    begun_at: datetime


class OpenObject(Iterator[bytes]):
    """The bytes of an object in chunks, never all at once. Use it in a `with`, or close it."""

    def __init__(self, chunks: Iterator[bytes], close: Callable[[], object]) -> None:
        self._chunks = chunks
        self._close = close

    def __next__(self) -> bytes:
        return next(self._chunks)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file or connection behind the bytes. Closing twice is fine."""
        self._close()


class ObjectStore(Protocol):
    """Immutable objects under keys that are never used twice.

    Every method may raise `StoreUnreachable` (it is down: within seconds, or half a minute where it
    takes connections and is silent), `StoreRefused` (our permissions), `StoreMissing` (no such
    bucket or folder) and `InvalidKey`; those that write may raise `StoreFull`. No method lets an
    error of the backend through. Safe for many threads.
    """

    def put(self, key: ObjectKey, chunks: Iterable[bytes], content_type: str) -> StoredObject:
        """Store the chunks as one object, wholly or not at all.

        When this returns the object survives a crash. When `chunks` raises, the same exception
        comes out and nothing is stored. The size is what came, 0 included. To keep keys unique is
        the caller's part; putting to one again replaces its object.
        """
        ...

    def stat(self, key: ObjectKey) -> StoredObject:
        """Size, ETag and content type, without reading the object.

        The ETag is the one that a GET of `presign_get` answers with.

        Raises:
            ObjectNotFound: there is none.
        """
        ...

    def open(self, key: ObjectKey, *, start: int = 0, length: int | None = None) -> OpenObject:
        """Read `length` bytes from `start` on; None is up to the end.

        What lies past the end is left out: a `start` there gives no bytes. Errors that can be
        known at once come from this call, not from the first chunk.

        Raises:
            ObjectNotFound: there is none.
            ValueError: `start` or `length` is negative.
        """
        ...

    def delete(self, key: ObjectKey) -> None:
        """Make sure that no object lies under the key; nothing happens where none does."""
        ...

    def list(self, prefix: str = "") -> Iterator[ListedObject]:
        """Every object whose key begins with `prefix`, ordered by key.

        Open uploads are no objects, and what others put under names that are no keys is left out.
        """
        ...

    def presign_get(
        self,
        key: ObjectKey,
        *,
        seconds: int,
        content_type: str,
        download_name: DownloadName | None = None,
    ) -> str | None:
        """An address from which anybody may GET the object for `seconds`, without asking us.

        None: the store cannot be reached directly, so the bytes come through us. The answer bears
        `content_type`, and with a `download_name` is saved under that. Any Range may be sent. The
        address is for GET alone (HEAD answers 403). Nothing is asked of the store: a key that does
        not exist gets an address too.

        Raises:
            ValueError: `seconds` is not 1 … `MAX_PRESIGN_SECONDS`.
        """
        ...

    def check(self) -> None:
        """Return when the store answers and knows us; raise as above otherwise."""
        ...


class UploadStore(Protocol):
    """Uploads in parts that can be resumed, straight to the store where it allows that.

    begin → any parts, in any order, any of them again → complete or abort. Parts are numbered 1 to
    `MAX_PARTS`; every one but the last has at least `MIN_PART_BYTES`. Until it is completed an
    upload is no object. Errors as for `ObjectStore`; besides, every method but `begin_upload` and
    `abort_upload` raises `UploadNotFound` for an upload that is not (or no longer) there.
    """

    def begin_upload(self, key: ObjectKey, content_type: str) -> UploadId:
        """Begin to upload the object of this key."""
        ...

    def presign_part(
        self, key: ObjectKey, upload_id: UploadId, number: int, *, seconds: int
    ) -> str | None:
        """An address to which anybody may PUT this part for `seconds`; its answer has the ETag.

        None: parts come through us, by `put_part`. Nothing is asked of the store.
        """
        ...

    def put_part(
        self, key: ObjectKey, upload_id: UploadId, number: int, chunks: Iterable[bytes]
    ) -> Part:
        """Store one part, wholly or not at all, in place of an earlier one with its number.

        Raises:
            ValueError: the number is not 1 … `MAX_PARTS`.
        """
        ...

    def parts(self, key: ObjectKey, upload_id: UploadId) -> list[Part]:
        """The parts that have arrived whole, by number: what a resumed upload need not resend."""
        ...

    def complete_upload(
        self, key: ObjectKey, upload_id: UploadId, parts: Sequence[Part]
    ) -> StoredObject:
        """Make the object out of these parts, which are numbered 1, 2, 3 … in this order.

        When this returns the object survives a crash and the upload is gone. Completing what was
        completed already gives the object again.

        Raises:
            UploadIncomplete: no parts, a number left out or out of order, a part that has not
                arrived or has another ETag, or a part before the last that is too small. The
                upload stays as it was.
        """
        ...

    def abort_upload(self, key: ObjectKey, upload_id: UploadId) -> None:
        """Throw the parts away. Aborting what is gone is fine; an object stays."""
        ...

    def open_uploads(self) -> Iterator[OpenUpload]:
        """Every upload that is neither completed nor aborted, for sweeping, in no order."""
        ...


class Store(ObjectStore, UploadStore, Protocol):
    """Both: what the application is given."""


def read_chunks(file: BinaryIO, size_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Read a binary file in chunks, as `put` and `put_part` take them."""
    while chunk := file.read(size_bytes):
        yield chunk


def check_parts(key: ObjectKey, parts: Sequence[Part], arrived: Sequence[Part]) -> None:
    """Hold a list of parts against the rules of `complete_upload`.

    Raises:
        UploadIncomplete: they break one.
    """
    if not parts:
        raise UploadIncomplete(key, "no part has arrived")
    numbers = [part.number for part in parts]
    if numbers != list(range(1, len(parts) + 1)):
        raise UploadIncomplete(key, f"its parts are not 1 to {max(numbers)} in order")
    small = [part.number for part in parts[:-1] if part.size_bytes < MIN_PART_BYTES]
    if small:
        raise UploadIncomplete(key, f"part {small[0]} is smaller than {MIN_PART_BYTES} bytes")
    strange = [part.number for part in parts if part not in arrived]
    if strange:
        raise UploadIncomplete(key, f"part {strange[0]} has not arrived, or is another one")


def check_part_number(number: int) -> None:
    """Raise ValueError unless a part may have this number."""
    if not 1 <= number <= MAX_PARTS:
        message = f"parts are numbered 1 to {MAX_PARTS}, not {number}"
        raise ValueError(message)


def check_seconds(seconds: int) -> None:
    """Raise ValueError unless a presigned address may live this long."""
    if not 1 <= seconds <= MAX_PRESIGN_SECONDS:
        message = f"an address lives 1 to {MAX_PRESIGN_SECONDS} seconds, not {seconds}"
        raise ValueError(message)


def check_slice(start: int, length: int | None) -> None:
    """Raise ValueError for a negative start or length."""
    if start < 0 or (length is not None and length < 0):
        message = f"no bytes lie at {start} for {length}"
        raise ValueError(message)


class RangedFile(io.RawIOBase):
    """An object as a seekable, read-only file that fetches only the blocks that are read.

    Neighbouring blocks that a read still needs come in one request. The last `cached_blocks` stay
    in memory. `bytes_read` and `requests` count what was asked of the store (the stat aside).

    Raises (from any read):
        TooMuchRead: more than `limit_bytes` would have been fetched; None is no limit.
    """

    def __init__(
        self,
        store: ObjectStore,
        key: ObjectKey,
        *,
        block_bytes: int = 16 * 1024,
        cached_blocks: int = 256,
        limit_bytes: int | None = None,
    ) -> None:
        super().__init__()
        self.stored = store.stat(key)
        self.name = key.rpartition("/")[2]
        self.bytes_read = 0
        self.requests = 0
        self._store = store
        self.block_bytes = block_bytes
        self._cached_blocks = cached_blocks
        self._limit_bytes = limit_bytes
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """The position of the next byte that is read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position, past the end too, where reads give nothing."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.stored.size_bytes}
        position = origin[whence] + offset
        if position < 0:
            message = f"cannot seek to {position}"
            raise ValueError(message)
        self._position = position
        return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly `size` bytes, fewer only at the end; None or negative is up to the end."""
        left = max(self.stored.size_bytes - self._position, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if wanted == 0:
            return b""
        found = self._slice(self._position, self._position + wanted)
        self._position += len(found)
        return found

    def readall(self) -> bytes:
        """Everything up to the end."""
        return self.read()

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill the buffer, short of it only at the end."""
        view = memoryview(buffer).cast("B")
        found = self.read(len(view))
        view[: len(found)] = found
        return len(found)

    def _slice(self, start: int, stop: int) -> bytes:
        first, last = start // self.block_bytes, (stop - 1) // self.block_bytes
        found = {number: self._blocks[number] for number in range(first, last + 1)
                 if number in self._blocks}  # fmt: skip
        missing = [number for number in range(first, last + 1) if number not in found]
        for run in _runs(missing):
            found |= self._fetch(run)
        self._remember(found)
        whole = b"".join(found[number] for number in range(first, last + 1))
        offset = start - first * self.block_bytes
        return whole[offset : offset + stop - start]

    def _fetch(self, run: range) -> dict[int, bytes]:
        start = run.start * self.block_bytes
        length = min(len(run) * self.block_bytes, self.stored.size_bytes - start)
        if self._limit_bytes is not None and self.bytes_read + length > self._limit_bytes:
            raise TooMuchRead(self.stored.key, self._limit_bytes)
        with self._store.open(self.stored.key, start=start, length=length) as chunks:
            found = b"".join(chunks)
        self.requests += 1
        self.bytes_read += len(found)
        return {
            number: found[index * self.block_bytes : (index + 1) * self.block_bytes]
            for index, number in enumerate(run)
        }

    def _remember(self, blocks: dict[int, bytes]) -> None:
        for number, block in blocks.items():
            self._blocks[number] = block
            self._blocks.move_to_end(number)
        while len(self._blocks) > self._cached_blocks:
            self._blocks.popitem(last=False)


def _runs(numbers: Sequence[int]) -> Iterator[range]:
    """Ascending numbers as ranges without gaps."""
    start = 0
    for index in range(1, len(numbers) + 1):
        if index == len(numbers) or numbers[index] != numbers[index - 1] + 1:
            yield range(numbers[start], numbers[index - 1] + 1)
            start = index
