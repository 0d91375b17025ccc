"""Whose mail does not arrive: seen by the owner alone, and by the listener on her own page."""

import uuid

import pytest
from flask import Flask
from sqlalchemy import select

from app.db.models import Subscription, Suppression
from app.house import House
from app.kinds import EndReason, Role, SuppressionReason
from app.services import suppressions
from app.services.suppressions import Trouble
from tests.builders import a_listener, a_membership, a_subscription, an_account
from tests.parts.house import MONDAY
from tests.web.rooms import Rooms, rooms_of, sign_in

BEN = "ben@example.org"


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    return rooms_of(app, house)


@pytest.fixture
def ben(house: House, rooms: Rooms) -> Subscription:
    with house.database.writing() as session:
        return a_subscription(session, rooms.course, a_listener(session, email=BEN))


def silence(house: House, reason: SuppressionReason) -> None:
    with house.database.writing() as session:
        trouble = Trouble(email_key=BEN, reason=reason, source="smtp", diagnostic="550 5.1.1")
        assert suppressions.suppress(session, trouble, now=MONDAY)


def is_silent(house: House) -> bool:
    with house.database.reading() as session:
        return session.scalar(select(Suppression.id)) is not None


def lift(rooms: Rooms, public_id: uuid.UUID) -> str:
    return rooms.post(f"/mail-trouble/{public_id}", follow_redirects=True).text


def test_room_without_trouble_says_what_it_is_for(rooms: Rooms) -> None:
    assert "All mail arrives, as far as we know" in rooms.get("/mail-trouble").text


@pytest.mark.usefixtures("ben")
@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (SuppressionReason.HARD_BOUNCE, "this mailbox does not exist"),
        (SuppressionReason.REFUSED, "refuses mail for it"),
        (SuppressionReason.COMPLAINT, "marked a mail of ours as unwanted"),
        (SuppressionReason.ASKED, "asked the mail service"),
    ],
)
def test_owner_reads_in_one_sentence_why(
    house: House, rooms: Rooms, reason: SuppressionReason, words: str
) -> None:
    silence(house, reason)
    page = rooms.get("/mail-trouble").text
    assert BEN in page
    assert words in page
    assert "550\u00a05.1.1" in page
    assert "The mail of 1 listener does not arrive." in rooms.get("/").text


@pytest.mark.parametrize("reason", list(suppressions.BOUNCES))
def test_owner_lifts_a_bounce(
    house: House, rooms: Rooms, ben: Subscription, reason: SuppressionReason
) -> None:
    silence(house, reason)
    assert "goes to this listener again" in lift(rooms, ben.public_id)
    assert not is_silent(house)


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.ASKED])
def test_owner_cannot_lift_a_no(
    house: House, rooms: Rooms, ben: Subscription, reason: SuppressionReason
) -> None:
    silence(house, reason)
    assert "Send again" not in rooms.get("/mail-trouble").text.partition("<tbody>")[2]
    assert "only the listener can take that back" in lift(rooms, ben.public_id)
    assert is_silent(house)


def test_lifting_twice_is_fine(house: House, rooms: Rooms, ben: Subscription) -> None:
    silence(house, SuppressionReason.HARD_BOUNCE)
    lift(rooms, ben.public_id)
    assert "goes to this listener again" in lift(rooms, ben.public_id)


def test_who_left_the_course_is_not_listed(house: House, rooms: Rooms, ben: Subscription) -> None:
    silence(house, SuppressionReason.HARD_BOUNCE)
    with house.database.writing() as session:
        row = session.get_one(Subscription, ben.id)
        row.ended_at, row.end_reason = MONDAY, EndReason.LEFT
    assert BEN not in rooms.get("/mail-trouble").text


def test_eve_owner_of_another_course_sees_and_lifts_nothing(
    app: Flask, house: House, rooms: Rooms, ben: Subscription
) -> None:
    silence(house, SuppressionReason.HARD_BOUNCE)
    eve = rooms_of(app, house)
    assert eve.client.get(f"{rooms.course_path}/mail-trouble").status_code == 404
    assert BEN not in eve.get("/mail-trouble").text
    for path in (rooms.course_path, eve.course_path):
        response = eve.client.post(f"{path}/mail-trouble/{ben.public_id}")
        assert response.status_code == 404
    assert is_silent(house)


@pytest.mark.parametrize("role", [Role.EDITOR, Role.HOST])
def test_who_may_not_see_listeners_sees_nothing_here(
    app: Flask, house: House, rooms: Rooms, ben: Subscription, role: Role
) -> None:
    silence(house, SuppressionReason.HARD_BOUNCE)
    with house.database.writing() as session:
        account = an_account(session)
        a_membership(session, account, rooms.course, role)
    client = app.test_client()
    sign_in(client, account)
    assert client.get(f"{rooms.course_path}/mail-trouble").status_code == 403
    assert client.post(f"{rooms.course_path}/mail-trouble/{ben.public_id}").status_code == 403
    assert "does not arrive" not in client.get(f"{rooms.course_path}/").text


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (None, None),
        (SuppressionReason.HARD_BOUNCE, "komt bij ons terug"),
        (SuppressionReason.COMPLAINT, "als ongewenst gemarkeerd"),
    ],
)
def test_listener_reads_on_her_page_that_mail_does_not_reach_her(
    app: Flask, house: House, ben: Subscription, reason: SuppressionReason | None, words: str | None
) -> None:
    if reason is not None:
        silence(house, reason)
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["listener"] = [ben.listener_id, None, int(house.clock().timestamp()) + 3600]
    page = client.get("/my/").text
    for each in ("komt bij ons terug", "als ongewenst gemarkeerd"):
        assert (each in page) is (each == words)
