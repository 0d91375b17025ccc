"""Her place in a lesson, in real browsers: from one device to the next, and through bad moments."""

import re
import secrets

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.listener import Listener
from tests.parts.browser import (
    WITHOUT_JAVASCRIPT,
    Look,
    OpenPage,
    keep_picture,
    look_over,
    wait_for,
)
from tests.parts.server import Installation

pytestmark = [pytest.mark.browser]

PLAY_FROM = """(audio, second) => new Promise((resolve) => {
    audio.muted = true;
    const seek = () => { audio.currentTime = second; resolve(); };
    audio.addEventListener('playing', seek, {once: true});
    audio.play();
})"""
PLAYS_AT = """audio => new Promise((resolve) => {
    audio.muted = true;
    audio.addEventListener('playing', () => resolve(audio.currentTime), {once: true});
    audio.play();
})"""


@pytest.fixture
def noor(page: Page, demo_house: Installation) -> Listener:
    email = f"noor-{secrets.token_hex(4)}@example.org"
    return Listener(page=page, url=demo_house.url, email=email)


def plays_until(page: Page, second: float) -> None:
    """Play from `second` on, and pause."""
    audio = page.locator("audio").first
    audio.evaluate(PLAY_FROM, second)
    wait_for(page, f"document.querySelector('audio').currentTime > {second + 0.5}")
    audio.evaluate("audio => audio.pause()")


def on_another_device(noor: Listener, open_page: OpenPage, look: Look) -> Page:
    """The same listener, who came in there by a link of her own."""
    other = open_page(look)
    for cookie in noor.page.context.cookies():
        if cookie["name"] == "cadans":
            other.context.add_cookies(
                [{"name": "cadans", "value": cookie["value"], "url": noor.url}]
            )
    other.goto(noor.page.url)
    return other


def test_another_device_goes_on_where_this_one_stopped(noor: Listener, open_page: OpenPage) -> None:
    noor.becomes_listener("Noor")
    plays_until(noor.page, 30)
    expect(noor.page.locator("[data-heard]").first).to_contain_text(re.compile(r"3\d s van"))
    other = on_another_device(noor, open_page, Look(width=390))
    keep_picture(other, "follow-goes-on")
    expect(other.locator("[data-heard]").first).to_contain_text(re.compile(r"3\d s van"))
    assert 29 < float(other.locator("audio").first.evaluate(PLAYS_AT)) < 40
    other.goto(other.url.replace("/my/follow/", "/my/course/"))
    expect(other.locator("[data-heard]").first).to_contain_text(re.compile(r"\d\d s van"))
    look_over(other, "course-goes-on")


def test_without_javascript_a_link_leads_to_the_place(noor: Listener, open_page: OpenPage) -> None:
    noor.becomes_listener("Noor")
    plays_until(noor.page, 30)
    expect(noor.page.locator("[data-heard]").first).to_contain_text(re.compile(r"3\d s van"))
    other = on_another_device(noor, open_page, WITHOUT_JAVASCRIPT)
    link = other.get_by_role("link", name="Ga verder vanaf 0:3")
    address = str(link.get_attribute("href"))
    assert re.fullmatch(r"/a/[a-z2-7]{40}/[0-9a-z]{8}-1\.mp3#t=3\d", address)
    assert httpx.head(noor.url + address).status_code == 200


def test_a_place_that_could_not_be_sent_waits_in_the_browser(noor: Listener) -> None:
    noor.becomes_listener("Noor")
    refuse = re.compile("/my/listening/")

    def break_off(route: Route) -> None:
        route.abort("internetdisconnected")

    noor.page.route(refuse, break_off)
    plays_until(noor.page, 20)
    kept = "Object.keys(localStorage).filter(name => name.startsWith('cadans-place')).length"
    assert noor.page.evaluate(kept) == 1
    noor.page.unroute(refuse)
    noor.page.reload()
    heard = noor.page.locator("[data-heard]").first
    expect(heard).to_contain_text(re.compile(r"2\d s van"), timeout=30_000)
    wait_for(noor.page, f"{kept} === 0")
    assert 19 < float(noor.page.locator("audio").first.evaluate(PLAYS_AT)) < 30


def test_a_lesson_heard_to_its_end_says_so(noor: Listener) -> None:
    noor.becomes_listener("Noor")
    length = noor.plays_first_lesson()
    noor.page.locator("audio").first.evaluate(
        "(audio, second) => { audio.currentTime = second; }", length - 0.5
    )
    expect(noor.page.locator("[data-heard]").first).to_have_text("Beluisterd")
    noor.page.reload()
    noor.looks_around("follow-heard")
    expect(noor.page.locator("[data-heard]").first).to_have_text("Beluisterd")
    assert float(noor.page.locator("audio").first.evaluate(PLAYS_AT)) < 5


def test_leaving_the_page_loses_no_place(noor: Listener) -> None:
    noor.becomes_listener("Noor")
    follow = noor.page.url
    audio = noor.page.locator("audio").first
    audio.evaluate(PLAY_FROM, 25)
    wait_for(noor.page, "document.querySelector('audio').currentTime > 26")
    noor.page.goto(f"{noor.url}/my/privacy")
    noor.page.evaluate("localStorage.clear()")
    noor.page.goto(follow)
    expect(noor.page.locator("[data-heard]").first).to_contain_text(re.compile(r"2[5-9] s van"))
