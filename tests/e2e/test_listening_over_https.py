"""Journey "Listen" as it is on a server: HTTPS through the nginx that we ship, each AUDIO."""

import secrets
from collections.abc import Iterator

import feedparser
import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.demo import DEMO_SLUG, load_demo_course
from tests.e2e.behind_nginx import Front, behind_nginx
from tests.e2e.listener import Listener
from tests.parts.browser import launch
from tests.parts.rgw import S3Server
from tests.parts.smtp import receiving

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FIRST = load_demo_course().lessons[0].audio.read_bytes()


@pytest.fixture(
    scope="module", params=["serve", "accel", pytest.param("redirect", marks=pytest.mark.s3)]
)
def front(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Front]:
    s3: S3Server | None = None
    if request.param == "redirect":
        s3 = request.getfixturevalue("s3_server")
    folder = tmp_path_factory.mktemp(request.param)
    with receiving() as mail, behind_nginx(folder, mail, request.param, s3) as made:
        yield made


@pytest.fixture
def browser(browser: Browser, front: Front) -> Iterator[Browser]:
    """One that trusts the certificate of this nginx, and no other that it should not."""
    trusting = f"--ignore-certificate-errors-spki-list={front.nginx.fingerprint}"
    with launch(browser.browser_type, trusting) as trusting_one:
        yield trusting_one


@pytest.fixture
def noor(page: Page, front: Front) -> Listener:
    return Listener(page=page, url=front.url, email=f"noor-{secrets.token_hex(4)}@example.org")


def test_a_stranger_signs_up_confirms_polls_and_hears_a_part_of_the_first_lesson(
    noor: Listener, front: Front
) -> None:
    noor.opens_front_page()
    noor.chooses_course()
    noor.fills_in(name="Noor", email=noor.email)
    noor.sends_form()
    expect(noor.page.locator("main")).to_contain_text(noor.email)
    noor.page.goto(front.link_to(noor.email, "/my/confirm/"))
    noor.confirms()
    address = noor.personal_address()
    assert address.startswith(f"{front.url}/f/")
    assert 70 < noor.plays_first_lesson() < 100

    with front.nginx.client(follow_redirects=True) as app:
        feed = app.get(address)
        assert app.get(address, headers={"If-None-Match": feed.headers["ETag"]}).status_code == 304
        sound = str(feedparser.parse(feed.content).entries[0].enclosures[0].href)
        assert sound.startswith(f"{front.url}/a/")
        assert _part(app, sound, 1_000, 100_000) == FIRST[1_000:100_000]
        assert int(app.head(sound).headers["Content-Length"]) == len(FIRST)
    _assert_secret(front, address.rpartition("/")[2].removesuffix(".xml"))


def test_who_comes_by_http_is_sent_to_https(front: Front) -> None:
    answer = httpx.get(f"http://127.0.0.1:{front.nginx.plain_port}/{DEMO_SLUG}")
    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{front.url}/{DEMO_SLUG}"


def _part(app: httpx.Client, address: str, start: int, stop: int) -> bytes:
    answer = app.get(address, headers={"Range": f"bytes={start}-{stop - 1}"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(FIRST)}"
    assert (answer.history or [answer])[0].headers["X-Robots-Tag"] == "noindex"
    return answer.content


def _assert_secret(front: Front, token: str) -> None:
    assert token not in front.nginx.log
    assert token not in front.here.log
    assert '"path":"/f/-"' in front.nginx.log
    assert "X-Amz-Signature" not in front.nginx.log
