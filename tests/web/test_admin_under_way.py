"""The room in which an owner sees what is under way in her course."""

from typing import Any

import pytest
from flask import Flask

from app.db import queue
from app.db.models import OutboxMail
from app.house import House
from app.kinds import RecordingState, Role
from app.services import outbox
from tests.builders import a_lesson, a_listener, a_recording, a_subscription
from tests.parts.house import MONDAY
from tests.web.rooms import Rooms, rooms_of


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    return rooms_of(app, house)


def put_mail(house: House, rooms: Rooms, email: str, **more: Any) -> int:
    with house.database.writing() as session:
        subscription = a_subscription(session, rooms.course, a_listener(session, email=email))
        notice = outbox.Notice(
            name=f"n:{email}",
            template="welcome",
            language="nl",
            address=email,
            subscription_id=subscription.id,
        )
        mail = outbox.put(session, notice, host="h", now=MONDAY)
        assert mail is not None
        for name, value in more.items():
            setattr(mail, name, value)
        return mail.id


def put_failed_mail(house: House, rooms: Rooms, email: str = "kim@example.org") -> int:
    return put_mail(
        house, rooms, email, failed_at=MONDAY, last_error="mail server answered 550 5.1.1"
    )


def failed(house: House) -> list[int]:
    with house.database.reading() as session:
        return [mail.id for mail in session.query(OutboxMail) if mail.failed_at is not None]


def test_empty_room_says_what_it_is_for(rooms: Rooms) -> None:
    page = rooms.get("/under-way")
    assert page.status_code == 200
    assert "Alles is gedaan" in page.text or "Everything is done" in page.text


def test_owner_sees_who_got_no_mail_and_why(house: House, rooms: Rooms) -> None:
    put_failed_mail(house, rooms)
    put_mail(house, rooms, "ben@example.org")
    page = rooms.get("/under-way", headers={"Accept-Language": "en"})
    for words in ("kim@example.org", "ben@example.org", "550 5.1.1"):
        assert words in page.text


def test_owner_tries_one_mail_again(house: House, rooms: Rooms) -> None:
    first, second = (put_failed_mail(house, rooms, f"k{n}@example.org") for n in range(2))
    page = rooms.post(f"/under-way/mails/{first}", follow_redirects=True)
    assert page.status_code == 200
    assert failed(house) == [second]


def test_owner_tries_all_mails_again(house: House, rooms: Rooms) -> None:
    for number in range(2):
        put_failed_mail(house, rooms, f"k{number}@example.org")
    rooms.post("/under-way/mails")
    assert failed(house) == []


def test_owner_sees_other_work_and_tries_it_again(house: House, rooms: Rooms) -> None:
    with house.database.writing() as session:
        job_id = queue.defer(session, "of_next_year", {"course_id": rooms.course.id})
    assert "of_next_year" in rooms.get("/under-way").text
    assert rooms.post(f"/under-way/jobs/{job_id}").status_code == 303


def test_owner_lets_a_recording_be_heard_that_rests(house: House, rooms: Rooms) -> None:
    with house.database.writing() as session:
        lesson = a_lesson(session, rooms.course, title="Samen beginnen")
        recording = a_recording(session, lesson, number=2, state=RecordingState.WAITING)
    assert "Samen beginnen" in rooms.get("/under-way").text
    assert rooms.post(f"/under-way/recordings/{recording.id}").status_code == 303


@pytest.mark.parametrize("kind", ["mails", "recordings", "jobs"])
def test_what_is_not_there_cannot_be_tried_again(rooms: Rooms, kind: str) -> None:
    assert rooms.post(f"/under-way/{kind}/4711").status_code == 404


def test_mail_of_another_course_cannot_be_tried_again(
    app: Flask, house: House, rooms: Rooms
) -> None:
    theirs = put_failed_mail(house, rooms_of(app, house))
    assert rooms.post(f"/under-way/mails/{theirs}").status_code == 404
    assert failed(house) == [theirs]


@pytest.mark.parametrize("role", [Role.EDITOR, Role.HOST])
def test_only_owners_see_who_listens(app: Flask, house: House, role: Role) -> None:
    rooms = rooms_of(app, house, role=role)
    put_failed_mail(house, rooms)
    assert rooms.get("/under-way").status_code == 403
    assert "/under-way" not in rooms.get("/").text


def test_page_says_when_nobody_is_at_work(house: House, rooms: Rooms) -> None:
    put_mail(house, rooms, "ben@example.org")
    assert "cadans worker" in rooms.get("/under-way").text
    with house.database.writing() as session:
        queue.note_worker(session)
    assert "cadans worker" not in rooms.get("/under-way").text
