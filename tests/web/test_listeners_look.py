"""The owner's rooms about listeners, as they look: every width and scheme, in Chromium."""

from datetime import timedelta

import pytest
from flask import Flask

from app.db.models import Account, Listener, Subscription
from app.house import House
from app.kinds import EndReason, SuppressionReason
from app.services import email_moves, soft_bounces, suppressions, unlocking
from app.services.email_addresses import parse_address
from app.services.email_moves import Wish
from app.services.suppressions import Trouble
from tests.builders import a_listener, a_subscription
from tests.parts.browser import EVERY_SCREEN, Look, OpenPage, look_over
from tests.parts.house import MONDAY
from tests.web.rooms import Rooms, rooms_of

pytestmark = pytest.mark.browser

NAMES = ("Anneke van den Hoogenband", "Ben", "Noor", "Mathilde Okonkwo", "Kim")


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    found = rooms_of(app, house, title="Bouwen aan een bloeiende community")
    with house.database.writing() as session:
        session.get_one(Account, found.account.id).language = "nl"
    return found


@pytest.fixture
def people(house: House, rooms: Rooms) -> list[Subscription]:
    """One who lost her mailbox, one whose mailbox is full, one who left, two as it should be."""
    found = []
    with house.database.writing() as session:
        for number, name in enumerate(NAMES):
            email = f"a-rather-long-address-{number}@mail.example.org"
            listener = a_listener(session, email=email, name=name)
            started_at = MONDAY - timedelta(days=8 * number)
            place = a_subscription(
                session, rooms.course, listener, started_at=started_at, last_app="AntennaPod",
                last_fetch_at=MONDAY,
            )  # fmt: skip
            unlocking.record_subscription(session, place.id, now=MONDAY)
            found.append(place)
        lost, full, left, *_ = (session.get_one(Listener, each.listener_id) for each in found)
        trouble = Trouble(
            email_key=lost.email_key, reason=SuppressionReason.HARD_BOUNCE, source="smtp"
        )
        suppressions.suppress(session, trouble, now=MONDAY)
        for key in (full.email_key, left.email_key):
            soft_bounces.note(session, key, source="ses", diagnostic="452 4.2.2", now=MONDAY)
        row = session.get_one(Subscription, found[2].id)
        row.ended_at, row.end_reason = MONDAY, EndReason.LEFT
    return found


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_rooms_about_listeners_look_right_and_are_accessible(  # noqa: PLR0913, PLR0917 (fixtures)
    open_page: OpenPage,
    look: Look,
    house: House,
    rooms: Rooms,
    people: list[Subscription],
    url: str,
) -> None:
    page = open_page(look)
    cookie = rooms.client.get_cookie("cadans")
    assert cookie is not None
    page.context.add_cookies([{"name": "cadans", "value": cookie.value, "url": url}])
    lost, full = people[:2]
    for path, name in (
        ("", "listeners"),
        (f"/{lost.public_id}", "listener-lost"),
        (f"/{full.public_id}", "listener-full"),
        ("?before=1", "listeners-none"),
    ):
        page.goto(f"{url}{rooms.course_path}/listeners{path}")
        look_over(page, name)
    page.goto(f"{url}{rooms.course_path}/mail-trouble")
    look_over(page, "mail-trouble-soft")
    with house.database.writing() as session:
        wish = Wish(
            subscription=full, address=parse_address("nieuw@example.org"), account=rooms.account
        )
        email_moves.ask(session, wish, host="h", now=MONDAY)
    page.goto(f"{url}{rooms.course_path}/listeners/{full.public_id}")
    look_over(page, "listener-waiting")


def test_owner_finds_a_listener_and_asks_for_another_mailbox_by_keyboard(
    open_page: OpenPage, rooms: Rooms, people: list[Subscription], url: str
) -> None:
    page = open_page(Look(has_javascript=False))
    cookie = rooms.client.get_cookie("cadans")
    assert cookie is not None
    page.context.add_cookies([{"name": "cadans", "value": cookie.value, "url": url}])
    page.goto(f"{url}{rooms.course_path}/listeners")
    page.locator("#field-wanted").fill("noor")
    page.locator("#field-wanted").press("Enter")
    page.get_by_role("link", name="Noor").press("Enter")
    page.locator("#field-email").fill("noor")
    page.locator("#field-email").press("Enter")
    page.locator(".error-summary").wait_for()
    page.locator("#field-email").fill("noor@nieuw.example")
    page.locator("#field-email").press("Enter")
    page.get_by_text("We wachten op de nieuwe mailbox").wait_for()
    assert str(people[2].public_id) in page.url
