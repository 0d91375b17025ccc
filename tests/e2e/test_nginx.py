"""What the nginx that we ship does itself: it masks, limits, keeps nothing, and stands in."""

import json
import re
import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import feedparser
import httpx
import pytest

from app.demo import DEMO_SLUG, load_demo_course
from app.services.uploads import PART_BYTES
from tests.e2e.behind_nginx import Front, behind_nginx
from tests.parts.nginx import SHIPPED, nginx_before
from tests.parts.smtp import receiving

pytestmark = pytest.mark.slow

EMAIL = "ada@example.org"
TOKEN = "abcdefgh" * 5
SIGNED = "IjEi.aZ09_-.Qx7"
SOUND = load_demo_course().lessons[0].audio.read_bytes()
PATIENCE_SECONDS = 20
# As scripts/deploy/nginx/cadans/house.conf has it.
MOST_AT_ONCE = 64


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("house")
    with receiving() as mail, behind_nginx(folder, mail, "accel") as made:
        yield made


@pytest.fixture
def anybody(front: Front) -> Iterator[httpx.Client]:
    with front.nginx.client() as client:
        yield client


@pytest.fixture(scope="module")
def feed(front: Front) -> str:
    return front.becomes_listener()


@pytest.fixture(scope="module")
def audio(front: Front, feed: str) -> str:
    with front.nginx.client() as app:
        return str(feedparser.parse(app.get(feed).content).entries[0].enclosures[0].href)


def written_of(front: Front, anybody: httpx.Client, path: str) -> dict[str, Any]:
    """Ask for a path; answer what the access log says of it."""
    mark = secrets.token_hex(8)
    anybody.get(f"{front.url}{path}", headers={"User-Agent": mark})
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        for line in front.nginx.log.splitlines():
            if mark in line:
                found: dict[str, Any] = json.loads(line)
                return found
        time.sleep(0.05)
    pytest.fail(f"{path} was not written down")


@contextmanager
def out_of_order(front: Front) -> Iterator[None]:
    """The house is stopped, its nginx goes on."""
    front.here.stop()
    try:
        yield
    finally:
        front.here.serve()


@pytest.mark.parametrize(
    "path",
    [
        f"/f/{TOKEN}.xml",
        f"/a/{TOKEN}/abcdefgh-1.mp3",
        f"/%66/{TOKEN}.xml",
        f"//f/{TOKEN}.xml",
        f"/F/{TOKEN}.xml",
        f"/{TOKEN}",
        f"/admin/{TOKEN}",
        f"/admin/?next=/f/{TOKEN}.xml",
        f"/my/open/{SIGNED}",
        f"/my/calendar/{SIGNED}.ics",
        f"/my/email/old/{SIGNED}",
        f"/my/{SIGNED}",
        f"/sign-in/new-password/{SIGNED}",
        f"/%6dy/confirm/{SIGNED}",
        f"/admin/courses/1/listeners?q={SIGNED}",
        f"/?{SIGNED}",
    ],
)
def test_nothing_secret_of_an_address_is_written_down(
    anybody: httpx.Client, front: Front, path: str
) -> None:
    written_of(front, anybody, path)
    assert TOKEN not in front.nginx.log
    assert SIGNED not in front.nginx.log


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (f"/{DEMO_SLUG}?from=mail", f"/{DEMO_SLUG}"),
        ("/my/confirm/x", "/my/confirm/-"),
        ("/my/", "/my/-"),
        (f"/f/{TOKEN}.xml", "/f/-"),
        ("/sign-in", "/sign-in"),
        ("/static/no/such.css", "/static/no/such.css"),
        ("/admin/courses/1/order", "/admin/courses/1/order"),
        ("/", "/"),
    ],
)
def test_what_is_harmless_is_written_down_as_it_was_asked_for(
    anybody: httpx.Client, front: Front, path: str, written: str
) -> None:
    assert written_of(front, anybody, path)["path"] == written


def test_who_asked_is_written_down_as_a_network(anybody: httpx.Client, front: Front) -> None:
    assert written_of(front, anybody, "/")["network"] == "127.0.0.0"


def test_addresses_stay_secret_when_the_house_does_not_answer(
    front: Front, anybody: httpx.Client, feed: str
) -> None:
    with out_of_order(front):
        answer = anybody.get(feed)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Try again" in answer.text
    assert feed.rpartition("/")[2].removesuffix(".xml") not in front.nginx.log


def test_addresses_stay_secret_when_a_recording_cannot_be_read(
    front: Front, anybody: httpx.Client, audio: str
) -> None:
    moved = front.nginx.store.rename(front.nginx.folder / "away")
    try:
        answer = anybody.get(audio)
    finally:
        moved.rename(front.nginx.store)
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert audio.split("/")[4] not in front.nginx.log


def test_a_recording_is_sent_by_nginx_as_the_house_would(anybody: httpx.Client, audio: str) -> None:
    whole, head = anybody.get(audio), anybody.head(audio)
    part = anybody.get(audio, headers={"Range": "bytes=10-19", "If-Range": whole.headers["ETag"]})
    assert (whole.content, part.content) == (SOUND, SOUND[10:20])
    assert (head.headers["ETag"], head.headers["Accept-Ranges"]) == (whole.headers["ETag"], "bytes")
    for name, value in (
        ("Content-Type", "audio/mpeg"),
        ("Cache-Control", "private, no-cache"),
        ("X-Robots-Tag", "noindex"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ):
        assert whole.headers.get_list(name) == [value]


def test_where_a_recording_lies_is_not_written_down(
    front: Front, anybody: httpx.Client, audio: str
) -> None:
    assert written_of(front, anybody, audio.removeprefix(front.url))["path"] == "/a/-"
    assert "_store" not in front.nginx.log


def test_the_store_has_no_address_of_its_own(front: Front, anybody: httpx.Client) -> None:
    found = [path.relative_to(front.nginx.store) for path in front.nginx.store.glob("*/*.mp3")]
    assert found
    assert anybody.get(f"/_store/{found[0]}").status_code == 404


def test_nothing_is_kept_but_stylesheets_and_the_like(
    front: Front, anybody: httpx.Client, feed: str, audio: str
) -> None:
    style = re.search(r"/static/[^\"?]+\.css", anybody.get("/").text)
    assert style is not None
    for address in (feed, audio, f"/{DEMO_SLUG}", "/my/", "/sign-in", style[0]):
        assert anybody.get(address).status_code == 200
    kept = [path for path in (front.nginx.folder / "cache").rglob("*") if path.is_file()]
    keys = [line for path in kept for line in path.read_bytes().split(b"\n") if b"KEY: " in line]
    assert keys
    assert all(b"/static/" in line for line in keys)
    with out_of_order(front):
        assert anybody.get(style[0]).status_code == 200


def test_browsers_speak_http_2_with_it(front: Front) -> None:
    trust = ssl.create_default_context(cafile=str(front.nginx.authority))
    trust.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", front.nginx.port), timeout=10) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.selected_alpn_protocol() == "h2"


def test_a_form_over_https_needs_its_token_and_no_referer(front: Front) -> None:
    """Flask-WTF would ask for a Referer here, and our pages send none."""
    said = front.here.run("account", "add", EMAIL, "--name", "Ada", "--language", "en")
    typed = {"email": EMAIL, "password": said.rpartition(" ")[2].strip()}
    with front.nginx.client() as browser:
        page = browser.get("/sign-in")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
        assert token is not None
        assert browser.post("/sign-in", data=typed).status_code == 400
        sent = typed | {"csrf_token": token[1]}
        elsewhere = browser.post("/sign-in", data=sent, headers={"Sec-Fetch-Site": "cross-site"})
        assert elsewhere.status_code == 403
        inside = browser.post("/sign-in", data=sent, headers={"Sec-Fetch-Site": "same-origin"})
        assert inside.status_code == 303
        assert browser.get("/admin/").status_code == 200
    cookie = page.headers["Set-Cookie"]
    assert cookie.startswith("__Host-cadans=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))


def test_what_a_stranger_says_of_himself_is_not_believed(anybody: httpx.Client) -> None:
    lies = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "Host": "evil.example"}
    page = anybody.get(f"/{DEMO_SLUG}", headers=lies)
    assert page.status_code == 200
    assert "evil.example" not in page.text
    assert page.headers.get_list("Strict-Transport-Security")


def test_a_form_that_is_far_too_large_is_refused_in_words(anybody: httpx.Client) -> None:
    answer = anybody.post("/my/", content=b"x" * 4_000_000)
    assert answer.status_code == 413
    assert "too large" in answer.text


def test_parts_of_an_upload_pass_where_forms_of_their_size_do_not(
    front: Front, anybody: httpx.Client
) -> None:
    front.here.run("account", "add", "teacher@example.org", "--name", "Ada")
    token = front.here.run("token", "create", "teacher@example.org", "--label", "laptop").strip()
    hers = {"Authorization": f"Bearer {token}"}
    made = anybody.post("/api/v1/courses", json={"title": "Sent", "slug": "sent"}, headers=hers)
    assert made.status_code == 201, made.text
    wanted = {"file_name": "long.mp3", "size_bytes": PART_BYTES + 1}
    begun = anybody.post("/api/v1/courses/sent/uploads", json=wanted, headers=hers).json()
    part = f"/api/v1/uploads/{begun['upload']['id']}/parts/1"
    # Over and over: who was refused before all was taken in got 503 from nginx now and then.
    refused = {anybody.put(part, content=bytes(PART_BYTES)).status_code for _ in range(20)}
    assert refused == {401}
    assert anybody.put(part, content=bytes(PART_BYTES), headers=hers).status_code == 200


def test_a_flood_of_pages_is_stopped_while_feeds_go_on(front: Front, feed: str) -> None:
    with nginx_before(front.here.port) as another, another.client() as flooder:
        answers = [flooder.get("/no-such-course") for _ in range(250)]
        polls = [flooder.get(f"/f/{feed.rpartition('/')[2]}").status_code for _ in range(50)]
        # Where she is in a lesson, from a stranger: turned away by the house, not by nginx.
        places = {flooder.post(f"/my/listening/{uuid4()}").status_code for _ in range(50)}
    stopped = [answer for answer in answers if answer.status_code == 429]
    assert stopped
    assert int(stopped[0].headers["Retry-After"]) > 0
    assert "too fast" in stopped[0].text
    assert set(polls) == {200}
    assert 429 not in places


def test_who_takes_every_connection_for_audio_stops_nobody_else_at_her_address(
    front: Front, anybody: httpx.Client, audio: str
) -> None:
    with front.nginx.client() as app:
        other = feedparser.parse(app.get(front.becomes_listener()).content).entries[0]
    with ExitStack() as players:
        for _ in range(MOST_AT_ONCE):
            players.enter_context(begin_to_listen(front, audio))

        assert anybody.get(audio).status_code == 429
        assert anybody.get(other.enclosures[0].href).status_code == 200


def begin_to_listen(front: Front, url: str) -> ssl.SSLSocket:
    """A player that has the first bytes of a recording and wants no more for now."""
    trust = ssl.create_default_context(cafile=str(front.nginx.authority))
    where = urlsplit(url)
    plain = socket.socket()
    # Small, so that a recording does not all fit into what is under way.
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
    plain.connect(("127.0.0.1", where.port or 443))
    player = trust.wrap_socket(plain, server_hostname=where.hostname)
    player.sendall(f"GET {where.path} HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode())
    assert player.recv(12) == b"HTTP/1.1 200"
    return player


def test_no_shipped_file_writes_down_what_was_asked_for_as_it_is() -> None:
    for path in SHIPPED.rglob("*.conf"):
        text = path.read_text()
        assert not re.search(r"log_format[^;]*\$(request |request_uri|uri|args|http_referer)", text)
        for access_log in re.findall(r"^\s*access_log [^;]+;", text, re.MULTILINE):
            assert access_log.endswith(" cadans;")
