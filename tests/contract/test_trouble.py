"""Stores that are down, closed to us, missing or full: each says so in its own way."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from media.errors import (
    MediaError,
    ObjectNotFound,
    StoreFull,
    StoreMissing,
    StoreRefused,
    StoreUnreachable,
)
from media.folder import FolderStore
from media.keys import ObjectKey
from media.location import FolderLocation, S3Location
from media.s3 import S3Store
from media.store import Store

MP3 = "audio/mpeg"
KEY = ObjectKey("12/lesson.mp3")


def _open(store: Store) -> None:
    with store.open(KEY) as chunks:
        list(chunks)


# What each of these does must come out as an error of ours.
CALLS: dict[str, Callable[[Store], object]] = {
    "put": lambda store: store.put(KEY, [b"x"], MP3),
    "stat": lambda store: store.stat(KEY),
    "open": _open,
    "list": lambda store: list(store.list()),
    "delete": lambda store: store.delete(KEY),
    "check": lambda store: store.check(),
    "begin_upload": lambda store: store.begin_upload(KEY, MP3),
    "open_uploads": lambda store: list(store.open_uploads()),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def nobody_listens(aws_credentials: None) -> S3Store:  # noqa: ARG001  boto3 wants some
    return S3Store(_at_port(1))


def _at_port(port: int) -> S3Location:
    endpoint = f"http://127.0.0.1:{port}"
    return S3Location(bucket="bucket", endpoint=endpoint, region="us-east-1")


@every_call
def test_server_that_is_down_is_unreachable_within_seconds(
    nobody_listens: S3Store, call: Callable[[Store], object]
) -> None:
    began_at = time.monotonic()
    with pytest.raises(StoreUnreachable, match="check that it is running"):
        call(nobody_listens)
    assert time.monotonic() - began_at < 5


def test_presigning_asks_nothing_of_a_server_that_is_down(nobody_listens: S3Store) -> None:
    assert nobody_listens.presign_get(KEY, seconds=60, content_type=MP3)


@contextlib.contextmanager
def _server_that_says(answer: bytes) -> Iterator[S3Store]:
    """A store at a server that gives this answer to everything, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_say, args=(listener, answer), daemon=True)
        thread.start()
        store = S3Store(_at_port(listener.getsockname()[1]))
        yield store
        store.close()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _say(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)


@pytest.mark.usefixtures("aws_credentials")
def test_server_that_cannot_work_now_is_unreachable() -> None:
    with (
        _server_that_says(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n") as store,
        pytest.raises(StoreUnreachable, match="503"),
    ):
        store.stat(KEY)


@pytest.mark.usefixtures("aws_credentials")
def test_full_server_is_full() -> None:
    said = b"<Error><Code>QuotaExceeded</Code></Error>"
    head = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(said)
    with _server_that_says(head + said) as store, pytest.raises(StoreFull):
        store.put(KEY, [b"x"], MP3)


@pytest.mark.usefixtures("aws_credentials")
def test_bytes_that_are_cut_off_are_no_end_of_the_object() -> None:
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this"
    with _server_that_says(said) as store, pytest.raises(StoreUnreachable):
        _open(store)


@pytest.mark.s3
@every_call
def test_wrong_credentials_are_refused(
    s3_location: S3Location, monkeypatch: pytest.MonkeyPatch, call: Callable[[Store], object]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong" * 8)
    store = S3Store(s3_location)
    with pytest.raises(StoreRefused, match="check that the credentials are right"):
        call(store)
    store.close()


@pytest.mark.s3
def test_message_never_holds_the_secret(
    s3_location: S3Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrongwrongwrong")
    store = S3Store(s3_location)
    with pytest.raises(StoreRefused) as caught:
        store.stat(KEY)
    store.close()
    assert "wrongwrongwrong" not in str(caught.value)


@pytest.mark.usefixtures("aws_credentials")
def test_no_credentials_at_all_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    store = S3Store(_at_port(1))
    with pytest.raises(StoreRefused, match="set AWS_ACCESS_KEY_ID"):
        store.stat(KEY)
    with pytest.raises(StoreRefused, match="set AWS_ACCESS_KEY_ID"):
        store.presign_get(KEY, seconds=60, content_type=MP3)


@pytest.mark.s3
@every_call
def test_missing_bucket_is_missing(
    s3_location: S3Location, call: Callable[[Store], object]
) -> None:
    store = S3Store(replace(s3_location, bucket="no-such-bucket"))
    with pytest.raises(StoreMissing, match="create it"):
        call(store)
    store.close()


@every_call
def test_folder_that_went_away_is_missing_and_not_made_again(
    tmp_path: Path, call: Callable[[Store], object]
) -> None:
    store = FolderStore(FolderLocation(path=tmp_path / "disk"))
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    with pytest.raises(StoreMissing, match="mount it"):
        call(store)
    assert not (tmp_path / "disk").exists()


def test_folder_in_place_of_which_a_file_stands_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(MediaError, match="folder"):
        FolderStore(FolderLocation(path=tmp_path / "file"))


@pytest.mark.parametrize("name", ["12", "12/lesson.mp3"])
def test_symbolic_link_leads_nowhere_outside(tmp_path: Path, name: str) -> None:
    store = FolderStore(FolderLocation(path=tmp_path / "store"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "lesson.mp3").write_text("secret")
    link = tmp_path / "store" / name
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(outside / name.removeprefix("12").lstrip("/"))
    for call in (CALLS["put"], CALLS["stat"], CALLS["open"], CALLS["delete"]):
        with pytest.raises(StoreRefused, match="symbolic link"):
            call(store)
    assert (outside / "lesson.mp3").read_text() == "secret"
    assert list(store.list()) == []


def test_file_copied_in_by_hand_is_an_object(tmp_path: Path) -> None:
    store = FolderStore(FolderLocation(path=tmp_path))
    (tmp_path / "12").mkdir()
    (tmp_path / KEY).write_bytes(b"sound")
    stored = store.stat(KEY)
    assert (stored.size_bytes, stored.content_type) == (5, MP3)
    assert stored.etag.strip('"')


def test_what_others_left_in_the_folder_is_not_listed(tmp_path: Path) -> None:
    store = FolderStore(FolderLocation(path=tmp_path))
    (tmp_path / "12").mkdir()
    for name in ("README", "12/.DS_Store", "12/A.MP3"):
        (tmp_path / name).write_text("x")
    (tmp_path / "12" / "folder").mkdir()
    assert list(store.list()) == []


def test_crash_while_bytes_come_in_leaves_an_upload_to_sweep(tmp_path: Path) -> None:
    store = FolderStore(FolderLocation(path=tmp_path))
    child = os.fork()
    if child == 0:

        def dying() -> Iterator[bytes]:
            yield b"x" * 100_000
            os.kill(os.getpid(), signal.SIGKILL)

        store.put(KEY, dying(), MP3)
    os.waitpid(child, 0)
    with pytest.raises(ObjectNotFound):
        store.stat(KEY)
    (left,) = store.open_uploads()
    store.abort_upload(left.key, left.upload_id)
    assert _files(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for 256 KiB: a real file system where we may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "cadans-test", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode == 0:
        yield folder
        subprocess.run(["umount", str(folder)], check=True)
        return
    # Without root: no file of this process may grow further (EFBIG instead of ENOSPC).
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, limits[1]))
    yield folder
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_full_disk_leaves_nothing_of_an_object(small_disk: Path) -> None:
    store = FolderStore(FolderLocation(path=small_disk))
    with pytest.raises(StoreFull, match="make room"):
        store.put(KEY, (bytes(4096) for _ in range(200)), MP3)
    assert _files(small_disk) == []


def test_full_disk_leaves_the_upload_that_was_there(small_disk: Path) -> None:
    store = FolderStore(FolderLocation(path=small_disk))
    upload_id = store.begin_upload(KEY, MP3)
    first = store.put_part(KEY, upload_id, 1, [bytes(1000)])
    with pytest.raises(StoreFull):
        store.put_part(KEY, upload_id, 2, (bytes(4096) for _ in range(200)))
    assert store.parts(KEY, upload_id) == [first]
    assert store.complete_upload(KEY, upload_id, [first]).size_bytes == 1000


def test_disk_too_full_to_join_the_parts_keeps_them(small_disk: Path) -> None:
    store = FolderStore(FolderLocation(path=small_disk))
    upload_id = store.begin_upload(KEY, MP3)
    part = store.put_part(KEY, upload_id, 1, [bytes(150_000)])
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(60_000))
    if not os.path.ismount(small_disk):
        pytest.skip("needs a file system of its own: run as root")
    with pytest.raises(StoreFull):
        store.complete_upload(KEY, upload_id, [part])
    assert store.parts(KEY, upload_id) == [part]
    assert list(store.list()) == []
