"""The owner decides about the mails of her course, looks at them, and sends herself one."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db.models import Course, Lesson, OwnerLine
from app.house import House
from app.kinds import Role
from app.services import outbox
from app.services.feeds import load_served
from app.services.outbox import Notice
from app.services.owner_lines import KINDS
from feeds.messages import TurnKind
from tests.builders import a_course, a_membership, a_subscription, an_account
from tests.parts.letters import send_mail, text_of
from tests.web.rooms import sign_in


@pytest.fixture
def room(house: House, client: FlaskClient) -> str:
    with house.database.writing() as session:
        course = a_course(session, slug="groei", title="Groei", author="Ada")
        account = an_account(session, email="ada@example.org")
        a_membership(session, account, course, Role.EDITOR)
    sign_in(client, account)
    return f"/admin/courses/{course.id}/mails"


def saved(house: House) -> tuple[Course, dict[str, str]]:
    with house.database.reading() as session:
        lines = session.execute(select(OwnerLine.template, OwnerLine.line)).all()
        return session.scalars(select(Course)).one(), dict(lines)


def a_form(**more: str) -> dict[str, str]:
    return {"version": "1", "mail_hour": "8", **more}


def test_hour_next_step_and_lines_are_saved(client: FlaskClient, house: House, room: str) -> None:
    form = a_form(
        mail_hour="7",
        next_title="Join us",
        next_url="https://example.org/next",
        line_welcome="Tea is ready.",
    )

    assert client.post(room, data=form).status_code == 303

    course, lines = saved(house)
    assert (course.mail_hour, course.next_title) == (7, "Join us")
    assert course.next_url == "https://example.org/next"
    assert lines == {"welcome": "Tea is ready."}
    with house.database.reading() as session:
        served = load_served(session, course.id, "https://example.org")
    said = served.template.messages[TurnKind.COMPLETE].description
    assert '<a href="https://example.org/next">Join us</a>' in said


def test_any_hour_and_no_lines_are_saved_too(client: FlaskClient, house: House, room: str) -> None:
    client.post(room, data=a_form(line_welcome="Tea."))

    client.post(room, data={"version": "2", "mail_hour": ""})

    course, lines = saved(house)
    assert (course.mail_hour, lines) == (None, {})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"mail_hour": "23"}, "Choose an hour from the list."),
        ({"next_title": "Join us"}, "Fill in both, or neither."),
        ({"next_title": "x", "next_url": "javascript:alert(1)"}, "This is no address of a page."),
        ({"line_left": "x" * 501}, "This is too long"),
    ],
)
def test_what_cannot_be_used_is_said_and_nothing_is_lost(
    client: FlaskClient, house: House, room: str, wrong: dict[str, str], said: str
) -> None:
    answer = client.post(room, data=a_form(line_welcome="Keep me.", **wrong) | wrong)

    assert answer.status_code == 422
    assert said in answer.text
    assert "Keep me." in answer.text
    assert saved(house)[1] == {}


def test_second_of_two_who_save_sees_both_texts(
    client: FlaskClient, house: House, room: str
) -> None:
    client.post(room, data=a_form(line_welcome="First."))

    answer = client.post(room, data=a_form(line_welcome="Second."))

    assert answer.status_code == 409
    assert "First." in answer.text
    assert "Second." in answer.text
    assert saved(house)[1] == {"welcome": "First."}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_mail_can_be_looked_at(
    client: FlaskClient, room: str, kind: str, language: str
) -> None:
    client.post(room, data=a_form(**{f"line_{kind}": "My own <words>."}))

    page = client.get(f"{room}/{kind}?in={language}")
    frame = client.get(f"{room}/{kind}/frame?in={language}")

    assert "My own &lt;words&gt;." in page.text
    assert "My own &lt;words&gt;." in frame.text
    assert "sandbox" in frame.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("welcome", "Your first lesson is ready: <strong>{first}</strong>"),
        ("lesson_unlocked", "Lesson 2 is ready for you: {second}"),
    ],
)
def test_sample_names_the_lesson_of_its_day(
    client: FlaskClient, house: House, room: str, kind: str, words: str
) -> None:
    with house.database.reading() as session:
        first, second, *_ = session.scalars(select(Lesson.title).order_by(Lesson.position))

    frame = client.get(f"{room}/{kind}/frame?in=en").text

    assert words.format(first=first, second=second) in frame


def test_sample_says_how_long_its_lesson_is(client: FlaskClient, room: str) -> None:
    assert "15 min" in client.get(f"{room}/lesson_unlocked/frame?in=en").text


@pytest.mark.parametrize("kind", ["restarted", "address_changed"])
def test_line_of_the_owner_stands_in_what_really_goes(
    client: FlaskClient, house: House, room: str, kind: str
) -> None:
    client.post(room, data=a_form(**{f"line_{kind}": "Tea is ready."}))
    with house.database.writing() as session:
        subscription = a_subscription(session, session.scalars(select(Course)).one())
        notice = Notice(
            name="x",
            template=kind,
            language="en",
            address="ben@example.org",
            subscription_id=subscription.id,
        )
        outbox.put(session, notice, host="h", now=house.clock())

    (mail,) = send_mail(house)

    assert "“Tea is ready.”" in text_of(mail)


def test_mail_that_does_not_exist_is_not_found(client: FlaskClient, room: str) -> None:
    for path in ("sign_in", "sign_in/frame", "..%2f..%2fetc"):
        assert client.get(f"{room}/{path}").status_code == 404
    assert client.post(f"{room}/sign_in/test").status_code == 404


def test_test_goes_to_the_owner_alone_and_says_so(
    client: FlaskClient, house: House, room: str
) -> None:
    client.post(room, data=a_form(line_lesson_unlocked="Enjoy."))
    client.post(f"{room}/lesson_unlocked/test")

    (mail,) = send_mail(house)
    assert mail["To"] == "ada@example.org"
    assert mail["Subject"].startswith("[Test] ")
    assert mail["List-Unsubscribe"] is None
    assert "Enjoy." in text_of(mail)


def test_tests_have_their_limit(client: FlaskClient, house: House, room: str) -> None:
    for _ in range(30):
        client.post(f"{room}/welcome/test")

    answer = client.post(f"{room}/welcome/test", follow_redirects=True)

    assert "thirty tests in an hour" in answer.text
    assert len(send_mail(house)) <= 30


def test_host_of_a_course_changes_no_mail(house: House, client: FlaskClient, room: str) -> None:
    with house.database.writing() as session:
        host = an_account(session)
        a_membership(session, host, session.scalars(select(Course)).one(), Role.HOST)
    sign_in(client, host)

    assert client.get(room).status_code == 403
    assert client.post(room, data=a_form()).status_code == 403
