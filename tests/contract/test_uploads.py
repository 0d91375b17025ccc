"""What `media.store.UploadStore` promises, asked of every store."""

import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from media.errors import ObjectNotFound, UploadIncomplete, UploadNotFound
from media.keys import ObjectKey, new_object_key
from media.store import MIN_PART_BYTES, Part, Store, UploadId

MP3 = "audio/mpeg"
FULL = MIN_PART_BYTES


def _content(number: int, size_bytes: int = FULL) -> Iterator[bytes]:
    """Chunks that tell the parts apart."""
    block = bytes([64 + number]) * 65_536
    for start in range(0, size_bytes, len(block)):
        yield block[: size_bytes - start]


def _send(store: Store, key: ObjectKey, upload_id: UploadId, sizes: Sequence[int]) -> list[Part]:
    return [
        store.put_part(key, upload_id, number, _content(number, size_bytes))
        for number, size_bytes in enumerate(sizes, 1)
    ]


def _read(store: Store, key: ObjectKey) -> bytes:
    with store.open(key) as chunks:
        return b"".join(chunks)


class SourceBroke(Exception):
    """What a visitor's connection does halfway."""


def test_parts_become_one_object(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, "audio/mp4")
    parts = _send(store, key, upload_id, [FULL, 1000])
    stored = store.complete_upload(key, upload_id, parts)
    assert (stored.size_bytes, stored.content_type) == (FULL + 1000, "audio/mp4")
    assert stored == store.stat(key)
    assert _read(store, key) == b"A" * FULL + b"B" * 1000


def test_upload_is_no_object_before_it_is_complete(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    _send(store, key, upload_id, [1000])
    assert list(store.list()) == []
    with pytest.raises(ObjectNotFound):
        store.stat(key)


def test_completed_upload_is_gone(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    store.complete_upload(key, upload_id, _send(store, key, upload_id, [1000]))
    assert list(store.open_uploads()) == []
    with pytest.raises(UploadNotFound):
        store.parts(key, upload_id)
    with pytest.raises(UploadNotFound):
        store.put_part(key, upload_id, 1, [b"late"])


def test_completing_twice_gives_the_object_again(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    parts = _send(store, key, upload_id, [1000])
    first = store.complete_upload(key, upload_id, parts)
    assert store.complete_upload(key, upload_id, parts) == first


def test_one_empty_part_is_an_empty_object(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    parts = [store.put_part(key, upload_id, 1, [])]
    assert store.complete_upload(key, upload_id, parts).size_bytes == 0


def test_parts_may_arrive_in_any_order(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    store.put_part(key, upload_id, 3, [b"C"])
    store.put_part(key, upload_id, 1, _content(1))
    store.put_part(key, upload_id, 2, _content(2))
    store.complete_upload(key, upload_id, store.parts(key, upload_id))
    assert _read(store, key) == b"A" * FULL + b"B" * FULL + b"C"


def test_upload_is_resumed_after_half_its_parts(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    sent = _send(store, key, upload_id, [FULL, FULL])
    arrived = store.parts(key, upload_id)
    assert arrived == sent
    rest = [store.put_part(key, upload_id, number, _content(number)) for number in (3, 4)]
    assert store.complete_upload(key, upload_id, arrived + rest).size_bytes == 4 * FULL


def test_part_sent_again_replaces_the_first(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    store.put_part(key, upload_id, 1, [b"wrong, and longer"])
    again = store.put_part(key, upload_id, 1, [b"right"])
    assert store.parts(key, upload_id) == [again]
    store.complete_upload(key, upload_id, [again])
    assert _read(store, key) == b"right"


def test_part_that_breaks_off_has_not_arrived(store: Store, key: ObjectKey) -> None:
    def broken_off() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise SourceBroke

    upload_id = store.begin_upload(key, MP3)
    with pytest.raises(SourceBroke):
        store.put_part(key, upload_id, 1, broken_off())
    assert store.parts(key, upload_id) == []


def _wrong_order(parts: list[Part]) -> list[Part]:
    return parts[::-1]


def _first_missing(parts: list[Part]) -> list[Part]:
    return parts[1:]


def _gap(parts: list[Part]) -> list[Part]:
    return [parts[0], parts[2]]


def _twice(parts: list[Part]) -> list[Part]:
    return [parts[0], parts[0]]


def _none(parts: list[Part]) -> list[Part]:
    return parts[:0]


def _one_never_sent(parts: list[Part]) -> list[Part]:
    return [*parts, Part(number=4, size_bytes=5, etag=parts[0].etag)]


def _another_etag(parts: list[Part]) -> list[Part]:
    wrong = Part(number=2, size_bytes=parts[1].size_bytes, etag=parts[0].etag)
    return [parts[0], wrong, parts[2]]


@pytest.mark.parametrize(
    "spoil",
    [_wrong_order, _first_missing, _gap, _twice, _none, _one_never_sent, _another_etag],
)
def test_wrong_list_of_parts_is_refused_and_the_upload_stays(
    store: Store, spoil: Callable[[list[Part]], list[Part]]
) -> None:
    key = new_object_key("12", "mp3")
    upload_id = store.begin_upload(key, MP3)
    parts = _send(store, key, upload_id, [FULL, FULL, 10])
    with pytest.raises(UploadIncomplete):
        store.complete_upload(key, upload_id, spoil(parts))
    assert list(store.list()) == []
    assert store.complete_upload(key, upload_id, parts).size_bytes == 2 * FULL + 10


def test_part_before_the_last_may_not_be_small(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    parts = _send(store, key, upload_id, [FULL - 1, 10])
    with pytest.raises(UploadIncomplete, match="part 1 is smaller"):
        store.complete_upload(key, upload_id, parts)


@pytest.mark.parametrize("number", [0, -1, 10_001])
def test_part_has_a_possible_number(store: Store, key: ObjectKey, number: int) -> None:
    upload_id = store.begin_upload(key, MP3)
    with pytest.raises(ValueError, match="parts are numbered"):
        store.put_part(key, upload_id, number, [b"x"])
    with pytest.raises(ValueError, match="parts are numbered"):
        store.presign_part(key, upload_id, number, seconds=60)


def test_aborted_upload_leaves_nothing(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    parts = _send(store, key, upload_id, [1000])
    store.abort_upload(key, upload_id)
    assert list(store.open_uploads()) == []
    with pytest.raises(UploadNotFound):
        store.complete_upload(key, upload_id, parts)


def test_aborting_twice_is_fine(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    store.abort_upload(key, upload_id)
    store.abort_upload(key, upload_id)
    assert list(store.open_uploads()) == []


def test_aborting_too_late_leaves_the_object(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    store.complete_upload(key, upload_id, _send(store, key, upload_id, [1000]))
    store.abort_upload(key, upload_id)
    assert store.stat(key).size_bytes == 1000


@pytest.mark.parametrize("upload_id", ["", "..", "../../x", "0" * 32, "2~nonsense", "a\nb"])
def test_upload_that_never_was_is_not_found(store: Store, key: ObjectKey, upload_id: str) -> None:
    wrong = UploadId(upload_id)
    with pytest.raises(UploadNotFound):
        store.parts(key, wrong)
    with pytest.raises(UploadNotFound):
        store.put_part(key, wrong, 1, [b"x"])
    with pytest.raises(UploadNotFound):
        store.complete_upload(key, wrong, [Part(number=1, size_bytes=1, etag='"x"')])
    store.abort_upload(key, wrong)


def test_upload_of_one_key_is_no_upload_of_another(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    with pytest.raises(UploadNotFound):
        store.put_part(new_object_key("13", "mp3"), upload_id, 1, [b"x"])


def test_open_uploads_are_listed_with_their_beginning(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    (found,) = store.open_uploads()
    assert (found.key, found.upload_id) == (key, upload_id)
    assert abs(found.begun_at - datetime.now(UTC)) < timedelta(minutes=2)


def test_thirty_megabytes_pass_in_little_memory(store: Store, key: ObjectKey) -> None:
    upload_id = store.begin_upload(key, MP3)
    tracemalloc.start()
    try:
        parts = _send(store, key, upload_id, [FULL] * 6)
        stored = store.complete_upload(key, upload_id, parts)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert stored.size_bytes == 6 * FULL
    assert peak_bytes < 4 * 2**20
