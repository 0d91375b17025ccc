"""The rooms for mails and for addresses in other hands, as they look: every width and scheme."""

from datetime import timedelta

import pytest
from flask import Flask

from app.db.models import LeakSignal
from app.house import House
from app.kinds import SignalKind
from app.services.owner_lines import KINDS
from tests.builders import a_listener, a_subscription
from tests.parts.browser import (
    EVERY_SCREEN,
    PHONE,
    Look,
    OpenPage,
    by_day_and_night,
    keep_picture,
    look_over,
)
from tests.parts.house import MONDAY
from tests.web.rooms import Rooms, rooms_of

pytestmark = pytest.mark.browser

SIGNS = {
    SignalKind.DIRECTORY: (1, "Podchaser"),
    SignalKind.SUBSCRIBERS: (3, "Feedly"),
    SignalKind.APPS: (14, ""),
    SignalKind.NETWORKS: (40, ""),
}


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    found = rooms_of(app, house, title="Bouwen aan een bloeiende community")
    with house.database.writing() as session:
        listener = a_listener(session, name="Anneke van den Hoogenband")
        subscription = a_subscription(session, found.course, listener)
        session.add_all(
            LeakSignal(
                subscription_id=subscription.id,
                kind=kind,
                seen_on=(MONDAY + timedelta(days=2)).date(),
                amount=amount,
                names=names,
            )
            for kind, (amount, names) in SIGNS.items()
        )
    return found


def signed_in(page_context: object, rooms: Rooms, url: str) -> None:
    cookie = rooms.client.get_cookie("cadans")
    assert cookie is not None
    found = {"name": "cadans", "value": cookie.value, "url": url}
    page_context.add_cookies([found])  # type: ignore[attr-defined]  # (Playwright's context)


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_rooms_look_right_and_are_accessible(
    open_page: OpenPage, look: Look, rooms: Rooms, url: str
) -> None:
    page = open_page(look)
    signed_in(page.context, rooms, url)
    for path, name in (
        ("/", "owner-course-rooms"),
        ("/mails", "owner-mails"),
        ("/mails/lesson_unlocked?in=nl", "owner-mail"),
        ("/leaks", "owner-leaks"),
    ):
        page.goto(f"{url}{rooms.course_path}{path}")
        look_over(page, name)


def test_every_mail_fits_a_phone(open_page: OpenPage, rooms: Rooms, url: str) -> None:
    page = open_page(Look(width=PHONE))
    signed_in(page.context, rooms, url)
    for kind in KINDS:
        for language in ("nl", "en"):
            page.goto(f"{url}{rooms.course_path}/mails/{kind}/frame?in={language}")
            for _ in by_day_and_night(page):
                keep_picture(page, f"letter-{kind}-{language}")
            wide = page.locator("table").first.bounding_box()
            press = page.locator("a.press").bounding_box()
            assert wide is not None
            assert wide["width"] <= PHONE
            # The one thing to do is on the first screen.
            assert press is not None
            assert press["y"] + press["height"] < 500
