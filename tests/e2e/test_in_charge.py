"""Journey "Be in charge": pause, pace, begin again, another address, in a browser, on the demo."""

import secrets
from datetime import date, timedelta

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.listener import SIGN_IN, Listener
from tests.parts.browser import EVERY_SCREEN, PHONE, WITHOUT_JAVASCRIPT, Look
from tests.parts.server import Installation

pytestmark = [pytest.mark.browser]

FIRST_LESSON = "Voor wie doe je dit?"


@pytest.fixture
def noor(page: Page, look: Look, demo_house: Installation) -> Listener:
    return Listener(
        page=page,
        url=demo_house.url,
        email=f"noor-{secrets.token_hex(4)}@example.org",
        has_javascript=look.has_javascript,
    )


def comes_in(noor: Listener) -> str:
    """Become a listener and open the page of the course; answer her personal address."""
    address = noor.becomes_listener("Noor")
    noor.page.goto(f"{noor.url}/my/")
    noor.page.locator("main h2 a").click()
    expect(noor.page.locator("#pace")).to_be_visible()
    return address


def chooses(noor: Listener, page: str) -> None:
    noor.page.locator(f"a[href$='/{page}']").click()
    expect(noor.page.locator("main form").first).to_be_visible()


def is_told(noor: Listener) -> None:
    expect(noor.page.locator(".notice").first).to_be_visible()


@pytest.mark.parametrize("look", [*EVERY_SCREEN, WITHOUT_JAVASCRIPT], ids=str)
def test_a_listener_pauses_goes_on_and_changes_her_pace(noor: Listener) -> None:
    comes_in(noor)
    noor.looks_around("my-course")
    chooses(noor, "pause")
    noor.looks_around("my-pause")
    noor.page.locator("#field-until").fill((date.today() + timedelta(days=20)).isoformat())
    noor.sends_form()
    expect(noor.page.locator(".moves li").first).to_be_visible()
    noor.looks_around("my-pause-meaning")
    noor.sends_form()
    is_told(noor)
    noor.looks_around("my-course-paused")
    chooses(noor, "resume")
    noor.looks_around("my-resume-meaning")
    noor.sends_form()
    is_told(noor)
    chooses(noor, "pace")
    noor.looks_around("my-pace")
    noor.page.locator("#field-rhythm-every_days").check()
    noor.fills_in(every_days="3")
    noor.sends_form()
    expect(noor.page.locator(".moves li").first).to_be_visible()
    noor.looks_around("my-pace-meaning")
    noor.sends_form()
    is_told(noor)


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_a_listener_replaces_her_address_after_a_link_by_mail(noor: Listener) -> None:
    address = comes_in(noor)
    noor.page.locator("a[href$='/new-address']").click()
    noor.looks_around("my-fresh")
    noor.sends_form()
    noor.opens_mail(SIGN_IN)
    noor.presses_button_in_mail()
    expect(noor.page.locator("main form.actions")).to_be_visible()
    noor.looks_around("my-new-address")
    noor.sends_form()
    expect(noor.page.locator("#address")).to_be_visible()
    new = noor.personal_address()
    assert new != address
    assert FIRST_LESSON not in httpx.get(address).text
    assert FIRST_LESSON in httpx.get(new).text


@pytest.mark.parametrize("look", [WITHOUT_JAVASCRIPT], ids=str)
def test_a_listener_begins_again_at_a_new_address(noor: Listener) -> None:
    address = comes_in(noor)
    chooses(noor, "restart")
    noor.looks_around("my-restart")
    noor.sends_form()
    expect(noor.page.locator("#address")).to_be_visible()
    assert noor.personal_address() != address
    noor.looks_around("my-follow-again")
    assert FIRST_LESSON in httpx.get(address).text


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_pages_about_herself_are_as_good(noor: Listener) -> None:
    comes_in(noor)
    chooses(noor, "calendar")
    noor.looks_around("my-calendar")
    assert httpx.get(noor.page.locator("#calendar").input_value()).text.startswith("BEGIN:VCAL")
    noor.page.goto(f"{noor.url}/my/details")
    noor.looks_around("my-details")


@pytest.mark.parametrize("look", [Look(width=PHONE)], ids=str)
def test_a_listener_moves_to_another_mailbox(noor: Listener) -> None:
    comes_in(noor)
    noor.page.goto(f"{noor.url}/my/email")
    noor.sends_form()
    noor.opens_mail(SIGN_IN)
    noor.presses_button_in_mail()
    noor.looks_around("my-email")
    other = Listener(page=noor.page, url=noor.url, email=f"new-{noor.email}")
    noor.fills_in(email=other.email)
    noor.sends_form()
    noor.looks_around("my-email-asked")
    other.opens_mail()
    other.presses_button_in_mail()
    noor.looks_around("my-email-question")
    noor.sends_form()
    noor.looks_around("my-email-waiting")
    noor.page.goto(f"{noor.url}/dev/mail")
    noor.page.locator("li", has_text=noor.email).filter(has_not_text=other.email).first.locator(
        "a"
    ).click()
    noor.presses_button_in_mail()
    noor.sends_form()
    noor.looks_around("my-email-changed")
    noor.page.goto(f"{noor.url}/my/")
    expect(noor.page.locator("main")).to_contain_text(other.email)
