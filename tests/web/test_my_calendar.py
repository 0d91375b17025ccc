"""Her calendar: dates by a link of its own, which she can take back."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import delete, select

from app.db.models import Course, Listener, Subscription
from app.house import House
from app.services import pauses
from app.services.links import Links, Purpose
from tests.builders import a_course, a_subscription
from tests.parts.house import MONDAY, SettableClock

WEEK = timedelta(days=7)


@pytest.fixture
def subscription(house: House, client: FlaskClient) -> Subscription:
    with house.database.writing() as session:
        subscription = a_subscription(session, a_course(session, title="Bloei"), language="en")
    with client.session_transaction() as cookie:
        now = int(house.clock().timestamp())
        cookie["listener"] = [subscription.listener_id, None, now + 86_400 * 30, now, "sign-in"]
    return subscription


def page_of(subscription: Subscription) -> str:
    return f"/my/course/{subscription.public_id}/calendar"


def path_on(client: FlaskClient, subscription: Subscription) -> str:
    found = re.search(r"/my/calendar/[^\s<\"]+\.ics", client.get(page_of(subscription)).text)
    assert found
    return found[0]


def dates(app: Flask, path: str) -> list[str]:
    """What a calendar app sees, which has no cookie."""
    calendar: Any = Calendar.from_ical(app.test_client().get(path).data)
    return [f"{event['DTSTART'].dt:%m-%d %H:%M}" for event in calendar.walk("VEVENT")]


def test_calendar_holds_what_came_and_what_comes(
    app: Flask, client: FlaskClient, subscription: Subscription
) -> None:
    answer = app.test_client().get(path_on(client, subscription))
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert dates(app, path_on(client, subscription)) == [
        "06-01 06:00",
        "06-08 06:00",
        "06-15 06:00",
        "06-22 06:00",
    ]


def test_calendar_names_no_address_and_no_person(
    app: Flask, house: House, client: FlaskClient, subscription: Subscription
) -> None:
    text = app.test_client().get(path_on(client, subscription)).text
    with house.database.reading() as session:
        email = session.get_one(Listener, subscription.listener_id).email
    for secret in (email, "/f/", "/a/", "http", str(subscription.public_id)):
        assert secret not in text


def test_link_is_the_same_each_time_and_events_keep_their_names(
    app: Flask, house: House, client: FlaskClient, clock: SettableClock, subscription: Subscription
) -> None:
    path = path_on(client, subscription)
    before = app.test_client().get(path).text
    clock.advance(timedelta(hours=1))
    with house.database.writing() as session:
        pauses.pause(session, subscription.id, until=None, host="x.example", now=clock())
    clock.advance(timedelta(days=3))
    with house.database.writing() as session:
        pauses.resume(session, subscription.id, host="x.example", now=clock())
    assert path_on(client, subscription) == path
    after = app.test_client().get(path).text
    assert re.findall("UID:.*", after) == re.findall("UID:.*", before)
    assert dates(app, path)[1] == "06-11 06:00"


def test_calendar_that_did_not_change_is_not_sent_again(
    app: Flask, client: FlaskClient, clock: SettableClock, subscription: Subscription
) -> None:
    path, polls = path_on(client, subscription), app.test_client()
    etag = polls.get(path).headers["ETag"]
    clock.advance(timedelta(days=2))
    answer = polls.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert "Set-Cookie" not in answer.headers


def test_link_that_she_took_back_shows_nothing(
    app: Flask, client: FlaskClient, subscription: Subscription
) -> None:
    path = path_on(client, subscription)
    client.post(page_of(subscription))
    assert app.test_client().get(path).status_code == 404
    again = path_on(client, subscription)
    assert again != path
    assert app.test_client().get(again).status_code == 200


def test_calendar_opens_by_no_other_link_and_opens_nothing_else(
    app: Flask, house: House, client: FlaskClient, subscription: Subscription
) -> None:
    keys = Links(keys=house.settings.secret_keys)
    for purpose in (Purpose.MANAGE, Purpose.SIGN_IN, Purpose.UNSUBSCRIBE):
        token = keys.sign(purpose, subscription.id, now=MONDAY, epoch=1)
        assert app.test_client().get(f"/my/calendar/{token}.ics").status_code == 404
    token = path_on(client, subscription).rpartition("/")[2].removesuffix(".ics")
    assert app.test_client().get(f"/my/open/{token}").status_code == 404
    assert app.test_client().get("/my/calendar/x.ics").text == (
        "There is no calendar at this address.\n"
    )


def test_calendar_of_who_was_erased_is_nobody_elses(
    app: Flask, house: House, client: FlaskClient, clock: SettableClock, subscription: Subscription
) -> None:
    path = path_on(client, subscription)
    clock.advance(WEEK)
    with house.database.writing() as session:
        session.execute(delete(Listener))
        course = session.scalars(select(Course)).one()
        a_subscription(session, course, started_at=clock()).id = subscription.id
    assert app.test_client().get(path).status_code == 404


def test_address_of_a_calendar_stands_in_no_log(
    app: Flask, client: FlaskClient, subscription: Subscription, capfd: pytest.CaptureFixture[str]
) -> None:
    path = path_on(client, subscription)
    app.test_client().get(path)
    app.test_client().post(path)
    said = capfd.readouterr()
    assert path.rpartition("/")[2] not in said.out + said.err


def test_eve_takes_no_calendar_back(app: Flask, house: House, subscription: Subscription) -> None:
    eve = app.test_client()
    with house.database.writing() as session:
        other = a_subscription(session, session.scalars(select(Course)).one())
    with eve.session_transaction() as cookie:
        now = int(house.clock().timestamp())
        cookie["listener"] = [other.listener_id, None, now + 3600, now, "sign-in"]
    assert eve.get(page_of(subscription)).status_code == 404
    assert eve.post(page_of(subscription)).status_code == 404
    with house.database.reading() as session:
        assert session.get_one(Subscription, subscription.id).calendar_epoch == 1
