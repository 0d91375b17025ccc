"""What an owner sees while a change of hers waits until everybody was told."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.db.models import Course, Lesson, PendingPlan
from app.house import House
from app.jobs.plans import carry_out
from app.kinds import Role
from app.services import plans
from tests.builders import START
from tests.parts.crowds import Crowd, add_crowd
from tests.parts.house import SettableClock
from tests.web.rooms import Rooms, form_of, rooms_of

WEEK = timedelta(days=7)
MANY = 1_234
ON_ITS_WAY = "A change is on its way"


@pytest.fixture
def rooms(app: Flask, house: House, clock: SettableClock, monkeypatch: pytest.MonkeyPatch) -> Rooms:
    """A course of which 1,234 listeners get their first lessons at this moment."""
    monkeypatch.setattr("app.jobs.plans.BATCH", 412)
    clock.instant = START
    rooms = rooms_of(app, house, lessons=3, title="Rust", slug="rust")
    crowd = Crowd(count=MANY, first_id=1, started_at=START, next_unlock_at=START)
    with house.database.writing() as session:
        add_crowd(session, session.get_one(Course, rooms.course.id), crowd)
    return rooms


def save_rhythm(rooms: Rooms, days: int) -> None:
    form = form_of(rooms.get("/edit")) | {"rhythm": "every_days", "every_days": str(days)}
    assert rooms.post("/edit", form).status_code == 303


def finish(house: House) -> None:
    while carry_out(house):
        pass


def test_owner_reads_how_far_her_change_is_and_what_it_was(
    rooms: Rooms, house: House, clock: SettableClock
) -> None:
    save_rhythm(rooms, 3)
    before = rooms.get("/").text
    carry_out(house)
    clock.advance(timedelta(seconds=10))
    page = rooms.get("/").text
    assert ON_ITS_WAY in before
    assert "0 of 1,234 listeners; the worker is about to begin." in before
    assert "412 of 1,234 listeners; about 20 seconds to go." in page
    assert "The rhythm: one lesson every 3 days" in page


def test_owner_reads_it_in_dutch(rooms: Rooms, house: House, clock: SettableClock) -> None:
    save_rhythm(rooms, 3)
    carry_out(house)
    clock.advance(timedelta(minutes=2))
    page = rooms.get("/?lang=nl").text
    assert "412 van 1.234 luisteraars; nog ongeveer 4 minuten." in page


def test_form_shows_the_rhythm_that_waits(rooms: Rooms) -> None:
    save_rhythm(rooms, 3)
    page = rooms.get("/edit")
    assert form_of(page)["every_days"] == "3"
    assert ON_ITS_WAY in page.text


def test_note_is_gone_once_the_change_came_into_force(rooms: Rooms, house: House) -> None:
    save_rhythm(rooms, 3)
    finish(house)
    page = rooms.get("/").text
    assert ON_ITS_WAY not in page
    assert "one lesson every 3 days" in page


def test_withdrawal_that_waits_is_not_called_done(rooms: Rooms, house: House) -> None:
    with house.database.reading() as session:
        lesson = session.scalars(select(Lesson).order_by(Lesson.position.desc())).first()
    assert lesson is not None
    page = rooms.post(f"/lessons/{lesson.id}/withdraw", follow_redirects=True).text
    assert f"{lesson.title} is withdrawn" in page
    assert "The lesson is withdrawn." not in page
    finish(house)
    assert ON_ITS_WAY not in rooms.get(f"/lessons/{lesson.id}/").text


def test_order_that_waits_is_the_one_on_the_page(rooms: Rooms, house: House) -> None:
    with house.database.reading() as session:
        ids = session.scalars(select(Lesson.id).order_by(Lesson.position)).all()
    rooms.post(f"/lessons/{ids[2]}/move", {"direction": "up"})
    rooms.post(f"/lessons/{ids[2]}/move", {"direction": "up"})
    page = rooms.get("/").text
    shown = sorted(ids, key=lambda number: page.index(f'id="lesson-{number}"'))
    assert shown == [ids[2], ids[0], ids[1]]
    assert "The lessons in another order" in page


def test_lesson_that_is_being_unlocked_is_not_deleted_and_the_page_says_why(
    rooms: Rooms, house: House
) -> None:
    with house.database.reading() as session:
        last = session.scalars(select(Lesson.id).order_by(Lesson.position.desc())).first()
    refused = rooms.post(f"/lessons/{last}/trash")
    assert refused.status_code == 422
    assert "Many listeners are getting their lessons just now" in refused.text


def test_eve_sees_nothing_of_a_change_that_waits(rooms: Rooms, app: Flask, house: House) -> None:
    save_rhythm(rooms, 3)
    eve = rooms_of(app, house, role=Role.OWNER, lessons=1, title="Eve", slug="eve")
    assert ON_ITS_WAY not in eve.get("/").text
    assert eve.client.get(f"{rooms.course_path}/").status_code == 404


def test_where_few_wait_the_change_is_there_with_the_page(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "FEW", MANY)
    save_rhythm(rooms, 3)
    assert ON_ITS_WAY not in rooms.get("/").text


def test_what_only_a_newer_release_knows_stands_in_nobody_s_way(rooms: Rooms, house: House) -> None:
    """A server of the old release answers beside one of the new for a while."""
    save_rhythm(rooms, 3)
    with house.database.writing() as session:
        waiting = session.get_one(PendingPlan, rooms.course.id)
        waiting.changes = [{"what": "moon", "phase": 3}, *waiting.changes]

    page = rooms.get("/").text

    assert ON_ITS_WAY in page
    assert "The rhythm: one lesson every 3 days" in page
    assert rooms.get("/edit").status_code == 200
