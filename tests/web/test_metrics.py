"""What Prometheus reads of a house."""

import errno
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from app import create_app
from app.db import queue
from app.db.models import Course, Lesson, OutboxMail, Recording, Subscription, TaskTrouble
from app.errors import SettingsInvalid
from app.figures import Figures, FiguresFolderUnusable, open_figures
from app.house import House
from app.jobs.unlocks import record_unlocks
from app.jobs.work import Task, run_task
from app.kinds import UploadState
from app.services import mailing, outbox
from app.settings import Settings
from app.web.delivery import Delivery, answers
from app.web.delivery.answered import Answered
from app.web.delivery.door import Door
from media.errors import ObjectNotFound
from media.keys import ObjectKey
from tests.builders import START, a_course, a_subscription
from tests.parts.figures import BEARER, TOKEN, MakeWatched, Samples, samples
from tests.parts.house import SettableClock
from tests.parts.log import Log
from tests.web.conftest import SOUND, store_sound, token_of

KEY = ObjectKey(f"1/{'0a' * 16}.mp3")
ANTENNAPOD = {"User-Agent": "AntennaPod/3.4.0"}
ANTENNAPOD_ENVIRON = {"HTTP_USER_AGENT": ANTENNAPOD["User-Agent"]}


@dataclass(kw_only=True)
class Watched:
    """A house that counts, somebody who polls it, and Prometheus."""

    house: House
    app: Flask
    feed: str
    audio: str

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def figures(self) -> Samples:
        self.delivery.flush()
        answer = self.client.get("/metrics", headers=BEARER)
        assert answer.status_code == 200
        return samples(answer.text)

    @property
    def delivery(self) -> Delivery:
        return cast("Delivery", self.app.wsgi_app)


MakeOne = Callable[[str], Watched]


@pytest.fixture
def make_one(
    environ: dict[str, str], make_watched: MakeWatched, clock: SettableClock
) -> Iterator[MakeOne]:
    """A house on the database at an address."""
    clock.instant = START
    made: list[Watched] = []

    def make(database_url: str) -> Watched:
        keys = {
            "CADANS_DATABASE_URL": database_url,
            "CADANS_FEED_KEYS": f"1:{secrets.token_hex(32)}",
            "CADANS_SECRET_KEYS": secrets.token_hex(32),
            "CADANS_AUDIO": "serve",
        }
        made.append(people(make_watched({**environ, **keys})))
        return made[-1]

    yield make
    for watched in made:
        watched.delivery.close()


def people(house: House) -> Watched:
    """Put a course into a house, and somebody who hears it."""
    with house.database.writing() as session:
        course = a_course(session)
        subscription = a_subscription(session, course)
        first = select(Lesson).where(Lesson.course_id == course.id).order_by(Lesson.position)
        lesson = session.scalars(first).all()[0]
        for recording in session.scalars(select(Recording)):
            store_sound(house, recording, SOUND)
        token = token_of(house, session, subscription.id)
        audio = f"/a/{token}/{lesson.public_id}-1.mp3"
    app = create_app(house.settings, house)
    return Watched(house=house, app=app, feed=f"/f/{token}.xml", audio=audio)


@pytest.fixture
def watched(sqlite_url: str, make_one: MakeOne) -> Watched:
    """On SQLite, where the database makes no difference."""
    return make_one(sqlite_url)


@pytest.fixture
def on_both(database_url: str, make_one: MakeOne) -> Watched:
    """On SQLite and on PostgreSQL."""
    return make_one(database_url)


def test_without_the_setting_there_are_no_figures(client: FlaskClient) -> None:
    assert client.get("/metrics", headers=BEARER).status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": "Bearer "},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer ë"},
    ],
)
def test_with_the_setting_its_token_is_asked_for(watched: Watched, headers: dict[str, str]) -> None:
    answer = watched.client.get("/metrics", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="metrics"'
    assert TOKEN not in answer.text
    assert "cadans_polls" not in answer.text


def test_the_token_may_lie_in_a_file(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    settings = Settings.from_env({**environ, "CADANS_METRICS_TOKEN_FILE": str(tmp_path / "token")})

    assert settings.metrics_token == TOKEN


@pytest.mark.parametrize("token", ["short", "with a space in the middle of it", "é" * 40])
def test_a_token_that_can_be_guessed_is_refused(environ: dict[str, str], token: str) -> None:
    with pytest.raises(SettingsInvalid, match="CADANS_METRICS_TOKEN must be at least 24"):
        Settings.from_env({**environ, "CADANS_METRICS_TOKEN": token})


def test_polls_are_counted_by_app_and_status(watched: Watched) -> None:
    first = watched.client.get(watched.feed, headers=ANTENNAPOD)
    known = {**ANTENNAPOD, "If-None-Match": first.headers["ETag"]}
    for _ in range(20):
        assert watched.client.get(watched.feed, headers=known).status_code == 304
    watched.client.get("/f/nonsense.xml", headers={"User-Agent": "Overcast/3.0"})

    found = watched.figures()
    assert found['cadans_polls_total{app="AntennaPod",status="200"}'] == 1
    assert found['cadans_polls_total{app="AntennaPod",status="304"}'] == 20
    assert found['cadans_polls_total{app="Overcast",status="404"}'] == 1
    # The first one of each sixteen is timed.
    assert found['cadans_delivery_seconds_count{kind="feed"}'] == 2


def test_audio_is_counted_by_app_and_status(watched: Watched) -> None:
    part = {**ANTENNAPOD, "Range": "bytes=0-9"}
    for headers, status in ((ANTENNAPOD, 200), (part, 206)):
        answer = watched.client.get(watched.audio, headers=headers, buffered=True)
        assert answer.status_code == status

    found = watched.figures()
    assert found['cadans_audio_total{app="AntennaPod",status="200"}'] == 1
    assert found['cadans_audio_total{app="AntennaPod",status="206"}'] == 1


def test_an_app_that_nobody_knows_gets_no_figure_of_its_own(watched: Watched) -> None:
    for number in range(5):
        watched.client.get(watched.feed, headers={"User-Agent": f"Wilhelmina's app {number}"})

    found = watched.figures()
    assert found['cadans_polls_total{app="other",status="200"}'] == 5
    assert not [name for name in found if "Wilhelmina" in name]


def test_pages_are_counted_by_room_and_status(watched: Watched) -> None:
    for path in ("/", "/", "/nowhere/at/all", "/admin/", "/wp-login.php"):
        watched.client.get(path)

    found = watched.figures()
    assert found['cadans_requests_total{room="public",status="200"}'] == 2
    assert found['cadans_requests_total{room="public",status="404"}'] == 1
    assert found['cadans_requests_total{room="nowhere",status="404"}'] == 1
    assert found['cadans_requests_total{room="admin",status="303"}'] == 1
    assert found['cadans_request_seconds_count{room="public"}'] == 3


def test_unlocks_are_counted_and_a_late_one_is_seen(on_both: Watched, clock: SettableClock) -> None:
    clock.advance(timedelta(minutes=10))
    assert on_both.figures()["cadans_unlock_overdue_seconds"] == 600

    assert record_unlocks(on_both.house) == 1

    found = on_both.figures()
    assert found["cadans_unlocks_total"] == 1
    assert found["cadans_unlock_overdue_seconds"] == 0


def test_mails_are_counted_by_state_with_the_age_of_the_oldest(
    on_both: Watched, clock: SettableClock
) -> None:
    with on_both.house.database.writing() as session:
        subscription = session.scalars(select(Subscription)).one()
        for number, minutes in enumerate((-30, -10, 60)):
            notice = outbox.Notice(
                name=f"welcome:{number}",
                template="welcome",
                language="nl",
                address="wilhelmina@example.org",
                subscription_id=subscription.id,
                due_at=clock() + timedelta(minutes=minutes),
            )
            outbox.put(session, notice, host="h", now=clock())
        gone = session.scalars(select(OutboxMail).where(OutboxMail.notice == "welcome:1")).one()
        gone.failed_at = clock()

    found = on_both.figures()
    assert found['cadans_mails_by_state{state="due"}'] == 1
    assert found['cadans_mails_by_state{state="waiting"}'] == 1
    assert found['cadans_mails_by_state{state="failed"}'] == 1
    assert found["cadans_mail_oldest_due_seconds"] == 1800

    assert mailing.send_due(on_both.house) == 1
    found = on_both.figures()
    assert found['cadans_mails_total{outcome="sent",template="welcome"}'] == 1
    assert found['cadans_mails_by_state{state="due"}'] == 0
    assert found["cadans_mail_oldest_due_seconds"] == 0


def test_jobs_are_counted_by_name_and_state(on_both: Watched) -> None:
    with on_both.house.database.writing() as session:
        queue.defer(session, "archive")
        queue.defer(session, "archive")

    found = on_both.figures()
    assert found['cadans_jobs{name="archive",state="waiting"}'] == 2
    assert found['cadans_jobs{name="any",state="failed"}'] == 0
    assert "cadans_worker_silent_seconds" not in found


def test_steps_of_jobs_are_counted_and_what_goes_wrong_is_seen(on_both: Watched) -> None:
    answers = iter([3, 0])
    good = Task(name="good", every=timedelta(1), run=lambda _: next(answers))
    bad = Task(name="bad", every=timedelta(1), run=lambda _: 1 // 0)
    for task in (good, bad):
        run_task(on_both.house, task, is_stopping=lambda: False)

    found = on_both.figures()
    assert found['cadans_job_steps_total{name="good",outcome="worked"}'] == 1
    assert found['cadans_job_steps_total{name="good",outcome="idle"}'] == 1
    assert found['cadans_job_steps_total{name="bad",outcome="failed"}'] == 1
    assert found['cadans_task_failures{name="bad"}'] == 1
    assert found['cadans_job_step_seconds_count{name="good"}'] == 2
    with on_both.house.database.writing() as session:
        session.delete(session.scalars(select(TaskTrouble)).one())


def test_what_is_logged_within_a_step_bears_the_name_of_its_work(
    watched: Watched, json_log: Log
) -> None:
    def run(house: House) -> int:
        del house
        structlog.get_logger().info("swept")
        return 0

    run_task(
        watched.house, Task(name="good", every=timedelta(1), run=run), is_stopping=lambda: False
    )
    structlog.get_logger().info("later")

    swept, later = json_log.events
    assert swept["work"] == "good"
    assert "work" not in later


def test_uploads_and_recordings_are_counted_by_state(on_both: Watched) -> None:
    found = on_both.figures()

    assert found['cadans_recordings{state="ready"}'] == 4
    for state in UploadState:
        assert found[f'cadans_uploads{{state="{state}"}}'] == 0


def test_store_and_database_are_timed_and_their_failures_counted(on_both: Watched) -> None:
    with pytest.raises(ObjectNotFound):
        on_both.house.store.stat(KEY)
    with pytest.raises(SQLAlchemyError), on_both.house.database.reading() as session:
        session.execute(text("SELECT nothing FROM nowhere"))

    found = on_both.figures()
    assert found['cadans_store_seconds_count{operation="stat"}'] == 1
    assert found['cadans_store_errors_total{error="ObjectNotFound",operation="stat"}'] == 1
    assert found["cadans_database_seconds_count"] > 5
    errors = [name for name in found if name.startswith("cadans_database_errors_total")]
    assert len(errors) == 1


def test_a_store_that_is_timed_is_the_same_store(watched: Watched) -> None:
    store = watched.house.store
    stored = store.put(KEY, [b"one", b"two"], "audio/mpeg")

    assert store.stat(KEY) == stored
    with store.open(KEY) as opened:
        assert b"".join(opened) == b"onetwo"
    assert KEY in {found.key for found in store.list()}
    assert store.presign_get(KEY, seconds=60, content_type="audio/mpeg") is None


def test_the_release_and_whether_the_parts_answer_are_told(watched: Watched) -> None:
    found = watched.figures()

    assert found['cadans_ready{part="database"}'] == 1
    assert found['cadans_ready{part="store"}'] == 1
    assert [value for name, value in found.items() if name.startswith("cadans_build_info")] == [1]


def test_with_the_database_down_the_rest_is_told(
    environ: dict[str, str], make_watched: MakeWatched, tmp_path: Path
) -> None:
    nowhere = {
        "CADANS_DATABASE_URL": "postgresql://cadans:hunter2@127.0.0.1:1/cadans",
        "CADANS_STORE": f"folder:{tmp_path / 'store'}",
        "CADANS_FEED_KEYS": f"1:{'ab' * 32}",
        "CADANS_SECRET_KEYS": "s" * 40,
    }
    house = make_watched({**environ, **nowhere})
    client = create_app(house.settings, house).test_client()
    client.get("/healthz")

    answer = client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    found = samples(answer.text)
    assert found['cadans_ready{part="database"}'] == 0
    assert found['cadans_ready{part="store"}'] == 1
    assert found['cadans_requests_total{room="watch",status="200"}'] == 1
    assert "cadans_unlocks_total" not in found


def test_figures_that_nobody_can_ask_for_cost_a_poll_nothing(client: FlaskClient) -> None:
    delivery = cast("Delivery", client.application.wsgi_app)

    assert delivery._answered is None  # noqa: SLF001 (that it is not there is the promise)


def test_a_folder_that_cannot_be_written_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("no folder")

    with pytest.raises(FiguresFolderUnusable, match="let this user own CADANS_VAR"):
        open_figures(tmp_path / "figures")


def test_a_file_that_is_none_of_figures_is_named_and_kept(tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("of a house, put here by mistake")

    with pytest.raises(FiguresFolderUnusable, match=r"copy\.db .*put it somewhere else"):
        open_figures(tmp_path)
    assert (tmp_path / "copy.db").exists()


COUNT = """
import sys
from pathlib import Path
from app.figures import open_figures
figures = open_figures(Path(sys.argv[1]))
figures.answered_feed("AntennaPod", "200", int(sys.argv[2]))
print("counted", flush=True)
sys.stdin.read()
"""


def count_elsewhere(folder: Path, times: int, *before: str) -> subprocess.Popen[bytes]:
    """Another process that counts, and goes on living until it is told to end."""
    process = subprocess.Popen(
        [*before, sys.executable, "-c", COUNT, str(folder), str(times)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"counted\n"
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def polls(folder: Path) -> float:
    return samples(Figures(folder).render([]).decode())[
        'cadans_polls_total{app="AntennaPod",status="200"}'
    ]


@pytest.mark.slow
def test_processes_that_live_and_processes_that_were_killed_are_added_up(tmp_path: Path) -> None:
    living, killed = count_elsewhere(tmp_path, 3), count_elsewhere(tmp_path, 4)
    end(killed)
    assert polls(tmp_path) == 7

    again = count_elsewhere(tmp_path, 5)
    assert polls(tmp_path) == 12
    end(living)
    end(again)
    assert polls(tmp_path) == 12
    # The third took over the place of the second.
    assert len(list(tmp_path.glob("counter_*.db"))) == 2


@pytest.mark.slow
def test_a_file_that_a_loss_of_power_left_broken_is_thrown_away(tmp_path: Path) -> None:
    end(count_elsewhere(tmp_path, 3))
    [path] = tmp_path.glob("counter_*.db")
    path.write_bytes(os.urandom(64))

    end(count_elsewhere(tmp_path, 4))

    assert polls(tmp_path) == 4


@pytest.mark.slow
def test_a_broken_file_of_nobody_keeps_the_others_from_nothing(tmp_path: Path) -> None:
    first, second = count_elsewhere(tmp_path, 3), count_elsewhere(tmp_path, 4)
    end(first)
    end(second)
    (tmp_path / "counter_1.db").write_bytes(os.urandom(64))

    end(count_elsewhere(tmp_path, 5))

    assert polls(tmp_path) == 8


@pytest.mark.slow
def test_a_place_of_another_user_keeps_nobody_from_counting(tmp_path: Path) -> None:
    end(count_elsewhere(tmp_path, 3))
    # As root left it, who once ran `cadans serve`.
    (tmp_path / "place-0").chmod(0)
    (tmp_path / "counter_0.db").chmod(0o444)
    # Root itself may open all, unless it gives that up.
    as_anybody = ["setpriv", "--bounding-set=-dac_override"] if os.geteuid() == 0 else []

    end(count_elsewhere(tmp_path, 4, *as_anybody))

    assert polls(tmp_path) == 7


def test_a_moment_without_room_for_figures_does_not_end_them(json_log: Log) -> None:
    figures = CountsLater()
    door = cast("Door", None)
    answered = Answered(figures, lambda _door, _environ: answers.not_found())
    answered.answer(door, "/f/", ANTENNAPOD_ENVIRON)
    assert figures.was_asked.wait(60)

    answered.answer(door, "/f/", ANTENNAPOD_ENVIRON)
    assert figures.has_counted.wait(60)
    answered.close()

    assert len(json_log.named("figures_lost")) == 1


class CountsLater(Figures):
    """Finds no room at first."""

    def __init__(self) -> None:
        super().__init__()
        self.was_asked, self.has_counted = threading.Event(), threading.Event()

    def answered_feed(self, app: str, status: str, times: int) -> None:
        if not self.was_asked.is_set():
            self.was_asked.set()
            raise OSError(errno.ENOSPC, "no room")
        super().answered_feed(app, status, times)
        self.has_counted.set()


def test_a_course_is_no_label(watched: Watched) -> None:
    with watched.house.database.reading() as session:
        slug = session.scalars(select(Course.slug)).one()
    watched.client.get(f"/{slug}")

    assert not [name for name in watched.figures() if slug in name]
