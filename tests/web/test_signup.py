"""The course page and its form."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import event, func, select
from werkzeug.datastructures import Headers

from app.db.models import Confirmation, Course, FormerSlug, Lesson, OutboxMail, Subscription
from app.house import House
from app.kinds import CourseState, LessonState
from app.services import signup
from media.keys import new_object_key
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import MONDAY, SettableClock
from tests.parts.letters import all_mail, html_of, path_in, send_mail, text_of

KIM = {"name": "Kim", "email": "kim@example.org"}


@pytest.fixture
def course(house: House) -> Course:
    with house.database.writing() as session:
        return a_course(session, slug="bloei", title="Bloei", story="# Waarom\n\n**Omdat**")


def count(house: House, model: type) -> int:
    with house.database.reading() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


@pytest.mark.usefixtures("course")
def test_front_page_shows_open_courses(client: FlaskClient) -> None:
    page = client.get("/").text
    assert 'href="/bloei"' in page
    assert "Bloei" in page


@pytest.mark.usefixtures("course")
def test_course_page_shows_story_lessons_and_form(client: FlaskClient) -> None:
    page = client.get("/bloei").text
    assert "<h2>Waarom</h2>" in page
    assert page.count("15 min") == 4
    assert 'name="name"' in page
    assert 'name="email"' in page
    assert page.count(" required") >= 2


@pytest.mark.usefixtures("course")
def test_course_page_sets_no_cookie(client: FlaskClient) -> None:
    assert "Set-Cookie" not in client.get("/bloei").headers
    assert "Set-Cookie" not in client.post("/bloei", data=KIM).headers


@pytest.mark.parametrize("state", [CourseState.DRAFT, CourseState.ARCHIVED])
def test_eve_sees_no_course_that_is_not_public(
    client: FlaskClient, house: House, state: CourseState
) -> None:
    with house.database.writing() as session:
        a_course(session, slug="geheim", title="Geheim", state=state)
    for answer in (client.get("/geheim"), client.post("/geheim", data=KIM)):
        assert answer.status_code == 404
        assert "Geheim" not in answer.text
    assert "Geheim" not in client.get("/").text


def test_eve_sees_no_lesson_that_is_a_draft(
    client: FlaskClient, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        lesson = session.scalars(select(Lesson).where(Lesson.course_id == course.id)).first()
        assert lesson is not None
        lesson.state = LessonState.DRAFT
        lesson.title = "Nog geheim"
    assert "Nog geheim" not in client.get("/bloei").text


def test_closed_course_has_a_page_without_a_form(
    client: FlaskClient, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        session.get_one(Course, course.id).state = CourseState.CLOSED
    assert 'name="email"' not in client.get("/bloei").text
    assert client.post("/bloei", data=KIM).status_code == 303
    assert count(house, OutboxMail) == 0


def test_former_slug_leads_to_the_present_one(
    client: FlaskClient, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        session.add(FormerSlug(slug="oud", course_id=course.id, retired_at=MONDAY))
    answer = client.get("/oud", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (301, "/bloei")


@pytest.mark.parametrize(
    "path", ["/nothing", "/f", "/metrics", "/.well-known", "/%00", "/a%0d%0ab"]
)
def test_what_is_no_course_is_not_found(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.usefixtures("course")
def test_share_link_is_built_from_our_own_address(client: FlaskClient) -> None:
    page = client.get("/bloei", headers={"Host": "evil.example"}).text
    assert "http://127.0.0.1:8000/bloei" in page
    assert "evil.example" not in page


@pytest.mark.usefixtures("course")
def test_signing_up_sends_one_mail_with_a_confirm_link(client: FlaskClient, house: House) -> None:
    answer = client.post("/bloei", data=KIM)
    assert answer.status_code == 200
    assert "kim@example.org" in answer.text
    (mail,) = send_mail(house)
    assert mail["To"] == "kim@example.org"
    assert path_in(mail, "/my/confirm/")


@pytest.mark.usefixtures("course")
def test_confirm_mail_holds_nothing_that_a_stranger_typed(
    client: FlaskClient, house: House
) -> None:
    client.post("/bloei", data=KIM | {"name": "Cheap pills at evil.example"})
    (mail,) = send_mail(house)
    assert "evil.example" not in mail.as_string() + text_of(mail) + html_of(mail)


@pytest.mark.usefixtures("course")
@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 201),
        ("name", "Kim\x00"),
        ("name", "Kim\u202eevil"),
        ("email", ""),
        ("email", "kim"),
        ("email", "kim@example.org\r\nBcc: ben@example.org"),
        ("email", "kim@example.org,ben@example.org"),
        ("email", "k" * 288 + "@example.org"),
    ],
)
def test_what_cannot_be_used_is_said_beside_its_field(
    client: FlaskClient, house: House, field: str, typed: str
) -> None:
    answer = client.post("/bloei", data=KIM | {field: typed})
    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    assert count(house, Confirmation) == 0


@pytest.mark.usefixtures("course")
def test_what_was_typed_is_not_lost(client: FlaskClient) -> None:
    page = client.post("/bloei", data={"name": "Kim & Zoë", "email": "kim@"}).text
    assert 'value="Kim &amp; Zoë"' in page
    assert 'value="kim@"' in page


@pytest.mark.usefixtures("course")
def test_missing_fields_are_no_server_error(client: FlaskClient) -> None:
    assert client.post("/bloei").status_code == 422


@pytest.mark.usefixtures("course")
def test_domain_in_any_script_is_taken(client: FlaskClient, house: House) -> None:
    client.post("/bloei", data=KIM | {"email": "kim@bücher.example"})
    (mail,) = send_mail(house)
    assert mail["To"] == "kim@xn--bcher-kva.example"


@pytest.mark.usefixtures("course")
def test_robot_that_fills_in_the_trap_learns_nothing(client: FlaskClient, house: House) -> None:
    honest = client.post("/bloei", data=KIM)
    robot = client.post("/bloei", data=KIM | {"email": "bot@example.org", "website": "x"})
    assert robot.text.replace("bot@", "kim@") == honest.text
    assert count(house, Confirmation) == 1


@pytest.mark.usefixtures("course")
def test_trap_is_labelled_and_out_of_the_way_of_people(client: FlaskClient) -> None:
    trap = re.search(r'<div class="trap".*?</div>', client.get("/bloei").text, re.DOTALL)
    assert trap is not None
    assert 'aria-hidden="true"' in trap[0]
    assert 'tabindex="-1"' in trap[0]
    assert "<label" in trap[0]


def test_answer_is_the_same_for_strangers_and_subscribers(
    client: FlaskClient, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        a_subscription(session, course, a_listener(session, email="ben@example.org"))
    stranger = client.post("/bloei", data=KIM)
    subscriber = client.post("/bloei", data=KIM | {"email": "ben@example.org"})
    assert subscriber.status_code == stranger.status_code
    assert subscriber.text.replace("ben@", "kim@") == stranger.text
    assert _without(subscriber.headers) == _without(stranger.headers)


def test_subscriber_costs_the_same_work_as_a_stranger(
    client: FlaskClient, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        a_subscription(session, course, a_listener(session, email="ben@example.org"))
    work = []
    for email in ("warm@example.org", "kim@example.org", "ben@example.org"):
        with _statements(house) as statements:
            client.post("/bloei", data=KIM | {"email": email})
        work.append(statements)
    assert work[1] == work[2]


@pytest.mark.usefixtures("course")
def test_answer_is_the_same_once_a_limit_is_reached(client: FlaskClient, house: House) -> None:
    first = client.post("/bloei", data=KIM)
    for number in range(signup.PER_NETWORK.times):
        client.post("/bloei", data=KIM | {"email": f"kim{number}@example.org"})
    late = client.post("/bloei", data=KIM | {"email": "kim@example.net"})
    assert late.text.replace("example.net", "example.org") == first.text
    assert count(house, Confirmation) == signup.PER_NETWORK.times


def test_signing_up_again_mails_a_sign_in_link_and_keeps_the_feed(
    client: FlaskClient, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        a_subscription(session, course, a_listener(session, email="ben@example.org"))
    client.post("/bloei", data={"name": "Somebody else", "email": "BEN@example.org"})
    (mail,) = send_mail(house)
    assert mail["To"] == "ben@example.org"
    assert client.get(path_in(mail, "/my/open/")).status_code == 303
    assert "Somebody else" not in text_of(mail)
    assert count(house, Subscription) == 1


@pytest.mark.usefixtures("course")
def test_second_course_is_confirmed_from_the_address_on_file(
    client: FlaskClient, house: House
) -> None:
    with house.database.writing() as session:
        a_subscription(session, a_course(session), a_listener(session, email="ben@example.org"))
    client.post("/bloei", data={"name": "Eve", "email": "BEN@example.org"})
    (mail,) = send_mail(house)
    assert path_in(mail, "/my/confirm/")
    assert mail["To"] == "ben@example.org"


@pytest.mark.usefixtures("course")
def test_double_submit_sends_one_mail(client: FlaskClient, house: House) -> None:
    for _ in range(3):
        client.post("/bloei", data=KIM)
    assert len(send_mail(house)) == 1


@pytest.mark.usefixtures("course")
def test_eve_cannot_make_another_site_sign_people_up(client: FlaskClient, house: House) -> None:
    for site in ("cross-site", "same-site"):
        answer = client.post("/bloei", data=KIM, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == 403
    assert count(house, Confirmation) == 0


@pytest.mark.usefixtures("course")
@pytest.mark.parametrize(
    ("accepted", "query", "spoken"),
    [
        ("en", "", "nl"),
        ("en", "?lang=en", "en"),
        ("nl", "?lang=nl", "nl"),
        ("nl", "?lang=xx", "nl"),
    ],
)
def test_mail_speaks_the_language_of_the_page(
    client: FlaskClient, house: House, accepted: str, query: str, spoken: str
) -> None:
    page = client.get(f"/bloei{query}", headers={"Accept-Language": accepted}).text
    action = re.search(r'method="post" action="([^"]+)"', page)
    assert action is not None
    client.delete_cookie("language")
    client.post(action[1], data=KIM, headers={"Accept-Language": accepted})
    assert send_mail(house)[0]["Content-Language"] == spoken


def test_zone_of_the_browser_is_kept_when_it_is_known(
    client: FlaskClient, house: House, course: Course
) -> None:
    client.post("/bloei", data=KIM | {"zone": "Europe/Brussels"})
    client.post("/bloei", data={"name": "Eve", "email": "eve@example.org", "zone": "'; DROP"})
    with house.database.reading() as session:
        rows = session.scalars(
            select(Confirmation.zone)
            .where(Confirmation.course_id == course.id)
            .order_by(Confirmation.id)
        )
        assert rows.all() == ["Europe/Brussels", None]


def test_cover_is_served_for_ever_under_its_number(
    client: FlaskClient, house: House, course: Course
) -> None:
    key = new_object_key(course.id, "jpg")
    house.store.put(key, [b"picture"], "image/jpeg")
    with house.database.writing() as session:
        row = session.get_one(Course, course.id)
        row.cover_key, row.cover_number = key, 3
        row.cover_type, row.cover_size_bytes = "image/jpeg", 7
        session.add(FormerSlug(slug="oud", course_id=course.id, retired_at=MONDAY))
    answer = client.get("/bloei/cover-3.jpg")
    assert (answer.data, answer.content_type) == (b"picture", "image/jpeg")
    assert "immutable" in answer.headers["Cache-Control"]
    again = client.get("/bloei/cover-3.jpg", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/oud/cover-3.jpg").headers["Location"] == "/bloei/cover-3.jpg"
    for wrong in ("/bloei/cover-2.jpg", "/nothing/cover-3.jpg", "/bloei/cover-3.exe"):
        assert client.get(wrong).status_code == 404


def test_pages_get_a_small_cover(client: FlaskClient, house: House, course: Course) -> None:
    key = new_object_key(course.id, "png")
    drawn = io.BytesIO()
    Image.new("RGB", (1400, 1400), "navy").save(drawn, "PNG")
    house.store.put(key, [drawn.getvalue()], "image/png")
    with house.database.writing() as session:
        row = session.get_one(Course, course.id)
        row.cover_key, row.cover_number, row.cover_type = key, 1, "image/png"
    path = re.search(r'<img class="cover[^>]+src="([^"]+)"', client.get("/bloei").text)
    assert path is not None
    answer = client.get(path[1])
    assert Image.open(io.BytesIO(answer.data)).size == (640, 640)
    assert client.get("/bloei/cover-1-641.jpg").status_code == 404


def test_privacy_page_names_who_keeps_what(client: FlaskClient) -> None:
    page = client.get("/my/privacy").text
    assert "mailto:cadans@localhost" in page


def test_sign_up_says_what_will_happen_while_the_mail_server_is_down(
    client: FlaskClient, house: House, course: Course, clock: SettableClock
) -> None:
    assert course.slug == "bloei"
    assert client.post("/bloei", data=KIM).status_code == 200
    clock.advance(timedelta(hours=5))
    assert len(send_mail(house)) == 1
    assert len(all_mail(house)) == 1


def _without(headers: Headers) -> dict[str, str]:
    # Her own address stands in the page; each request has a number.
    own = {"Content-Length", "X-Request-Id"}
    return {name: value for name, value in headers.items() if name not in own}


@contextmanager
def _statements(house: House) -> Iterator[list[str]]:
    """Collect the statements that the database is asked inside the block."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(house.database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(house.database.engine, "before_cursor_execute", note)
