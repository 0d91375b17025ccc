"""The demo: its course and owner, and a clock that never steps back."""

import json
from dataclasses import replace
from datetime import timedelta
from importlib.resources import as_file
from typing import Final

from sqlalchemy import select

from app.db.models import Course, Mark, Recording, Upload
from app.demo import DemoCourse, DemoLesson, load_demo_course
from app.errors import CadansError
from app.house import House
from app.kinds import RecordingState
from app.services import (
    accounts,
    arrivals,
    courses,
    covers,
    lessons,
    openings,
    owner_lines,
    passwords,
    publishing,
    recordings,
    uploads,
)
from app.services.accounts import NewAccount
from app.services.courses import CourseFields
from app.services.wanted_files import Wanted
from app.setting_values import Demo
from feeds.rhythm import Rhythm, RhythmKind
from media.store import read_chunks

OWNER: Final = "owner@example.org"
CLOCK_MARK: Final = "demo_clock_seconds"


class ClockSteppedBack(CadansError):
    """The demo's clock once ran further ahead: what people then heard would be locked again."""

    def __init__(self, was: timedelta, now: timedelta) -> None:
        self.was = was
        self.now = now
        days, rest = divmod(was, timedelta(days=1))
        ahead = f"{was // timedelta(hours=1)}h" if rest else f"{days}d"
        super().__init__(
            f"this demo has already been {was / timedelta(days=1):g} days ahead, and time does not"
            f" run back. Start it with CADANS_DEMO_CLOCK=+{ahead} or more, or begin again with"
            " `scripts/run --reset`."
        )


class DemoDamaged(CadansError):
    """A recording that ships with the program was refused: the installation is damaged."""


class NotADemo(CadansError):
    """The demo course is made in a demo alone."""


def refuse_clock_stepping_back(house: House) -> None:
    """Remember how far ahead the clock runs, in a demo.

    Raises:
        ClockSteppedBack: it ran further ahead before.
    """
    if house.settings.demo is Demo.OFF:
        return
    offset = house.settings.demo_clock
    with house.database.writing() as session:
        mark = session.get(Mark, CLOCK_MARK) or Mark(name=CLOCK_MARK, value="0")
        was = timedelta(seconds=int(mark.value))
        if offset < was:
            raise ClockSteppedBack(was, offset)
        mark.value = str(int(offset.total_seconds()))
        session.add(mark)


def set_up_demo(house: House) -> list[str]:
    """Make the demo course and its owner where they are missing; answer what to tell the operator.

    What an interrupted first start left behind is gone on with: every step looks before it acts.

    Raises:
        NotADemo: the settings do not say that this is one.
    """
    if house.settings.demo is Demo.OFF:
        raise NotADemo("the demo course is made only with CADANS_DEMO=1")
    course = load_demo_course()
    owner_id, news = _owner(house)
    course_id = _course(house, course, owner_id)
    for lesson in course.lessons:
        _lesson(house, course_id, owner_id, lesson)
    _open(house, course_id, course)
    base_url = house.settings.base_url
    return [*news, f"the owner's rooms: {base_url}/admin/", f"the course: {base_url}/{course.slug}"]


def _owner(house: House) -> tuple[int, list[str]]:
    password = passwords.new_password()
    with house.database.writing() as session:
        known = accounts.find(session, OWNER)
        if known is not None:
            return known.id, [f"the owner: {OWNER} (forgot? `cadans account password {OWNER}`)"]
        new = NewAccount(email=OWNER, name="Ada", language="nl", password=password)
        account = accounts.add(session, new, now=house.clock())
    return account.id, [f"the owner: {OWNER}, password {password} (shown this once)"]


def _course(house: House, demo: DemoCourse, owner_id: int) -> int:
    with house.database.writing() as session:
        found = session.scalar(select(Course).where(Course.slug == demo.slug))
        course = found or courses.create(
            session, _fields(demo), account_id=owner_id, now=house.clock()
        )
    if course.cover_key is None:
        content = demo.cover.read_bytes()
        cover = covers.store_cover(
            house.store, course.id, content=content, file_name=demo.cover.name
        )
        with house.database.writing() as session:
            covers.set_cover(session, course.id, cover, now=house.clock())
    return course.id


def _fields(demo: DemoCourse) -> CourseFields:
    return CourseFields(
        title=demo.title,
        slug=demo.slug,
        author=demo.author,
        language=demo.language,
        summary=demo.summary,
        story=demo.story_markdown,
        category=demo.category,
        is_explicit=demo.is_explicit,
        rhythm=Rhythm(kind=RhythmKind(demo.rhythm)),
        target=demo.target_length,
        tolerance=demo.tolerance,
    )


def _lesson(house: House, course_id: int, owner_id: int, demo: DemoLesson) -> None:
    """Put one lesson's audio through the same door as everybody's, and publish it."""
    with house.database.reading() as session:
        lesson = lessons.find_by_title(session, course_id, demo.title)
        recording = lesson and lessons.newest_recording(session, lesson.id)
    if lesson is None or recording is None:
        recording = _upload(house, course_id, owner_id, demo)
    if recording.state is not RecordingState.READY:
        recording = recordings.analyse(house, recording.id)
    if lesson is None or lesson.published_at is None:
        _publish(house, course_id, recording.lesson_id, demo)


def _publish(house: House, course_id: int, lesson_id: int, demo: DemoLesson) -> None:
    now = house.clock()
    transcript = demo.transcript.read_text(encoding="utf-8")
    chapters = json.loads(demo.chapters.read_bytes())["chapters"]
    with house.database.writing() as session:
        lesson = lessons.get(session, course_id, lesson_id)
        lessons.set_transcript(session, lesson, transcript, now=now)
        lessons.set_chapters(session, lesson, chapters, now=now)
        publishing.publish(session, lesson, now=now)


def _upload(house: House, course_id: int, owner_id: int, demo: DemoLesson) -> Recording:
    with as_file(demo.audio) as path:
        wanted = Wanted(
            course_id=course_id,
            account_id=owner_id,
            file_name=path.name,
            size_bytes=path.stat().st_size,
        )
        upload = uploads.begin(house, wanted, now=house.clock())
        assert isinstance(upload, Upload)  # noqa: S101 (no digest was given: it is never known)
        with path.open("rb") as file:
            uploads.put_part(house, upload, 1, read_chunks(file))
    done = arrivals.complete(
        house, upload, title=demo.title, notes=demo.notes_markdown, now=house.clock()
    )
    if done.recording_id is None:
        raise DemoDamaged(demo.audio.name)
    with house.database.reading() as session:
        return recordings.get(session, done.recording_id)


def _open(house: House, course_id: int, demo: DemoCourse) -> None:
    now = house.clock()
    with house.database.writing() as session:
        course = courses.get(session, course_id)
        if course.opened_at is None:
            # Who looks at a demo in the evening wants to see its mail now.
            choices = replace(owner_lines.of_course(session, course), mail_hour=None)
            version = course.mails_version
            owner_lines.save(session, course_id, choices, version=version, now=now)
            openings.open_course(session, course_id, now=now)
            if demo.is_finished:
                openings.finish(session, course_id, now=now)
