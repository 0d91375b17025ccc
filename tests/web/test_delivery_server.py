"""The same behind the real server: slow readers, HEAD, nginx."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from app.clock import system_clock
from app.db.models import Fetches, Lesson, Recording
from app.house import House
from app.settings import Settings
from app.wiring import open_house
from tests.builders import a_course, a_subscription
from tests.parts.missing import missing
from tests.parts.server import Installation, free_port, installation
from tests.web.conftest import store_sound, token_of

pytestmark = pytest.mark.slow

READERS = 8
BYTES_PER_SECOND = 1_000
# More than the kernel's buffers take: the server has to wait for its readers.
LONG_SOUND = bytes(range(256)) * 4 * 20_000


class Served:
    """An installation with one lesson of 20 MB, and what it takes to ask for it."""

    def __init__(self, here: Installation) -> None:
        self.here = here
        here.make_tables()
        environ = {"CADANS_VAR": str(here.folder / "var"), "CADANS_BIND": f"127.0.0.1:{here.port}"}
        self.house: House = open_house(Settings.from_env(environ))
        now = system_clock()
        with self.house.database.writing() as session:
            course = a_course(session, lessons=2)
            for lesson in session.scalars(select(Lesson)):
                lesson.published_at = lesson.placed_at = now - timedelta(days=9)
            follower = a_subscription(session, course, started_at=now, next_unlock_at=now)
            for recording in session.scalars(select(Recording)):
                store_sound(self.house, recording, LONG_SOUND)
            token = token_of(self.house, session, follower.id)
            first, second = session.scalars(
                select(Lesson.public_id).order_by(Lesson.position)
            ).all()
        self.feed = f"/f/{token}.xml"
        self.audio, self.locked = (f"/a/{token}/{each}-1.mp3" for each in (first, second))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with installation(tmp_path / "house") as here:
        made = Served(here)
        here.serve()
        yield made
        made.house.close()


@contextmanager
def a_slow_reader(port: int, path: str) -> Iterator[socket.socket]:
    """A client that has asked for a recording and takes it in tiny sips."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.connect(("127.0.0.1", port))
        client.settimeout(10)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert client.recv(64).startswith(b"HTTP/1.1 200")
        yield client


def test_slow_readers_never_hold_up_a_poll(served: Served) -> None:
    port = served.here.port
    with ExitStack() as stack:
        httpx.get(served.here.url + served.feed)
        readers = [stack.enter_context(a_slow_reader(port, served.audio)) for _ in range(READERS)]
        poller = stack.enter_context(httpx.Client(base_url=served.here.url))
        delays = []
        for _ in range(20):
            for reader in readers:
                reader.recv(BYTES_PER_SECOND // 10)
            asked_at = time.perf_counter()
            assert poller.get(served.feed).status_code == 200
            delays.append(time.perf_counter() - asked_at)
            time.sleep(0.1)
    # A machine that runs other tests beside this one may be late once; a held-up poll always is.
    assert sorted(delays)[len(delays) // 2] < 0.1


def test_server_sends_whole_recordings_ranges_and_heads(served: Served) -> None:
    with httpx.Client(base_url=served.here.url) as client:
        assert client.get(served.audio).content == LONG_SOUND
        part = client.get(served.audio, headers={"Range": "bytes=5-9"})
        head = client.head(served.audio)
    assert (part.status_code, part.content) == (206, LONG_SOUND[5:10])
    assert head.headers["Content-Length"] == str(len(LONG_SOUND))


def test_server_writes_down_how_much_of_a_recording_went_out(served: Served) -> None:
    with httpx.Client(base_url=served.here.url) as client:
        assert client.get(served.audio, headers={"Range": "bytes=0-9"}).status_code == 206
    give_up_at = time.monotonic() + 15
    found = None
    while found is None and time.monotonic() < give_up_at:
        time.sleep(0.2)
        with served.house.database.reading() as session:
            found = session.scalars(select(Fetches.bytes_sent)).first()
    assert found == 10


def test_rule_21_server_logs_no_address(served: Served) -> None:
    with httpx.Client(base_url=served.here.url) as client:
        for path in (served.feed, served.audio, served.locked, served.feed + "x"):
            client.head(path)
    served.here.stop()
    assert served.feed.split("/")[2][:40] not in served.here.log


NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /_store/ {{ internal; alias {store}/; }}
    location / {{ proxy_pass http://127.0.0.1:{behind}; proxy_set_header Host $host; }}
  }}
}}
"""


@contextmanager
def nginx_before(served: Served, folder: Path) -> Iterator[str]:
    program = shutil.which("nginx") or missing("nginx", "nginx-light")
    port = free_port()
    folder.mkdir()
    config = folder / "nginx.conf"
    store = served.here.folder / "var" / "store"
    user = "user root;\n"
    config.write_text(
        user + NGINX.format(folder=folder, port=port, store=store, behind=served.here.port)
    )
    with subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL) as nginx:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.terminate()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("nginx did not start")


def test_nginx_sends_the_bytes_and_we_keep_the_lock(tmp_path: Path) -> None:
    with installation(tmp_path / "house", {"CADANS_AUDIO": "accel"}) as here:
        served = Served(here)
        here.serve()
        with nginx_before(served, tmp_path / "nginx") as url, httpx.Client(base_url=url) as client:
            whole, head = client.get(served.audio), client.head(served.audio)
            probe = client.get(served.audio, headers={"Range": "bytes=0-1"})
            locked = client.get(served.locked)
            straight = client.get(f"/_store/{_a_key(served.house)}")
        served.house.close()
    assert whole.content == LONG_SOUND
    assert (head.status_code, head.headers["ETag"]) == (200, whole.headers["ETag"])
    assert (head.headers["Content-Length"], head.headers["Accept-Ranges"]) == (
        str(len(LONG_SOUND)),
        "bytes",
    )
    assert (probe.status_code, probe.content) == (206, LONG_SOUND[:2])
    assert (locked.status_code, straight.status_code) == (403, 404)


def _a_key(house: House) -> str:
    with house.database.reading() as session:
        return session.scalars(select(Recording.object_key).order_by(Recording.id)).first() or ""
