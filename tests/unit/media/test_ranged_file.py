"""An object as a file: the same bytes as a file on disk, fetched only where they are read."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import ObjectNotFound, TooMuchRead
from media.folder import FolderStore
from media.keys import ObjectKey
from media.location import FolderLocation
from media.store import RangedFile

KEY = ObjectKey("12/lesson.mp3")
CONTENT = bytes(number % 251 for number in range(1000))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FolderStore:
    store = FolderStore(FolderLocation(path=tmp_path_factory.mktemp("store")))
    store.put(KEY, [CONTENT], "audio/mpeg")
    return store


def _open(store: FolderStore, *, limit_bytes: int | None = None) -> RangedFile:
    return RangedFile(store, KEY, block_bytes=64, cached_blocks=4, limit_bytes=limit_bytes)


steps = st.lists(
    st.tuples(st.sampled_from(["read", "set", "current", "end"]), st.integers(-20, 1100)),
    max_size=12,
)


@given(steps=steps)
def test_it_reads_as_any_file_does(store: FolderStore, steps: list[tuple[str, int]]) -> None:
    file, model = _open(store), io.BytesIO(CONTENT)
    for verb, amount in steps:
        if verb == "read":
            assert file.read(amount) == model.read(amount)
        elif verb == "set":
            assert file.seek(abs(amount)) == model.seek(abs(amount))
        elif verb == "current":
            assert file.seek(abs(amount), 1) == model.seek(abs(amount), 1)
        else:
            assert file.seek(-min(abs(amount), 1000), 2) == model.seek(-min(abs(amount), 1000), 2)
        assert file.tell() == model.tell()


def test_buffered_reader_may_stand_on_it(store: FolderStore) -> None:
    assert io.BufferedReader(_open(store)).read() == CONTENT


def test_what_is_cached_is_not_fetched_again(store: FolderStore) -> None:
    file = _open(store)
    file.read(100)
    file.seek(0)
    file.read(128)
    assert (file.bytes_read, file.requests) == (128, 1)


def test_neighbouring_blocks_come_in_one_request(store: FolderStore) -> None:
    file = _open(store)
    file.read(1000)
    assert (file.bytes_read, file.requests) == (1000, 1)


def test_memory_is_bounded(store: FolderStore) -> None:
    file = _open(store)
    file.read(1000)
    file.seek(0)
    file.read(1)  # the first block has made room for the last four
    assert file.requests == 2


def test_reading_past_the_end_asks_nothing(store: FolderStore) -> None:
    file = _open(store)
    file.seek(5000)
    assert file.read(10) == b""
    assert file.requests == 0


def test_absurd_size_takes_no_memory(store: FolderStore) -> None:
    assert _open(store).read(2**60) == CONTENT


def test_no_seeking_before_the_beginning(store: FolderStore) -> None:
    with pytest.raises(ValueError, match="cannot seek"):
        _open(store).seek(-1)


def test_limit_holds_to_the_byte(store: FolderStore) -> None:
    file = _open(store, limit_bytes=128)
    assert file.read(128) == CONTENT[:128]
    with pytest.raises(TooMuchRead):
        file.read(1)


def test_object_that_is_not_there_cannot_be_opened(store: FolderStore) -> None:
    with pytest.raises(ObjectNotFound):
        RangedFile(store, ObjectKey("12/other.mp3"))


def test_it_is_named_after_the_object(store: FolderStore) -> None:
    assert Path(_open(store).name).suffix == ".mp3"
