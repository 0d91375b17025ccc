"""The drill: a machine is lost, and the house is back elsewhere with every address as it was.

Larger, and there and back: `scripts/bench drill`.
"""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from app.demo import DEMO_SLUG, load_demo_course
from tests.e2e.by_http import become_listener, maildir_of
from tests.parts.clients import GPodder
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server, environ_of
from tests.parts.server import WITHOUT_TLS, Installation, ServerFailed, demo, installation

pytestmark = [
    pytest.mark.s3,
    pytest.mark.postgres,
    pytest.mark.client,
    pytest.mark.slow,
]

# Between two requests of one thread: a load leaves some of the machine to those who carry it.
BREATH_SECONDS = 0.02
EMAIL = "noor@example.org"
RECORDINGS = [lesson.audio.read_bytes() for lesson in load_demo_course().lessons]


@contextmanager
def under_load(here: Installation, feed_url: str) -> Iterator[list[int]]:
    """Poll a feed and sign up, again and again; answer the status of everything."""
    is_over, statuses = threading.Event(), []
    ask = partial(httpx.request, timeout=20, verify=WITHOUT_TLS)

    def poll() -> None:
        while not is_over.wait(BREATH_SECONDS):
            statuses.append(ask("GET", feed_url).status_code)

    def sign_up() -> None:
        number = 0
        while not is_over.wait(BREATH_SECONDS):
            number += 1
            form = {"name": "Kim", "email": f"kim{number}@example.org"}
            answer = ask("POST", f"{here.url}/{DEMO_SLUG}", data=form)
            # Who signs up so often from one place is asked to wait, in the end.
            statuses.append(200 if answer.status_code == 429 else answer.status_code)

    threads = [threading.Thread(target=each) for each in (poll, poll, sign_up)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


@contextmanager
def elsewhere(
    folder: Path, port: int, postgres: Postgres, s3_server: S3Server, keys: dict[str, str]
) -> Iterator[Installation]:
    """Another machine with empty tables and an empty bucket, under the same name."""
    bucket = s3_server.make_bucket()
    with postgres.fresh() as database_url:
        environ = {
            "CADANS_DEMO": "1",
            "CADANS_DATABASE_URL": database_url.replace("+psycopg", ""),
            **environ_of(bucket),
            **keys,
        }
        with installation(folder, environ) as here:
            here.port = port
            yield here


def test_gpodder_goes_on_after_the_machine_was_lost(
    tmp_path: Path, gpodder: GPodder, postgres: Postgres, s3_server: S3Server
) -> None:
    archive, words = tmp_path / "kept" / "all.zip", tmp_path / "words"
    words.write_text("seven seas and a half\n")
    sealed = ("--passphrase-file", str(words))
    with demo(tmp_path / "old") as old:
        address = become_listener(old, maildir_of(old), EMAIL, DEMO_SLUG)
        gpodder.subscribe(address)
        gpodder.download()
        with under_load(old, address) as statuses:
            made = json.loads(old.run("backup", str(archive), *sealed, "--json"))
        assert set(statuses) == {200}
        assert (made["objects"] >= len(RECORDINGS), made["missing"]) == (True, [])
    before = {path: path.stat().st_mtime_ns for path in gpodder.home.rglob("*.mp3")}
    shutil.rmtree(tmp_path / "old")

    with installation(tmp_path / "nowhere") as anywhere:
        printed = anywhere.run("restore", str(archive), *sealed, "--print-keys")
    keys = dict(line.split("=", 1) for line in printed.splitlines())
    with elsewhere(tmp_path / "new", old.port, postgres, s3_server, keys) as new:
        new.run("restore", str(archive))
        new.serve(demo_clock="+7d")
        new.start("worker", demo_clock="+7d")
        gpodder.update()
        gpodder.download()
        assert gpodder.feed_urls() == [address]
        after = {path: path.stat().st_mtime_ns for path in gpodder.home.rglob("*.mp3")}
        assert before.items() < after.items()
        heard = [audio for audio in gpodder.files().values() if audio in RECORDINGS]
        assert sorted(heard) == sorted(RECORDINGS[:2])
        assert len(gpodder.episodes()) == len(set(gpodder.episodes()))
        with pytest.raises(ServerFailed, match="already"):
            new.run("restore", str(archive))
