"""Where she is in a lesson: of many devices the later one counts, and only what is hers."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.db.models import Lesson, Position, Recording
from app.db.session import Database
from app.errors import InvalidInput, LessonNotFound, TooManyRequests
from app.kinds import LessonState
from app.services import positions
from app.services.positions import Heard, Said, parse_said
from tests.builders import START, a_course, a_subscription

MINUTE = 60_000
NOW = START + timedelta(hours=1)


class Place:
    """One subscription of which only the first lesson is unlocked; a lesson lasts 15 minutes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.writing() as session:
            course = a_course(session, lessons=2)
            self.subscription_id = a_subscription(session, course).id
            self.lessons = session.scalars(select(Lesson).order_by(Lesson.position)).all()

    def say(
        self,
        minutes: float,
        *,
        ago: timedelta = timedelta(0),
        at: datetime = NOW,
        lesson: int = 1,
        is_at_end: bool = False,
    ) -> None:
        said = Said(
            lesson=self.lessons[lesson - 1].public_id,
            position_ms=int(minutes * MINUTE),
            age=ago,
            is_at_end=is_at_end,
        )
        with self.database.writing() as session:
            positions.save(session, self.subscription_id, said, now=at)

    def heard(self) -> Heard:
        with self.database.reading() as session:
            return positions.of_subscription(session, self.subscription_id)[self.lessons[0].id]

    def change_lesson(self, **values: object) -> None:
        with self.database.writing() as session:
            lesson = session.get_one(Lesson, self.lessons[0].id)
            for name, value in values.items():
                setattr(lesson, name, value)


@pytest.fixture
def place(database: Database) -> Place:
    return Place(database)


def test_she_goes_on_where_she_was(place: Place) -> None:
    place.say(3)
    place.say(4, at=NOW + timedelta(minutes=1))
    assert place.heard().resume_ms == 4 * MINUTE


def test_of_two_devices_the_later_one_counts_whichever_message_came_last(place: Place) -> None:
    place.say(10, ago=timedelta(minutes=5))
    place.say(2, ago=timedelta(hours=3), at=NOW + timedelta(minutes=1))
    assert place.heard().resume_ms == 10 * MINUTE


def test_no_device_can_say_that_it_was_there_later_than_now(place: Place) -> None:
    place.say(10, ago=timedelta(days=-30))
    place.say(2, at=NOW + timedelta(minutes=1))
    assert place.heard().resume_ms == 2 * MINUTE


def test_how_far_she_came_never_goes_back(place: Place) -> None:
    place.say(12)
    place.say(1, at=NOW + timedelta(minutes=1))
    assert (place.heard().heard_ms, place.heard().resume_ms) == (12 * MINUTE, MINUTE)


def test_near_the_end_it_is_heard_and_starts_over(place: Place) -> None:
    place.say(14.6)
    assert not place.heard().is_finished
    place.say(14.7, at=NOW + timedelta(minutes=1))
    assert place.heard().is_finished
    assert place.heard().resume_ms == 0


def test_heard_stays_heard_when_she_listens_again(place: Place) -> None:
    place.say(15, is_at_end=True)
    place.say(3, at=NOW + timedelta(days=1))
    assert place.heard().is_finished
    assert place.heard().resume_ms == 3 * MINUTE


def test_a_lesson_that_is_locked_takes_no_position(place: Place) -> None:
    with pytest.raises(LessonNotFound):
        place.say(1, lesson=2)
    place.say(1, lesson=2, at=START + timedelta(days=7))


def test_a_lesson_of_another_course_or_of_none_takes_no_position(place: Place) -> None:
    with place.database.writing() as session:
        a_course(session, lessons=1)
        place.lessons = session.scalars(select(Lesson).order_by(Lesson.id)).all()
    with pytest.raises(LessonNotFound):
        place.say(1, lesson=3)
    place.lessons[0].public_id = "'; --"
    with pytest.raises(LessonNotFound):
        place.say(1)


def test_a_lesson_that_was_removed_takes_no_position(place: Place) -> None:
    place.change_lesson(state=LessonState.REMOVED)
    with pytest.raises(LessonNotFound):
        place.say(1)


def test_a_shorter_recording_leaves_nobody_behind_its_end(place: Place) -> None:
    place.say(12)
    with place.database.writing() as session:
        recording_id = session.get_one(Lesson, place.lessons[0].id).recording_id
        session.get_one(Recording, recording_id).duration_ms = 5 * MINUTE
    assert (place.heard().heard_ms, place.heard().resume_ms) == (5 * MINUTE, 0)


def test_a_place_beyond_the_end_is_the_end(place: Place) -> None:
    place.say(500)
    assert place.heard().position_ms == 15 * MINUTE


def test_a_flood_of_positions_writes_once_a_second(place: Place) -> None:
    place.say(1)
    with pytest.raises(TooManyRequests):
        place.say(2, at=NOW + timedelta(seconds=1, milliseconds=-1))
    place.say(3, at=NOW + timedelta(seconds=1))


def test_a_clock_that_was_set_back_silences_nobody(place: Place) -> None:
    place.say(1, at=NOW + timedelta(days=1))
    place.say(2, at=NOW)
    assert place.heard().heard_ms == 2 * MINUTE


def test_one_row_holds_one_lesson(place: Place) -> None:
    for minute in range(5):
        place.say(minute, at=NOW + timedelta(minutes=minute))
    with place.database.reading() as session:
        assert len(session.scalars(select(Position)).all()) == 1


def test_listening_in_the_browser_is_known(place: Place) -> None:
    def has_listened() -> bool:
        with place.database.reading() as session:
            return positions.has_listened(session, place.subscription_id)

    assert not has_listened()
    place.say(0)
    assert has_listened()


@pytest.mark.parametrize("text", ["", "-1", "1.5", "١٢", "1e3", "9" * 40, "x"])
@pytest.mark.parametrize("name", ["position_ms", "age_ms"])
def test_what_is_no_number_is_refused(name: str, text: str) -> None:
    fields = {"lesson": "x", "position_ms": "1", "age_ms": "1"} | {name: text}
    with pytest.raises(InvalidInput):
        parse_said(fields)
