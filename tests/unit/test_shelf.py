import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.services import shelf
from app.services.shelf import CoverPicture, read_small_cover
from media.folder import FolderStore
from media.keys import new_object_key
from media.location import FolderLocation


def test_covers_that_are_asked_for_at_once_are_unpacked_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(FolderLocation(path=tmp_path))
    pictures = []
    for _ in range(6):
        key = new_object_key(1, "jpg")
        store.put(key, [b"x"], "image/jpeg")
        pictures.append(CoverPicture(key=key, content_type="image/jpeg"))
    inside, most, turn = [0], [0], threading.Lock()

    def unpack(_: bytes) -> dict[int, bytes]:
        with turn:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        with turn:
            inside[0] -= 1
        return {160: b"small"}

    monkeypatch.setattr(shelf, "cover_sizes", unpack)
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda each: read_small_cover(store, each, 160), pictures))

    assert made == [b"small"] * 6
    assert most == [1]
