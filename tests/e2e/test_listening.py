"""Journey "Listen": from the course page to lesson 1, in a browser, on the demo course."""

import secrets

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.listener import SIGN_IN, WELCOME, Listener
from tests.parts.browser import EVERY_SCREEN, WITHOUT_JAVASCRIPT, Look
from tests.parts.server import Installation

pytestmark = [pytest.mark.browser]

SCREENS_AND_NO_SCRIPT = [*EVERY_SCREEN, WITHOUT_JAVASCRIPT]


@pytest.fixture
def noor(page: Page, look: Look, demo_house: Installation) -> Listener:
    return Listener(
        page=page,
        url=demo_house.url,
        email=f"noor-{secrets.token_hex(4)}@example.org",
        has_javascript=look.has_javascript,
    )


@pytest.mark.parametrize("look", SCREENS_AND_NO_SCRIPT, ids=str)
def test_a_stranger_signs_up_confirms_and_hears_the_first_lesson(
    noor: Listener, look: Look
) -> None:
    noor.opens_front_page()
    noor.looks_around("home")
    noor.chooses_course()
    noor.looks_around("course")
    noor.fills_in(name="Noor", email=noor.email)
    noor.sends_form()
    expect(noor.page.locator("main")).to_contain_text(noor.email)
    noor.looks_around("check-mail")
    noor.opens_mail()
    noor.looks_around("mail-confirm")
    noor.presses_button_in_mail()
    noor.looks_around("confirm")
    noor.confirms()
    noor.looks_around("follow")
    audio = noor.audio_address()
    if look.has_javascript:
        assert 70 < noor.plays_first_lesson() < 100
    assert httpx.get(audio, headers={"Range": "bytes=0-1"}).status_code == 206


@pytest.mark.parametrize("look", SCREENS_AND_NO_SCRIPT, ids=str)
def test_form_sent_empty_says_what_is_missing_where_the_reader_is(noor: Listener) -> None:
    noor.opens_course()
    noor.sends_form()
    expect(noor.page.locator(".error-summary")).to_be_focused()
    expect(noor.page.locator(".error-summary li")).to_have_count(2)
    expect(noor.page.locator("#error-name")).to_be_visible()
    expect(noor.page.locator("#error-email")).to_be_visible()
    noor.looks_around("course-errors")


@pytest.mark.parametrize("look", [Look(), WITHOUT_JAVASCRIPT], ids=str)
def test_what_was_typed_is_kept_when_something_else_was_wrong(noor: Listener) -> None:
    noor.opens_course()
    noor.fills_in(name="Noor", email="noor at example")
    noor.sends_form()
    expect(noor.page.locator("#field-name")).to_have_value("Noor")
    expect(noor.page.locator("#field-email")).to_have_value("noor at example")


def test_a_mail_scanner_that_follows_links_confirms_nothing(noor: Listener) -> None:
    noor.signs_up("Noor")
    noor.opens_mail()
    scanned = httpx.get(noor.link_in_mail(), follow_redirects=True)
    assert scanned.status_code == 200
    noor.presses_button_in_mail()
    expect(noor.form.locator("button[type=submit]")).to_be_visible()
    noor.confirms()


@pytest.mark.parametrize("look", [Look(), WITHOUT_JAVASCRIPT], ids=str)
def test_a_confirm_link_that_was_used_says_so_and_shows_no_address(noor: Listener) -> None:
    noor.signs_up("Noor")
    noor.opens_mail()
    link = noor.link_in_mail()
    noor.presses_button_in_mail()
    noor.confirms()
    answer = noor.page.goto(link)
    assert answer is not None
    assert answer.status == 410
    assert "/f/" not in noor.page.content()
    expect(noor.page.locator("#field-email")).to_be_visible()
    noor.looks_around("confirm-used")


def test_the_copied_address_is_a_feed_with_the_first_lesson(noor: Listener) -> None:
    noor.becomes_listener("Noor")
    feed = httpx.get(noor.copies_address())
    assert feed.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert feed.text.count("<itunes:episode>") == 1


def test_the_link_of_the_mail_leaves_the_address_bar(noor: Listener) -> None:
    noor.signs_up("Noor")
    noor.opens_mail()
    token = noor.link_in_mail().rpartition("/")[2]
    noor.presses_button_in_mail()
    noor.confirms()
    assert token not in noor.page.url


@pytest.mark.parametrize("look", [Look(width=390)], ids=str)
def test_the_buttons_of_her_phone_carry_her_own_address(noor: Listener) -> None:
    bare = noor.becomes_listener("Noor").partition("://")[2]
    for scheme in ("antennapod-subscribe://http://", "podcastaddict://", "pktc://subscribe/"):
        assert f"{scheme}{bare}" in noor.app_links()


def test_the_code_to_point_a_camera_at_is_large_enough(noor: Listener) -> None:
    noor.becomes_listener("Noor")
    box = noor.page.locator(".qr-card .qr svg").bounding_box()
    assert box is not None
    assert box["width"] == box["height"] >= 120


def test_signing_up_again_keeps_the_same_address(noor: Listener) -> None:
    first = noor.becomes_listener("Noor")
    noor.page.context.clear_cookies()
    noor.signs_up("Noor")
    noor.opens_mail(SIGN_IN)
    noor.presses_button_in_mail()
    noor.page.goto(f"{noor.url}/my/")
    noor.page.locator("a[href^='/my/follow/']").click()
    assert noor.personal_address() == first


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_a_listener_comes_back_by_mail_and_leaves(noor: Listener) -> None:
    noor.becomes_listener("Noor")
    noor.opens_mail(WELCOME)
    noor.looks_around("mail-welcome")
    noor.page.context.clear_cookies()
    noor.page.goto(f"{noor.url}/my/")
    noor.looks_around("my-sign-in")
    noor.fills_in(email=noor.email)
    noor.sends_form()
    noor.looks_around("check-mail-sign-in")
    noor.opens_mail(SIGN_IN)
    noor.presses_button_in_mail()
    expect(noor.page.locator("main h2")).to_have_count(1)
    noor.looks_around("my")
    noor.page.locator("main h2 a").click()
    noor.page.locator("a[href^='/my/leave/']").click()
    noor.looks_around("leave")
    noor.sends_form()
    expect(noor.page.locator("h1")).to_be_visible()
    noor.looks_around("left")
    noor.page.goto(f"{noor.url}/my/")
    noor.looks_around("my-left")


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_pages_beside_the_way_are_as_good(noor: Listener) -> None:
    for path, name in (
        ("/my/privacy", "privacy"),
        ("/dev/mail", "dev-mail"),
        ("/no-such-course", "error-404"),
        ("/my/confirm/forged", "link-forged"),
        ("/sign-in", "sign-in"),
    ):
        noor.page.goto(f"{noor.url}{path}")
        noor.looks_around(name)
