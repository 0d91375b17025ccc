"""Take my data with me, and erase me: in a browser, on a real server, a day apart."""

import json
import re
import time
from collections.abc import Iterator
from zipfile import ZipFile

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.listener import SIGN_IN, WELCOME, Listener
from tests.parts.browser import DESKTOP, HEIGHTS, PHONE, WITHOUT_JAVASCRIPT, Look
from tests.parts.server import Installation, demo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# The worker looks once a minute.
ERASED_WITHIN_SECONDS = 150


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A demo of its own: its clock moves."""
    with demo(tmp_path_factory.mktemp("erasing")) as installed:
        yield installed


def sees(noor: Listener, name: str) -> None:
    """Look at a page on phone and desk."""
    for width in (PHONE, DESKTOP):
        noor.page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        noor.looks_around(name)


def signs_in_freshly(noor: Listener) -> None:
    """From a page that asks for it: a link by mail, which leads back to that page."""
    noor.page.locator("main form").first.locator("button").click()
    noor.opens_mail(SIGN_IN)
    noor.presses_button_in_mail()


def waits_until_gone(address: str) -> httpx.Response:
    give_up_at = time.monotonic() + ERASED_WITHIN_SECONDS
    answer = httpx.get(address, timeout=30)
    while answer.status_code != 410 and time.monotonic() < give_up_at:
        time.sleep(0.5)
        answer = httpx.get(address, timeout=30)
    return answer


def test_she_takes_her_data_and_is_erased_a_day_later(page: Page, here: Installation) -> None:
    noor = Listener(page=page, url=here.url, email="noor@example.org")
    feed = noor.becomes_listener("Noor")
    audio = noor.audio_address()
    noor.opens_mail(WELCOME)
    welcome = noor.link_in_mail()
    takes_her_data(noor, feed, here)
    asks_to_be_erased(noor)
    assert httpx.get(feed).status_code == 200

    here.stop()
    here.serve(demo_clock="+25h")
    assert waits_until_gone(feed).text.strip() == "This feed was erased."
    assert httpx.get(audio).status_code == 410
    finds_nothing_of_herself(noor, welcome)


def takes_her_data(noor: Listener, feed: str, here: Installation) -> None:
    page = noor.page
    page.goto(f"{noor.url}/my/export")
    sees(noor, "fresh")
    signs_in_freshly(noor)
    expect(page).to_have_url(re.compile("/my/export$"))
    sees(noor, "export")
    with page.expect_download() as started:
        page.get_by_role("link", name="Downloaden (zip)").click()
    with ZipFile(started.value.path()) as archive:
        found = json.loads(archive.read("cadans.json"))
        (here.folder / "cadans.html").write_bytes(archive.read("cadans.html"))
    assert found["listener"]["email"] == noor.email
    assert found["subscriptions"][0]["feed_addresses"][0]["url"] == feed
    page.goto((here.folder / "cadans.html").as_uri())
    sees(noor, "export-file")


def asks_to_be_erased(noor: Listener) -> None:
    page = noor.page
    page.goto(f"{noor.url}/my/erase")
    sees(noor, "erase")
    page.get_by_role("button", name="Wis mij").click()
    expect(page.get_by_text("Je wordt gewist")).to_be_visible()
    sees(noor, "my-erasing")
    noor.opens_mail("Je wordt gewist")
    sees(noor, "mail-erasure-asked")
    noor.presses_button_in_mail()
    sees(noor, "keep")


def finds_nothing_of_herself(noor: Listener, old_link: str) -> None:
    page = noor.page
    noor.opens_mail("Je bent gewist")
    sees(noor, "mail-erased")
    page.goto(old_link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hier wordt niets van je bewaard")
    sees(noor, "gone")
    page.goto(f"{noor.url}/my/")
    expect(page.locator("#field-email")).to_be_visible()


@pytest.mark.parametrize("look", [WITHOUT_JAVASCRIPT], ids=str)
def test_without_javascript_she_asks_to_be_erased_and_stays_after_all(
    page: Page, look: Look, demo_house: Installation
) -> None:
    noor = Listener(
        page=page,
        url=demo_house.url,
        email="noor-no-js@example.org",
        has_javascript=look.has_javascript,
    )
    noor.becomes_listener("Noor")
    page.goto(f"{noor.url}/my/erase")
    signs_in_freshly(noor)
    page.get_by_role("button", name="Wis mij").click()
    expect(page.get_by_text("Je wordt gewist")).to_be_visible()
    page.get_by_role("button", name="Nee, wis mij niet").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_text("Je wordt gewist")).to_have_count(0)
