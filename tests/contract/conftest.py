"""Every store there is, each fresh and empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from media.folder import FolderStore
from media.keys import ObjectKey, new_object_key
from media.location import FolderLocation, S3Location
from media.s3 import S3Store
from media.store import Store


@pytest.fixture
def folder_store(tmp_path: Path) -> FolderStore:
    return FolderStore(FolderLocation(path=tmp_path / "store"))


@pytest.fixture
def s3_store(s3_location: S3Location) -> Iterator[S3Store]:
    store = S3Store(s3_location)
    yield store
    store.close()


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
def key() -> ObjectKey:
    return new_object_key("12", "mp3")
