import io
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.db.models import Course, Lesson, Recording
from app.house import House
from app.kinds import LessonState, RecordingState
from app.services import lessons
from feeds.rhythm import RhythmKind
from media.keys import ObjectKey
from tests.builders import a_subscription
from tests.parts.audio_files import AudioFiles
from tests.parts.house import SettableClock
from tests.web.rooms import Rooms, form_of, rooms_of, send_files

HELLO = b"WEBVTT\n\n00:00.000 --> 00:02.000\nHello <v Ada>you</v>\n"


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    return rooms_of(app, house, lessons=3)


def lessons_of(house: House, rooms: Rooms) -> list[Lesson]:
    with house.database.reading() as session:
        return list(lessons.of_course(session, rooms.course.id))


def room_of(lesson: Lesson) -> str:
    return f"/lessons/{lesson.id}/"


def sound_of(house: House, lesson: Lesson, content: bytes) -> str:
    """Put bytes into the store as the lesson's recording; answer their address for owners."""
    assert lesson.recording is not None
    house.store.put(ObjectKey(lesson.recording.object_key), [content], "audio/mpeg")
    return f"/recordings/{lesson.recording.id}/audio"


def transcript(content: bytes, name: str = "les.vtt") -> dict[str, object]:
    return {"transcript": (io.BytesIO(content), name)}


def test_lessons_stand_in_order_with_state_length_and_one_primary_action(
    house: House, rooms: Rooms
) -> None:
    page = rooms.get("/").text

    places = [page.index(lesson.title) for lesson in lessons_of(house, rooms)]
    assert places == sorted(places)
    assert page.count("15 min") == 3
    assert page.count("button-primary") == 1


def test_what_is_saved_stands_in_the_room_again(house: House, rooms: Rooms) -> None:
    lesson = lessons_of(house, rooms)[0]
    form = form_of(rooms.get(room_of(lesson))) | {"title": "Voor wie? 中", "notes": "Zie [x](y)."}

    assert rooms.post(room_of(lesson), form).status_code == 303

    saved = form_of(rooms.get(room_of(lesson)))
    assert (saved["title"], saved["notes"]) == ("Voor wie? 中", "Zie [x](y).")


def test_a_title_of_another_lesson_is_refused_beside_the_field(house: House, rooms: Rooms) -> None:
    first, second, _ = lessons_of(house, rooms)
    form = form_of(rooms.get(room_of(first))) | {"title": second.title.upper()}

    response = rooms.post(room_of(first), form)

    assert response.status_code == 422
    assert 'id="error-title"' in response.text


def test_the_second_of_two_who_save_a_lesson_sees_both_texts(house: House, rooms: Rooms) -> None:
    lesson = lessons_of(house, rooms)[0]
    first, second = (form_of(rooms.get(room_of(lesson))) for _ in range(2))
    rooms.post(room_of(lesson), first | {"notes": "What Ada wrote"})

    clash = rooms.post(room_of(lesson), second | {"notes": "What Bob wrote"})

    assert clash.status_code == 409
    assert "What Ada wrote" in clash.text
    assert form_of(clash)["notes"] == "What Bob wrote"


def test_publishing_while_somebody_types_does_not_make_the_form_stale(
    house: House, rooms: Rooms
) -> None:
    lesson = lessons_of(house, rooms)[0]
    form = form_of(rooms.get(room_of(lesson)))
    rooms.post(f"/lessons/{lesson.id}/withdraw")
    rooms.post(f"/lessons/{lesson.id}/publish")
    rooms.post(f"/lessons/{lesson.id}/transcript", transcript(HELLO))

    assert rooms.post(room_of(lesson), form | {"notes": "Mine"}).status_code == 303


def test_a_lesson_that_is_still_listened_through_is_not_published_and_says_so(
    house: House, rooms: Rooms
) -> None:
    lesson = lessons_of(house, rooms)[0]
    with house.database.writing() as session:
        row = session.get_one(Lesson, lesson.id)
        row.state = LessonState.DRAFT
        session.get_one(Recording, row.recording_id).state = RecordingState.ANALYSING

    response = rooms.post(f"/lessons/{lesson.id}/publish")

    assert response.status_code == 422
    assert "still being listened through" in response.text


def test_a_withdrawn_lesson_can_be_published_again(house: House, rooms: Rooms) -> None:
    lesson = lessons_of(house, rooms)[0]
    assert rooms.get(f"/lessons/{lesson.id}/withdraw").status_code == 200

    rooms.post(f"/lessons/{lesson.id}/withdraw")
    assert lessons_of(house, rooms)[0].state is LessonState.WITHDRAWN

    rooms.post(f"/lessons/{lesson.id}/publish")
    assert lessons_of(house, rooms)[0].state is LessonState.PUBLISHED


def test_deleting_asks_first_and_takes_the_audio_along(house: House, rooms: Rooms) -> None:
    lesson = lessons_of(house, rooms)[0]
    sound_of(house, lesson, b"sound")
    assert rooms.get(f"/lessons/{lesson.id}/trash").status_code == 200

    response = rooms.post(f"/lessons/{lesson.id}/trash")

    assert response.status_code == 303
    assert len(lessons_of(house, rooms)) == 2
    assert list(house.store.list()) == []


def test_a_lesson_that_somebody_has_is_not_deleted_and_the_page_says_what_to_do(
    house: House, rooms: Rooms
) -> None:
    with house.database.writing() as session:
        a_subscription(session, session.get_one(Course, rooms.course.id))
    lesson = lessons_of(house, rooms)[0]

    response = rooms.post(f"/lessons/{lesson.id}/trash")

    assert response.status_code == 422
    assert "Withdraw it" in response.text
    assert len(lessons_of(house, rooms)) == 3


def test_a_lesson_moves_up(house: House, rooms: Rooms) -> None:
    first, second, third = (lesson.id for lesson in lessons_of(house, rooms))

    rooms.post(f"/lessons/{third}/move", {"direction": "up"})

    assert [lesson.id for lesson in lessons_of(house, rooms)] == [first, third, second]


def test_all_lessons_are_put_in_order_at_once(house: House, rooms: Rooms) -> None:
    first, second, third = (lesson.id for lesson in lessons_of(house, rooms))
    form = {f"place-{first}": "30", f"place-{second}": "20", f"place-{third}": "10"}

    assert rooms.post("/order", form).status_code == 303

    assert [lesson.id for lesson in lessons_of(house, rooms)] == [third, second, first]


def test_an_order_that_was_made_before_a_lesson_came_is_refused(house: House, rooms: Rooms) -> None:
    first, second, _ = (lesson.id for lesson in lessons_of(house, rooms))

    response = rooms.post("/order", {f"place-{first}": "2", f"place-{second}": "1"})

    assert response.status_code == 422


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (HELLO, "les.vtt"),
        (b"1\n00:00:00,000 --> 00:00:02,000\nHello you\n", "les.srt"),
        ("Hallo daar. Héé.".encode(), "les.txt"),
    ],
)
def test_a_transcript_is_kept_as_webvtt(
    house: House, rooms: Rooms, content: bytes, name: str
) -> None:
    lesson = lessons_of(house, rooms)[0]

    rooms.post(f"/lessons/{lesson.id}/transcript", transcript(content, name))

    kept = lessons_of(house, rooms)[0].transcript
    assert kept is not None
    assert kept.startswith("WEBVTT")


def test_a_transcript_that_cannot_be_read_changes_nothing(house: House, rooms: Rooms) -> None:
    lesson = lessons_of(house, rooms)[0]
    rooms.post(f"/lessons/{lesson.id}/transcript", transcript(HELLO))
    before = lessons_of(house, rooms)[0].transcript

    for content in (b"", b"\0\1\2" * 50, b"WEBVTT\n\n00:00 --> soon\nHello\n"):
        response = rooms.post(f"/lessons/{lesson.id}/transcript", transcript(content))
        assert response.status_code == 422
        assert 'id="error-transcript"' in response.text

    assert lessons_of(house, rooms)[0].transcript == before


def test_a_transcript_can_be_taken_away(house: House, rooms: Rooms) -> None:
    lesson = lessons_of(house, rooms)[0]
    rooms.post(f"/lessons/{lesson.id}/transcript", transcript(HELLO))

    rooms.post(f"/lessons/{lesson.id}/transcript", {"action": "remove"})

    assert lessons_of(house, rooms)[0].transcript is None


def test_a_fixed_date_is_read_on_the_clock_of_the_course(app: Flask, house: House) -> None:
    rooms = rooms_of(app, house, lessons=1, rhythm_kind=RhythmKind.FIXED_DATES)
    lesson = lessons_of(house, rooms)[0]
    form = form_of(rooms.get(room_of(lesson)))

    rooms.post(room_of(lesson), form | {"release_at": "2026-12-03T06:00"})

    release_at = lessons_of(house, rooms)[0].release_at
    assert release_at is not None
    assert release_at.isoformat() == "2026-12-03T05:00:00+00:00"
    assert form_of(rooms.get(room_of(lesson)))["release_at"] == "2026-12-03T06:00"


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        (None, 200, b"0123456789"),
        ("bytes=0-1", 206, b"01"),
        ("bytes=8-", 206, b"89"),
        ("bytes=-3", 206, b"789"),
        ("bytes=10-", 416, b""),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_owners_hear_any_range_of_a_recording(
    house: House, rooms: Rooms, asked: str | None, status: int, body: bytes
) -> None:
    address = sound_of(house, lessons_of(house, rooms)[0], b"0123456789")

    with rooms.get(address, headers={"Range": asked} if asked else {}) as response:
        assert (response.status_code, response.data) == (status, body)
        assert response.headers["Cache-Control"] == "no-store"


def test_asking_for_the_head_of_a_recording_tells_its_size(house: House, rooms: Rooms) -> None:
    address = sound_of(house, lessons_of(house, rooms)[0], b"0123456789")

    response = rooms.client.head(rooms.course_path + address)

    assert response.content_length == 10
    assert response.data == b""


def test_listening_as_day_seven_has_two_players_and_a_date(rooms: Rooms) -> None:
    page = rooms.get("/listen?day=7").text

    assert page.count("<audio") == 2
    assert "2 of 3 lessons unlocked, the next on Monday 15 June at 08:00" in page


@pytest.mark.parametrize("day", ["-1", "x", "9" * 30, "²", ""])
def test_a_day_that_is_none_is_the_first(rooms: Rooms, day: str) -> None:
    page = rooms.get(f"/listen?day={day}").text

    assert page.count("<audio") == 1


def test_listening_shows_a_lesson_from_the_second_it_unlocks(
    rooms: Rooms, clock: SettableClock
) -> None:
    clock.advance(timedelta(seconds=1))

    assert rooms.get("/listen?day=7").text.count("<audio") == 2


@pytest.mark.slow
def test_a_plain_form_makes_lessons_of_files_and_says_why_not_of_others(
    house: House, rooms: Rooms, audio_files: AudioFiles
) -> None:
    good, page = audio_files["cbr.mp3"].read_bytes(), b"<!doctype html><title>404</title>"
    files = {"Vierde les.mp3": good, "vijf.mp3": page, "zes.wav": b"x"}

    response = send_files(rooms, "/lessons/new", "audio", files)

    assert response.status_code == 200
    assert response.text.count(">To the lesson<") == 1
    assert "finding-refuse" in response.text
    assert "Choose an MP3 or M4A file" in response.text
    assert len(lessons_of(house, rooms)) == 4
    assert len(list(house.store.list())) == 1
    assert list(house.store.open_uploads()) == []


def test_sending_no_file_says_so(rooms: Rooms) -> None:
    response = rooms.post("/lessons/new", {"audio": (io.BytesIO(b""), "")})

    assert response.status_code == 422
    assert "Choose a file first" in response.text


def test_a_body_over_the_limit_is_refused_before_it_is_read(rooms: Rooms) -> None:
    form = "multipart/form-data; boundary=x"
    response = rooms.client.post(
        f"{rooms.course_path}/lessons/new",
        content_type=form,
        environ_overrides={"CONTENT_LENGTH": str(501 * 10**6)},
    )

    assert response.status_code == 413


@pytest.mark.slow
def test_audio_sent_in_parts_is_resumed_and_becomes_a_lesson(
    house: House, rooms: Rooms, audio_files: AudioFiles
) -> None:
    path: Path = audio_files["cbr.mp3"]
    content = path.read_bytes()
    asked = {"file_name": "Vier.mp3", "size_bytes": len(content)}
    begun = rooms.client.post(f"{rooms.course_path}/uploads", json=asked).get_json()
    upload = f"{rooms.course_path}/uploads/{begun['id']}"

    early = rooms.client.post(f"{upload}/complete")
    cut_off = rooms.client.put(f"{upload}/parts/1", data=content[:100])
    at = rooms.client.post(f"{upload}/parts/1").get_json()
    sent = rooms.client.put(at["url"], data=content)
    known = rooms.client.get(upload).get_json()
    done = rooms.client.post(f"{upload}/complete").get_json()
    again = rooms.client.post(f"{upload}/complete").get_json()

    assert (early.status_code, cut_off.status_code) == (409, 422)
    assert (at["is_here"], sent.status_code, known["arrived"]) == (True, 204, [1])
    assert done["lesson_url"] == again["lesson_url"]
    assert len(lessons_of(house, rooms)) == 4


@pytest.mark.parametrize(
    "asked",
    [{}, [], "x", {"file_name": 3}, {"file_name": "a.mp3", "size_bytes": "9"}],
)
def test_nonsense_instead_of_an_upload_is_refused_in_a_sentence(
    rooms: Rooms, asked: object
) -> None:
    response = rooms.client.post(f"{rooms.course_path}/uploads", json=asked)

    assert response.status_code == 422
    assert response.get_json()["error"]


def test_an_upload_can_be_stopped_for_good(house: House, rooms: Rooms) -> None:
    asked = {"file_name": "Vier.mp3", "size_bytes": 1000}
    begun = rooms.client.post(f"{rooms.course_path}/uploads", json=asked).get_json()

    assert rooms.client.delete(f"{rooms.course_path}/uploads/{begun['id']}").status_code == 204

    assert list(house.store.open_uploads()) == []


@pytest.mark.parametrize(
    ("severities", "colour"),
    [(["note"], "note"), (["note", "warn"], "warn"), (["warn", "note"], "warn")],
)
def test_what_is_only_good_to_know_does_not_look_like_a_warning(
    house: House, rooms: Rooms, severities: list[str], colour: str
) -> None:
    with house.database.writing() as session:
        recording = session.get_one(Recording, lessons_of(house, rooms)[0].recording_id)
        recording.findings = [
            {"code": "no-picture", "severity": each, "values": {}} for each in severities
        ]

    room = rooms.get("/").text

    seen = [each for each in ("note", "warn", "refuse") if f'class="finding-{each}"' in room]
    assert seen == [colour]
