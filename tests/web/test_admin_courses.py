import io

import pytest
from flask import Flask
from sqlalchemy import select

from app.db.models import Course
from app.house import House
from app.kinds import CourseState, Role
from app.services import slugs
from feeds.rhythm import RhythmKind
from media.keys import ObjectKey
from tests.builders import an_account
from tests.parts.pictures import a_picture
from tests.web.rooms import Rooms, form_of, rooms_of, sign_in


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    return rooms_of(app, house, lessons=2, title="Rust", slug="rust")


def course_of(house: House, rooms: Rooms) -> Course:
    with house.database.reading() as session:
        return session.get_one(Course, rooms.course.id)


def save(rooms: Rooms, **changes: str) -> tuple[int, str]:
    form = form_of(rooms.get("/edit")) | changes
    response = rooms.post("/edit", form)
    return response.status_code, response.text


def a_cover(content: bytes, name: str = "cover.jpg") -> dict[str, object]:
    return {"cover": (io.BytesIO(content), name)}


def test_the_first_page_says_what_to_do_first(app: Flask, house: House) -> None:
    with house.database.writing() as session:
        account = an_account(session)
    client = app.test_client()
    sign_in(client, account)

    page = client.get("/admin/").text

    assert "Make your first course" in page
    assert page.count("button-primary") == 1


@pytest.mark.parametrize("title", ["Bloeiende community", "日本語", "دورة", "🎉 <script>"])
def test_a_course_is_made_of_a_title_in_any_script(app: Flask, house: House, title: str) -> None:
    with house.database.writing() as session:
        account = an_account(session)
    client = app.test_client()
    sign_in(client, account)

    made = client.post("/admin/courses/new", data={"title": title, "language": "nl"})

    assert made.status_code == 303
    page = client.get(made.headers["Location"]).text
    assert "<script>" not in page
    with house.database.reading() as session:
        assert session.scalars(select(Course.title)).all() == [title]


def test_a_course_without_title_is_not_made(rooms: Rooms) -> None:
    response = rooms.client.post("/admin/courses/new", data={"title": " ", "author": "Ada"})

    assert response.status_code == 422
    assert 'value="Ada"' in response.text


@pytest.mark.parametrize(("name", "shown"), [("Ada", "Ada"), ("ada@example.org", "")])
def test_new_course_is_by_its_owner_and_tells_nobody_her_address(
    app: Flask, house: House, name: str, shown: str
) -> None:
    with house.database.writing() as session:
        account = an_account(session, email="ada@example.org", name=name)
    client = app.test_client()
    sign_in(client, account)

    assert form_of(client.get("/admin/courses/new"))["author"] == shown


def test_what_is_saved_stands_in_the_form_again(house: House, rooms: Rooms) -> None:
    changes = {
        "title": "Ritme",
        "slug": "ritme",
        "story": "## Waarom\n\n<b>&amp;",
        "category": "Business > Careers",
        "rhythm": "weekday",
        "weekday": "3",
        "hour": "6",
        "may_hurry": "1",
        "target": "1,5",
    }

    assert save(rooms, **changes)[0] == 303

    form = form_of(rooms.get("/edit"))
    assert form | changes | {"target": "1.5"} == form
    course = course_of(house, rooms)
    assert course.may_hurry
    assert (course.rhythm_kind, course.rhythm_weekday, course.target_ms) == (
        RhythmKind.WEEKDAY,
        3,
        90_000,
    )


@pytest.mark.parametrize(
    ("language", "seconds", "text"),
    [("nl", 85, "1,42"), ("en", 85, "1.42"), ("nl", 900, "15"), ("en", 1, "0.02")],
)
def test_length_of_a_lesson_stands_in_the_form_as_people_write_it_and_stays_to_the_second(
    house: House, rooms: Rooms, language: str, seconds: int, text: str
) -> None:
    with house.database.writing() as session:
        session.get_one(Course, rooms.course.id).target_ms = seconds * 1000

    form = form_of(rooms.get(f"/edit?lang={language}"))

    assert form["target"] == text
    assert rooms.post("/edit", form).status_code == 303
    assert course_of(house, rooms).target_ms == seconds * 1000


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("title", " "),
        ("rhythm", "sometimes"),
        ("target", "nan"),
        ("target", "-1"),
        ("target", "0"),
        ("tolerance", "inf"),
        ("category", "Education > Cooking"),
        ("zone", "../etc/passwd"),
        ("language", "xx"),
        ("title", "x" * 201),
        ("slug", "🎉"),
        ("slug", "admin"),
    ],
)
def test_what_cannot_be_saved_is_said_beside_its_field_and_stays(
    house: House, rooms: Rooms, field: str, text: str
) -> None:
    status, page = save(rooms, story="Long work", **{field: text})

    assert status == 422
    assert f'id="error-{field}"' in page
    assert "Long work" in page
    assert course_of(house, rooms).story == ""


@pytest.mark.parametrize(
    ("rhythm", "field", "text"),
    [
        ("every_days", "every_days", "0"),
        ("every_days", "every_days", "366"),
        ("every_days", "every_days", "²"),
        ("weekday", "weekday", "7"),
        ("weekday", "hour", "24"),
    ],
)
def test_a_rhythm_that_no_calendar_knows_is_refused(
    rooms: Rooms, rhythm: str, field: str, text: str
) -> None:
    form = {"rhythm": rhythm, "weekday": "0", "hour": "0", field: text}

    status, page = save(rooms, **form)

    assert (status, f'id="error-{field}"' in page) == (422, True)


def test_the_second_of_two_who_save_at_once_sees_both_texts_and_can_save_again(
    house: House, rooms: Rooms
) -> None:
    first, second = form_of(rooms.get("/edit")), form_of(rooms.get("/edit"))
    rooms.post("/edit", first | {"story": "What Ada wrote"})

    clash = rooms.post("/edit", second | {"story": "What Bob wrote"})

    assert clash.status_code == 409
    assert "What Ada wrote" in clash.text
    assert form_of(clash)["story"] == "What Bob wrote"
    assert course_of(house, rooms).story == "What Ada wrote"
    assert rooms.post("/edit", form_of(clash)).status_code == 303
    assert course_of(house, rooms).story == "What Bob wrote"


def test_the_preview_of_a_story_saves_nothing_and_runs_no_script(
    house: House, rooms: Rooms
) -> None:
    story = "## Hello\n\n<script>alert(1)</script> [x](javascript:alert(1))"

    status, page = save(rooms, story=story, action="preview")

    assert status == 200
    assert "<h2>Hello</h2>" in page
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page
    assert course_of(house, rooms).story == ""


def test_an_address_of_another_course_is_refused(app: Flask, house: House, rooms: Rooms) -> None:
    rooms_of(app, house, slug="taken")

    assert save(rooms, slug="taken")[0] == 422


@pytest.mark.parametrize(
    ("turn", "state"),
    [
        ("close", CourseState.CLOSED),
        ("archive", CourseState.ARCHIVED),
        ("open", CourseState.OPEN),
    ],
)
def test_a_turn_asks_first_and_is_then_taken(
    house: House, rooms: Rooms, turn: str, state: CourseState
) -> None:
    before = course_of(house, rooms).state
    assert rooms.get(f"/{turn}").status_code == 200
    assert course_of(house, rooms).state is before

    assert rooms.post(f"/{turn}").status_code == 303
    assert course_of(house, rooms).state is state


def test_a_course_without_lesson_does_not_open_and_says_why(app: Flask, house: House) -> None:
    rooms = rooms_of(app, house, lessons=0, state=CourseState.DRAFT)

    response = rooms.post("/open")

    assert response.status_code == 422
    assert "Publish a lesson first" in response.text


def test_a_finished_course_can_go_on(house: House, rooms: Rooms) -> None:
    rooms.post("/finish")
    assert course_of(house, rooms).finished_at is not None

    rooms.post("/unfinish")
    assert course_of(house, rooms).finished_at is None


def test_a_cover_is_kept_and_sent_back(house: House, rooms: Rooms) -> None:
    content = a_picture(1500)

    assert rooms.post("/cover", a_cover(content)).status_code == 303

    image = rooms.get("/cover")
    assert (image.data, image.content_type) == (content, "image/jpeg")
    assert course_of(house, rooms).cover_number == 1


def test_a_new_cover_has_a_new_number_and_the_old_object_goes(house: House, rooms: Rooms) -> None:
    rooms.post("/cover", a_cover(a_picture(1500)))
    old = course_of(house, rooms)
    rooms.post("/cover", a_cover(a_picture(1600)))

    new = course_of(house, rooms)
    assert (new.cover_number, new.revision) == (2, old.revision + 1)
    assert [each.key for each in house.store.list()] == [ObjectKey(new.cover_key or "")]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "cover.jpg"),
        (b"<html>", "cover.jpg"),
        (a_picture(1399), "cover.jpg"),
        (a_picture(1500, height=1400), "cover.jpg"),
        (a_picture(1500, kind="PNG"), "cover.jpg"),
        (a_picture(1500, kind="GIF", mode="P"), "cover.gif"),
        (a_picture(1500)[:-2000], "cover.jpg"),
        # A few kilobytes that unpack to a gigabyte.
        (a_picture(20_000, kind="PNG", mode="1"), "cover.png"),
    ],
    ids=["empty", "page", "small", "oblong", "ending", "gif", "cut", "bomb"],
)
def test_a_picture_that_is_no_cover_is_refused_and_leaves_nothing(
    house: House, rooms: Rooms, content: bytes, name: str
) -> None:
    response = rooms.post("/cover", a_cover(content, name))

    assert response.status_code == 422
    assert "finding-refuse" in response.text
    assert course_of(house, rooms).cover_key is None
    assert list(house.store.list()) == []


def test_a_picture_larger_than_any_cover_is_not_even_read(rooms: Rooms) -> None:
    body = b"\0" * 21_000_000
    form = "multipart/form-data; boundary=x"
    response = rooms.client.post(f"{rooms.course_path}/cover", data=body, content_type=form)

    assert response.status_code == 413


def test_no_course_can_take_an_address_of_the_house(app: Flask) -> None:
    firsts = {rule.rule.split("/")[1] for rule in app.url_map.iter_rules()}

    assert {first for first in firsts if first and "<" not in first} <= slugs.RESERVED


DOORS = ("mails", "spoken", "mail-trouble", "leaks")


@pytest.mark.parametrize(
    ("role", "shown"),
    [
        (Role.OWNER, DOORS),
        (Role.EDITOR, ("mails", "spoken")),
        (Role.HOST, ()),
    ],
)
def test_course_room_shows_the_doors_that_a_role_may_open(
    app: Flask, house: House, role: Role, shown: tuple[str, ...]
) -> None:
    rooms = rooms_of(app, house, role=role)

    page = rooms.get("/")

    doors = [
        door for door in DOORS if f'class="door" href="{rooms.course_path}/{door}"' in page.text
    ]
    assert doors == list(shown)
    assert ("Rooms of this course" in page.text) == bool(shown)
    assert {rooms.get(f"/{door}").status_code for door in shown} <= {200}
