"""Whose mail does not arrive: seen by the owner alone, and by the listener on her own page."""

import csv
import io
import uuid

import pytest
from flask import Flask
from sqlalchemy import select

from app.db.models import Subscription, Suppression
from app.house import House
from app.kinds import EndReason, Role, SuppressionReason
from app.services import soft_bounces, suppressions
from app.services.suppressions import Trouble
from app.web.admin import silences
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


def table_of(rooms: Rooms) -> list[dict[str, str]]:
    answer = rooms.get("/mail-trouble.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.mark.usefixtures("ben")
def test_owner_takes_the_list_along_as_a_table(house: House, rooms: Rooms) -> None:
    silence(house, SuppressionReason.COMPLAINT)
    with house.database.writing() as session:
        zoe = a_listener(session, email="zoe@example.org", name='Zoë; the 2nd, "Z"')
        a_subscription(session, rooms.course, zoe)
        soft_bounces.note(
            session, "zoe@example.org", source="smtp", diagnostic="452 4.2.2", now=MONDAY
        )

    first, second = table_of(rooms)

    assert rooms.get("/mail-trouble").text.count("/mail-trouble.csv") == 1
    assert first == {
        "email": BEN,
        "name": "Ben",
        "kind": "complaint",
        "gets_mail": "no",
        "times": "",
        "since": "2026-06-01T06:00:00Z",
        "server_said": "550 5.1.1",
        "why": first["why"],
    }
    assert "marked a mail of ours as unwanted" in first["why"]
    assert (second["name"], second["kind"], second["gets_mail"], second["times"]) == (
        zoe.name,
        "soft_bounce",
        "yes",
        "1",
    )


@pytest.mark.usefixtures("ben")
def test_list_that_is_longer_than_the_page_is_whole_in_the_table(
    house: House, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silences, "SHOWN", 1)
    silence(house, SuppressionReason.HARD_BOUNCE)
    with house.database.writing() as session:
        zoe = a_listener(session, email="zoe@example.org")
        a_subscription(session, rooms.course, zoe)
        trouble = Trouble(
            email_key="zoe@example.org", reason=SuppressionReason.REFUSED, source="smtp"
        )
        assert suppressions.suppress(session, trouble, now=MONDAY)

    assert len(table_of(rooms)) == 2


@pytest.mark.parametrize("name", ["=1+1", "+31", "-2", "@sum", "\tx"])
def test_name_that_a_spreadsheet_would_reckon_with_stays_a_name(
    house: House, rooms: Rooms, name: str
) -> None:
    with house.database.writing() as session:
        a_subscription(session, rooms.course, a_listener(session, email=BEN, name=name))
    silence(house, SuppressionReason.HARD_BOUNCE)

    [row] = table_of(rooms)

    assert row["name"] == f"'{name}"


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
    for page in ("/mail-trouble", "/mail-trouble.csv"):
        assert eve.client.get(f"{rooms.course_path}{page}").status_code == 404
        assert BEN not in eve.get(page).text
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
    for page in ("/mail-trouble", "/mail-trouble.csv"):
        assert client.get(f"{rooms.course_path}{page}").status_code == 403
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
