from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.db.models import Course, Lesson, Recording
from app.demo import DEMO_SLUG, load_demo_course
from app.house import House
from app.kinds import CourseState, LessonState
from app.services import lessons, openings, recordings
from app.services.demo import (
    ClockSteppedBack,
    NotADemo,
    refuse_clock_stepping_back,
    set_up_demo,
)
from app.settings import Settings
from media.findings import Severity

pytestmark = pytest.mark.slow
MakeHouse = Callable[[Settings], House]


@pytest.fixture
def make_demo(environ: dict[str, str], make_house: MakeHouse) -> Callable[[str], House]:
    def make(clock: str = "+0d") -> House:
        demo = {"CADANS_DEMO": "1", "CADANS_DEMO_CLOCK": clock}
        return make_house(Settings.from_env(environ | demo))

    return make


def test_the_demo_course_is_open_finished_and_without_warnings(
    make_demo: Callable[..., House],
) -> None:
    house = make_demo()

    words = set_up_demo(house)

    assert any("password" in line for line in words)
    assert f"the owner's rooms: {house.settings.base_url}/admin/" in words
    with house.database.reading() as session:
        course = session.scalars(select(Course).where(Course.slug == DEMO_SLUG)).one()
        assert course.state is CourseState.OPEN
        assert course.finished_at is not None
        assert course.cover_number == 1
        found = lessons.of_course(session, course.id)
        assert [lesson.title for lesson in found] == [
            lesson.title for lesson in load_demo_course().lessons
        ]
        assert {lesson.state for lesson in found} == {LessonState.PUBLISHED}
        assert all(lesson.transcript and lesson.chapters for lesson in found)
        findings = [
            finding
            for recording in session.scalars(select(Recording))
            for finding in recordings.findings_of(recording)
        ]
        assert {finding.severity for finding in findings} <= {Severity.NOTE}


def test_setting_it_up_again_changes_nothing_and_shows_no_password(
    make_demo: Callable[..., House],
) -> None:
    house = make_demo()
    set_up_demo(house)

    words = set_up_demo(house)

    assert not any(", password" in line for line in words)
    with house.database.reading() as session:
        assert session.scalar(select(func.count(Lesson.id))) == 4
        assert session.scalar(select(func.count(Recording.id))) == 4


def test_a_first_start_that_was_interrupted_is_gone_on_with(
    make_demo: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_demo()

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(openings, "open_course", dies)
        patch.setattr(recordings, "analyse", dies)
        with pytest.raises(KeyboardInterrupt):
            set_up_demo(house)
    set_up_demo(house)

    with house.database.reading() as session:
        assert session.scalar(select(func.count(Recording.id))) == 4
        assert session.scalars(select(Course.state)).one() is CourseState.OPEN


def test_without_demo_no_demo_course_is_made(house: House) -> None:
    with pytest.raises(NotADemo):
        set_up_demo(house)


def test_the_clock_of_a_demo_may_stand_still_or_move_on(make_demo: Callable[..., House]) -> None:
    for offset in ("+0d", "+7d", "+7d", "+8d"):
        refuse_clock_stepping_back(make_demo(offset))
    with pytest.raises(ClockSteppedBack):
        refuse_clock_stepping_back(make_demo("+7d"))


def test_the_clock_of_a_demo_never_steps_back(make_demo: Callable[..., House]) -> None:
    refuse_clock_stepping_back(make_demo("+14d"))

    with pytest.raises(ClockSteppedBack, match="scripts/run --reset") as caught:
        refuse_clock_stepping_back(make_demo("+7d"))
    assert caught.value.was == timedelta(days=14)
    assert "CADANS_DEMO_CLOCK=+14d or more" in str(caught.value)


def test_hours_that_are_no_whole_days_are_asked_for_in_hours() -> None:
    error = ClockSteppedBack(timedelta(days=1, hours=6), timedelta())

    assert "CADANS_DEMO_CLOCK=+30h or more" in str(error)
