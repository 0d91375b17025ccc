"""What `media.store.ObjectStore` promises, asked of every store."""

import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from media.errors import InvalidKey, ObjectNotFound
from media.keys import ObjectKey, new_object_key
from media.store import RangedFile, Store

MP3 = "audio/mpeg"
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"
BAD_KEYS = ("", "a", "../etc/passwd", "a/../../b", "/a/b", "a//b", "a/b/c", ".cadans/x", "a/.x")
WORSE_KEYS = ("a/B", "a/b\n", "a/b\0c", "a/b?c", "a/é", "a/" + "b" * 300)


class SourceBroke(Exception):
    """What a visitor's connection does halfway."""


def _read(store: Store, key: ObjectKey, start: int = 0, length: int | None = None) -> bytes:
    with store.open(key, start=start, length=length) as chunks:
        return b"".join(chunks)


def _broken_off() -> Iterator[bytes]:
    yield b"x" * 100_000
    raise SourceBroke


def test_what_was_put_is_read_back(store: Store, key: ObjectKey) -> None:
    store.put(key, [b"one, ", b"two"], MP3)
    assert _read(store, key) == b"one, two"


def test_put_tells_what_stat_will_tell(store: Store, key: ObjectKey) -> None:
    assert store.put(key, [ALPHABET], MP3) == store.stat(key)


def test_stat_tells_size_and_type(store: Store, key: ObjectKey) -> None:
    store.put(key, [ALPHABET], "audio/mp4")
    stored = store.stat(key)
    assert (stored.key, stored.size_bytes, stored.content_type) == (key, 26, "audio/mp4")


def test_etag_is_strong_and_quoted(store: Store, key: ObjectKey) -> None:
    etag = store.put(key, [ALPHABET], MP3).etag
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert len(etag) > 20


def test_etag_differs_with_content(store: Store, key: ObjectKey) -> None:
    other = new_object_key("12", "mp3")
    assert store.put(key, [b"one"], MP3).etag != store.put(other, [b"two"], MP3).etag


def test_empty_object_is_an_object(store: Store, key: ObjectKey) -> None:
    assert store.put(key, [], MP3).size_bytes == 0
    assert store.stat(key).size_bytes == 0
    assert _read(store, key) == b""


def test_putting_again_replaces(store: Store, key: ObjectKey) -> None:
    store.put(key, [b"the first, which is longer"], MP3)
    second = store.put(key, [b"second"], "audio/mp4")
    assert _read(store, key) == b"second"
    assert store.stat(key) == second


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        (0, 3, b"abc"),
        (3, 4, b"defg"),
        (23, None, b"xyz"),
        (25, 1, b"z"),
        (20, 100, b"uvwxyz"),
        (26, None, b""),
        (26, 1, b""),
        (1000, None, b""),
        (5, 0, b""),
        (0, None, ALPHABET),
    ],
)
def test_part_of_an_object_is_read(
    store: Store, key: ObjectKey, start: int, length: int | None, expected: bytes
) -> None:
    store.put(key, [ALPHABET], MP3)
    assert _read(store, key, start, length) == expected


@pytest.mark.parametrize(("start", "length"), [(-1, None), (0, -1)])
def test_negative_range_is_a_mistake_of_the_caller(
    store: Store, key: ObjectKey, start: int, length: int | None
) -> None:
    store.put(key, [ALPHABET], MP3)
    with pytest.raises(ValueError, match="no bytes lie at"):
        store.open(key, start=start, length=length)


def test_stat_of_what_is_not_there_says_so(store: Store, key: ObjectKey) -> None:
    with pytest.raises(ObjectNotFound) as caught:
        store.stat(key)
    assert caught.value.key == key


@pytest.mark.parametrize(("start", "length"), [(0, None), (5, None), (0, 0), (5, 5)])
def test_opening_what_is_not_there_says_so_at_once(
    store: Store, key: ObjectKey, start: int, length: int | None
) -> None:
    with pytest.raises(ObjectNotFound):
        store.open(key, start=start, length=length)


def test_deleted_is_gone(store: Store, key: ObjectKey) -> None:
    store.put(key, [ALPHABET], MP3)
    store.delete(key)
    with pytest.raises(ObjectNotFound):
        store.stat(key)
    assert list(store.list()) == []


def test_deleting_twice_is_fine(store: Store, key: ObjectKey) -> None:
    store.put(key, [ALPHABET], MP3)
    store.delete(key)
    store.delete(key)
    assert list(store.list()) == []


def test_source_that_breaks_off_leaves_nothing(store: Store, key: ObjectKey) -> None:
    with pytest.raises(SourceBroke):
        store.put(key, _broken_off(), MP3)
    assert list(store.list()) == []
    assert list(store.open_uploads()) == []


def test_source_that_breaks_off_leaves_the_earlier_object(store: Store, key: ObjectKey) -> None:
    before = store.put(key, [ALPHABET], MP3)
    with pytest.raises(SourceBroke):
        store.put(key, _broken_off(), MP3)
    assert store.stat(key) == before
    assert _read(store, key) == ALPHABET


def test_list_is_ordered_by_key(store: Store) -> None:
    keys = [ObjectKey(text) for text in ("a/2.mp3", "a-b/1.mp3", "a/1.mp3", "b/1.mp3", "a1/x.jpg")]
    for key in keys:
        store.put(key, [b"x"], MP3)
    assert [listed.key for listed in store.list()] == sorted(keys)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("1/", ["1/a.mp3", "1/b.mp3"]),
        ("1", ["1/a.mp3", "1/b.mp3", "12/a.mp3"]),
        ("1/b", ["1/b.mp3"]),
    ],
)
def test_list_is_narrowed_by_prefix(store: Store, prefix: str, expected: list[str]) -> None:
    for text in ("1/a.mp3", "1/b.mp3", "12/a.mp3", "2/a.mp3"):
        store.put(ObjectKey(text), [b"x"], MP3)
    assert [listed.key for listed in store.list(prefix)] == expected


def test_list_tells_size_and_when(store: Store, key: ObjectKey) -> None:
    store.put(key, [ALPHABET], MP3)
    (listed,) = store.list()
    assert listed.size_bytes == 26
    assert abs(listed.stored_at - datetime.now(UTC)) < timedelta(minutes=2)


@pytest.mark.parametrize("text", BAD_KEYS + WORSE_KEYS)
def test_bad_key_reaches_no_store(store: Store, text: str) -> None:
    bad = ObjectKey(text)
    with pytest.raises(InvalidKey):
        store.put(bad, [b"x"], MP3)
    with pytest.raises(InvalidKey):
        store.stat(bad)
    with pytest.raises(InvalidKey):
        store.open(bad)
    with pytest.raises(InvalidKey):
        store.delete(bad)
    with pytest.raises(InvalidKey):
        store.presign_get(bad, seconds=60, content_type=MP3)
    with pytest.raises(InvalidKey):
        store.begin_upload(bad, MP3)


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_address_cannot_live_for_ever(store: Store, key: ObjectKey, seconds: int) -> None:
    with pytest.raises(ValueError, match="an address lives"):
        store.presign_get(key, seconds=seconds, content_type=MP3)


def test_store_that_works_checks_out(store: Store) -> None:
    store.check()
    assert list(store.list()) == []


def test_closing_early_and_twice_is_fine(store: Store, key: ObjectKey) -> None:
    store.put(key, [ALPHABET * 100_000], MP3)
    opened = store.open(key)
    next(opened)
    opened.close()
    opened.close()
    assert _read(store, key, 0, 3) == b"abc"


def test_many_threads_may_read_and_write(store: Store) -> None:
    def put_and_read(number: int) -> bool:
        key = new_object_key("12", "mp3")
        content = b"%d" % number * 100_000
        store.put(key, [content], MP3)
        return _read(store, key) == content

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(put_and_read, range(24)))


def test_large_object_passes_in_little_memory(store: Store, key: ObjectKey) -> None:
    block = bytes(2**20)
    tracemalloc.start()
    try:
        store.put(key, (block for _ in range(30)), MP3)
        with store.open(key) as chunks:
            size_bytes = sum(map(len, chunks))
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size_bytes == 30 * 2**20
    assert peak_bytes < 6 * 2**20


def test_ranged_file_reads_what_a_file_reads(store: Store, key: ObjectKey) -> None:
    content = bytes(number % 251 for number in range(100_000))
    store.put(key, [content], MP3)
    file = RangedFile(store, key)
    file.seek(-10, 2)
    assert file.read() == content[-10:]
    file.seek(40_000)
    assert file.read(30_000) == content[40_000:70_000]
    assert file.bytes_read == 3 * file.block_bytes + 100_000 % file.block_bytes
    assert file.requests == 2
