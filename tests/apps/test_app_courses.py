"""Every app that we know goes through a whole course: weeks, a pause, edits, other audio, the end.

The server is the real one, with its clock set ahead; the apps behave as `app.doctor.apps` says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from app.db.models import Account, Course, Lesson, Subscription, Upload
from app.demo import DEMO_SLUG, load_demo_course
from app.doctor.apps import APPS, App
from app.house import House
from app.services import arrivals, lessons, openings, pauses, publishing, recordings, uploads
from app.services.lessons import LessonFields
from app.services.wanted_files import Wanted
from feeds.messages import TurnKind, title_of
from tests.e2e.by_http import become_listener, maildir_of
from tests.parts.audio_files import AudioFiles
from tests.parts.beside import open_beside
from tests.parts.server import Installation, demo
from tests.parts.simulated_app import SimulatedApp

pytestmark = pytest.mark.slow

ONE, TWO, THREE, FOUR = (lesson.title for lesson in load_demo_course().lessons)
RENAMED = "Een nieuwe naam voor les een"
INSERTED = "Een les ertussen"
HOST = "localhost"


def move_to(here: Installation, day: int) -> None:
    """Let the server be so many days ahead."""
    if day:
        here.stop()
        here.serve(demo_clock=f"+{day}d")


def poll_all(apps: list[SimulatedApp], day: int) -> None:
    for app in apps:
        app.poll(day, datetime.now(UTC) + timedelta(days=day))


def nothing(_: House) -> None:
    """Only time goes by."""


def pause(house: House) -> None:
    with house.database.writing() as session:
        subscription_id = session.scalars(select(Subscription.id)).one()
        pauses.pause(session, subscription_id, until=None, host=HOST, now=house.clock())


def resume(house: House) -> None:
    with house.database.writing() as session:
        subscription_id = session.scalars(select(Subscription.id)).one()
        pauses.resume(session, subscription_id, host=HOST, now=house.clock())


def rename_first(house: House) -> None:
    with house.database.writing() as session:
        lesson = session.scalars(select(Lesson).where(Lesson.title == ONE)).one()
        fields = LessonFields(title=RENAMED, notes=lesson.notes)
        lessons.edit(session, lesson, fields, version=lesson.version, now=house.clock())


def send(house: House, audio: Path, lesson_id: int | None, title: str | None) -> int:
    """Upload a recording and have it judged; answer its lesson."""
    with house.database.reading() as session:
        account_id = session.scalars(select(Account.id)).one()
        course_id = session.scalars(select(Course.id)).one()
    wanted = Wanted(
        course_id=course_id,
        account_id=account_id,
        file_name=audio.name,
        size_bytes=audio.stat().st_size,
        lesson_id=lesson_id,
    )
    upload = uploads.begin(house, wanted, now=house.clock())
    assert isinstance(upload, Upload)
    uploads.put_part(house, upload, 1, [audio.read_bytes()])
    done = arrivals.complete(house, upload, title=title, now=house.clock())
    assert done.recording_id is not None
    return recordings.analyse(house, done.recording_id).lesson_id


def replace_first(house: House, audio: Path) -> None:
    with house.database.reading() as session:
        lesson_id = session.scalars(select(Lesson.id).where(Lesson.title == RENAMED)).one()
    send(house, audio, lesson_id, None)


def insert_second(house: House, audio: Path) -> None:
    """A new lesson, in a place that she has passed; then the course is finished again."""
    lesson_id = send(house, audio, None, INSERTED)
    with house.database.writing() as session:
        now = house.clock()
        lesson = session.get_one(Lesson, lesson_id)
        publishing.publish(session, lesson, now=now)
        order = [each.id for each in lessons.of_course(session, lesson.course_id)]
        order.remove(lesson_id)
        order.insert(1, lesson_id)
        publishing.put_in_order(session, lesson.course_id, order, now=now)
        openings.finish(session, lesson.course_id, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What became of the course in all apps."""

    feed_url: str
    apps: dict[str, SimulatedApp]
    audio: dict[str, bytes]
    replacement: bytes
    again: dict[str, bytes]
    """What each app got when it asked for the first lesson once more, at the end."""
    document: str
    log: str

    def of(self, app: App) -> SimulatedApp:
        return self.apps[app.name]


@pytest.fixture(scope="module")
def followed(
    tmp_path_factory: pytest.TempPathFactory, audio_files: AudioFiles
) -> Iterator[Followed]:
    replacement, inserted = audio_files["cbr.mp3"], audio_files["vbr.mp3"]
    with demo(tmp_path_factory.mktemp("followed") / "house") as here:
        url = become_listener(here, maildir_of(here), "noor@example.org", DEMO_SLUG)
        apps = [SimulatedApp(app=app, address=url) for app in APPS]
        for day, changes in (
            (0, [nothing]),
            (7, [rename_first, pause]),
            (14, [resume]),
            (
                22,
                [
                    lambda house: replace_first(house, replacement),
                    lambda house: insert_second(house, inserted),
                ],
            ),
            (40, [nothing]),
        ):
            move_to(here, day)
            poll_all(apps, day)
            for change in changes:
                with open_beside(here, day) as house:
                    change(house)
                poll_all(apps, day)
        yield Followed(
            feed_url=url,
            apps={app.app.name: app for app in apps},
            audio={
                **{each.title: each.audio.read_bytes() for each in load_demo_course().lessons},
                INSERTED: inserted.read_bytes(),
            },
            replacement=replacement.read_bytes(),
            again={app.app.name: app.fetch_again(RENAMED) for app in apps},
            document=httpx.get(url).text,
            log=here.log,
        )


every_app = pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)


@every_app
def test_each_lesson_is_announced_once_and_on_its_day(followed: Followed, app: App) -> None:
    titles = {ONE, TWO, THREE, FOUR, INSERTED, RENAMED}
    announced = [each for each in followed.of(app).announced if each[1] in titles]
    assert announced == [(0, ONE), (7, TWO), (22, THREE), (22, INSERTED), (40, FOUR)]


@every_app
def test_each_turn_is_announced_once_and_when_it_comes(followed: Followed, app: App) -> None:
    titles = {title_of(kind, "nl"): kind for kind in TurnKind}
    announced = [(day, titles[each]) for day, each in followed.of(app).announced if each in titles]
    assert announced == [
        (0, TurnKind.WELCOME),
        (7, TurnKind.PAUSED),
        (14, TurnKind.RESUMED),
        (40, TurnKind.COMPLETE),
    ]


@every_app
def test_each_lesson_is_downloaded_once_and_whole(followed: Followed, app: App) -> None:
    downloads = followed.of(app).downloads
    lessons_only = [(title, audio) for title, audio in downloads if title in followed.audio]
    assert lessons_only == [
        (title, followed.audio[title]) for title in (ONE, TWO, THREE, INSERTED, FOUR)
    ]


@every_app
def test_a_new_title_is_shown_and_nothing_is_lost(followed: Followed, app: App) -> None:
    simulated = followed.of(app)
    lessons_lost = set(simulated.lost) & {ONE, TWO, THREE, FOUR, INSERTED, RENAMED}
    assert {RENAMED, TWO, THREE, FOUR, INSERTED} <= set(simulated.titles())
    assert ONE not in simulated.titles()
    assert lessons_lost == set()


@every_app
def test_a_replaced_recording_is_heard_by_who_fetches_it_again_unless_her_app_keeps_addresses(
    followed: Followed, app: App
) -> None:
    keeps = app.keeps_first_address
    known = followed.of(app).known.values()
    (first,) = [item for item in known if item.title == RENAMED]
    assert first.enclosure is not None
    assert first.enclosure.url.endswith("-1.mp3" if keeps else "-2.mp3")
    assert followed.again[app.name] == (followed.audio[ONE] if keeps else followed.replacement)


@every_app
def test_a_poll_that_brings_nothing_costs_nothing(followed: Followed, app: App) -> None:
    statuses = followed.of(app).statuses
    assert set(statuses) == {200, 304}
    assert statuses[:2] == [200, 304]


@every_app
def test_the_address_is_the_same_to_the_end(followed: Followed, app: App) -> None:
    assert followed.of(app).address == followed.feed_url


def test_the_course_ends_complete_and_its_address_is_in_no_log(followed: Followed) -> None:
    assert "<itunes:complete>Yes</itunes:complete>" in followed.document
    token = followed.feed_url.rpartition("/")[2].removesuffix(".xml")
    assert token not in followed.log
