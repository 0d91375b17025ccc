"""The pages about mail that does not arrive, as they look: every width and scheme, in Chromium."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db.models import Subscription
from app.house import House
from app.kinds import SuppressionReason
from app.services import suppressions
from app.services.suppressions import Trouble
from tests.builders import a_listener, a_subscription
from tests.parts.browser import EVERY_SCREEN, Look, OpenPage, look_over
from tests.parts.house import MONDAY
from tests.web.rooms import Rooms, rooms_of

pytestmark = pytest.mark.browser


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    return rooms_of(app, house, title="Bouwen aan een bloeiende community")


@pytest.fixture
def silent(house: House, rooms: Rooms) -> list[Subscription]:
    with house.database.writing() as session:
        found = []
        for number, reason in enumerate(SuppressionReason):
            email = f"a-rather-long-address-{number}@mail.example.org"
            listener = a_listener(session, email=email, name="Anneke van den Hoogenband")
            found.append(a_subscription(session, rooms.course, listener))
            trouble = Trouble(email_key=email, reason=reason, source="x", diagnostic="550 5.1.1")
            suppressions.suppress(session, trouble, now=MONDAY)
        return found


def cookie_of(client: FlaskClient, url: str) -> dict[str, str]:
    cookie = client.get_cookie("cadans")
    assert cookie is not None
    return {"name": "cadans", "value": cookie.value, "url": url}


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_owner_sees_whose_mail_does_not_arrive(
    open_page: OpenPage, look: Look, rooms: Rooms, url: str
) -> None:
    page = open_page(look)
    page.context.add_cookies([cookie_of(rooms.client, url)])  # type: ignore[list-item]  # (its dict)
    for path, name in (("/", "course-with-trouble"), ("/mail-trouble", "mail-trouble")):
        page.goto(f"{url}{rooms.course_path}{path}")
        look_over(page, name)
    page.get_by_role("button", name="Send again").first.press("Enter")
    page.get_by_text("The next mail goes to this listener again.").wait_for()


def test_room_without_trouble_is_accessible_too(
    open_page: OpenPage, rooms: Rooms, url: str
) -> None:
    page = open_page(Look())
    page.context.add_cookies([cookie_of(rooms.client, url)])  # type: ignore[list-item]  # (its dict)
    page.goto(f"{url}{rooms.course_path}/mail-trouble")
    look_over(page, "mail-trouble-none")


@pytest.mark.parametrize("look", EVERY_SCREEN, ids=str)
def test_listener_sees_that_mail_does_not_reach_her(
    open_page: OpenPage, look: Look, app: Flask, silent: list[Subscription], url: str
) -> None:
    for name, subscription in (("bounce", silent[0]), ("complaint", silent[2])):
        page = open_page(look)
        page.context.add_cookies([cookie_of(listener_at(app, subscription), url)])  # type: ignore[list-item]  # (its dict)
        page.goto(f"{url}/my/")
        look_over(page, f"my-silence-{name}")


def listener_at(app: Flask, subscription: Subscription) -> FlaskClient:
    client = app.test_client()
    with client.session_transaction() as session:
        until = int(MONDAY.timestamp()) + 3600
        session["listener"] = [subscription.listener_id, None, until]
    return client
