"""The owner sees whose address seems to have leaked; an editor and Eve do not."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db.models import Course, LeakCase, LeakSignal
from app.house import House
from app.kinds import LeakAnswer, Role, SignalKind
from tests.builders import a_course, a_membership, a_subscription, an_account
from tests.web.rooms import sign_in


@pytest.fixture
def course_id(house: House) -> int:
    """A course with one listener, whose address a directory reads."""
    with house.database.writing() as session:
        course = a_course(session)
        subscription = a_subscription(session, course)
        session.add(
            LeakSignal(
                subscription_id=subscription.id,
                kind=SignalKind.DIRECTORY,
                # The first day of an address never counts.
                seen_on=(house.clock() + timedelta(days=2)).date(),
                amount=1,
                names="Podchaser",
            )
        )
        return course.id


@pytest.fixture
def room(course_id: int) -> str:
    return f"/admin/courses/{course_id}/leaks"


@pytest.fixture
def ada(house: House, client: FlaskClient, course_id: int) -> FlaskClient:
    return signed_in(house, client, course_id, Role.OWNER)


def signed_in(house: House, client: FlaskClient, course_id: int, role: Role) -> FlaskClient:
    with house.database.writing() as session:
        account = an_account(session)
        a_membership(session, account, session.get_one(Course, course_id), role)
    sign_in(client, account)
    return client


def course_of(house: House, course_id: int) -> Course:
    with house.database.reading() as session:
        return session.get_one(Course, course_id)


def test_owner_reads_who_and_why(ada: FlaskClient, room: str) -> None:
    page = ada.get(room).text

    assert "Podchaser asked for it" in page
    assert "80 of 100" in page


def test_editor_reads_nothing_of_listeners(
    house: House, client: FlaskClient, course_id: int, room: str
) -> None:
    editor = signed_in(house, client, course_id, Role.EDITOR)

    assert editor.get(room).status_code == 403
    assert room not in editor.get(f"/admin/courses/{course_id}/").text


def test_owner_says_how_far_the_house_may_go(
    ada: FlaskClient, house: House, course_id: int, room: str
) -> None:
    ada.post(room, data={"answer": "offer"})
    assert course_of(house, course_id).leak_answer is LeakAnswer.OFFER

    said = ada.post(room, data={"answer": "everything"}, follow_redirects=True).text
    assert "Choose one of the four answers." in said
    assert course_of(house, course_id).leak_answer is LeakAnswer.OFFER


def test_saving_it_makes_no_open_form_stale(
    ada: FlaskClient, house: House, course_id: int, room: str
) -> None:
    before = course_of(house, course_id).version

    ada.post(room, data={"answer": "tell"})

    assert course_of(house, course_id).version == before


def test_owner_calls_it_fine(ada: FlaskClient, house: House, room: str) -> None:
    with house.database.reading() as session:
        number = session.scalars(select(LeakSignal.subscription_id)).one()

    page = ada.post(f"{room}/{number}", follow_redirects=True).text

    assert "You said that it is fine." in page
    with house.database.reading() as session:
        assert session.scalars(select(LeakCase)).one().dismissed_at is not None


def test_listener_of_another_course_is_not_found(ada: FlaskClient, house: House, room: str) -> None:
    with house.database.writing() as session:
        other = a_subscription(session, a_course(session)).id

    assert ada.post(f"{room}/{other}").status_code == 404
