"""Every store there is, each fresh and empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from media.folder import FolderStore
from media.keys import ObjectKey, new_object_key
from media.location import FolderLocation
from media.s3 import S3Store
from media.store import Store
from tests.parts.rgw import S3Server, set_credentials


@pytest.fixture
def folder_store(tmp_path: Path) -> FolderStore:
    return FolderStore(FolderLocation(path=tmp_path / "store"))


@pytest.fixture(scope="session")
def only_s3_store(s3_server: S3Server) -> Iterator[S3Store]:
    """One for the whole run: a client of boto3 takes a tenth of a second to make."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        set_credentials(monkeypatch)
        store = S3Store(s3_server.make_bucket())
        store.check()
    yield store
    store.close()


@pytest.fixture
def s3_store(only_s3_store: S3Store) -> Iterator[S3Store]:
    yield only_s3_store
    for left in only_s3_store.open_uploads():
        only_s3_store.abort_upload(left.key, left.upload_id)
    for listed in only_s3_store.list():
        only_s3_store.delete(listed.key)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(f"{request.param}_store")
    return found


@pytest.fixture
def key() -> ObjectKey:
    return new_object_key("12", "mp3")
