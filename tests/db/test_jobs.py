"""Jobs: one suite for both engines, with real processes where one is killed."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from procrastinate.manager import JobManager
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from app.clock import system_clock
from app.db import queue
from app.db.models import QueuedJob, TaskTrouble
from app.errors import JobNotFound
from app.house import House
from app.jobs import local, on_postgres, relief, work
from app.jobs.worker import Errand, Task, Worker
from app.kinds import JobState
from app.settings import Settings
from tests.parts.house import environ_on
from tests.parts.log import Log
from tests.parts.postgres import Postgres

ROOT = Path(__file__).parents[2]
PROGRAM = Path(sys.executable).with_name("cadans")
PATIENCE_SECONDS = 60
SECRET = "kim@example.org"
HOUR = timedelta(hours=1)

StartWorker = Callable[..., Worker]


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return environ_on(database_url.replace("+psycopg", ""), tmp_path)


@pytest.fixture
def start(house: House) -> Iterator[StartWorker]:
    workers = []

    def start_one(*works: Task | Errand) -> Worker:
        worker = Worker(
            house,
            [each for each in works if isinstance(each, Task)],
            [each for each in works if isinstance(each, Errand)],
        )
        workers.append(worker)
        worker.start()
        return worker

    yield start_one
    for worker in workers:
        assert worker.stop(timedelta(seconds=PATIENCE_SECONDS))


class Diary:
    """Remembers what was run, and lets a test wait for it."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self._changed = threading.Condition()

    def write(self, line: object) -> None:
        with self._changed:
            self.lines.append(line)
            self._changed.notify_all()

    def wait_for(self, line: object) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: line in self.lines, PATIENCE_SECONDS)


def wait_until(is_so: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def defer(house: House, name: str, args: dict[str, Any] | None = None, **more: Any) -> int | None:
    with house.database.writing() as session:
        return queue.defer(session, name, args, **more)


def jobs(house: House) -> list[queue.Job]:
    with house.database.reading() as session:
        return queue.listed(session)


def has_gone_wrong(job: queue.Job) -> bool:
    """Whether an attempt is over: the reason is written first, or last, as the engine has it."""
    return bool(job.reason) and job.state is JobState.WAITING


def writes(diary: Diary, name: str = "write") -> Errand:
    """An errand that writes its line down."""

    def run(house: House, args: Mapping[str, Any]) -> int:
        del house
        diary.write(args["line"])
        return 0

    return Errand(name=name, run=run)


def counts(diary: Diary, *, every: timedelta) -> Task:
    """A task that writes down how often it was run before."""

    def run(house: House) -> int:
        del house
        diary.write(len(diary.lines))
        return 0

    return Task(name="round", every=every, run=run)


def raises(name: str = "stumble") -> Errand:
    def run(house: House, args: Mapping[str, Any]) -> int:
        del house, args
        raise ValueError(SECRET)

    return Errand(name=name, run=run)


def test_deferred_job_runs_with_its_arguments(house: House, start: StartWorker) -> None:
    diary = Diary()
    defer(house, "write", {"line": "hello"})
    start(writes(diary))
    diary.wait_for("hello")
    wait_until(lambda: not jobs(house))
    assert diary.lines == ["hello"]


def test_job_deferred_while_the_worker_runs_is_found(house: House, start: StartWorker) -> None:
    diary = Diary()
    start(writes(diary))
    defer(house, "write", {"line": "hello"})
    diary.wait_for("hello")
    assert diary.lines == ["hello"]


def test_job_of_a_transaction_that_failed_never_was(house: House) -> None:
    with house.database.writing() as session:
        queue.defer(session, "write", {"line": "hello"})
        session.rollback()
    assert jobs(house) == []


def test_second_waiting_job_of_a_key_is_none(house: House) -> None:
    assert defer(house, "write", {"line": 1}, key="plan:1")
    assert defer(house, "write", {"line": 2}, key="plan:1") is None
    assert defer(house, "write", {"line": 3}, key="plan:2")
    assert [job.args for job in jobs(house)] == [{"line": 1}, {"line": 3}]


def test_refused_key_leaves_the_rest_of_its_transaction(house: House) -> None:
    defer(house, "write", {"line": 1}, key="plan:1")
    with house.database.writing() as session:
        queue.defer(session, "write", {"line": 2}, key="plan:1")
        queue.defer(session, "write", {"line": 3})
    assert [job.args["line"] for job in jobs(house)] == [1, 3]


def test_key_is_free_again_once_its_job_runs(house: House, start: StartWorker) -> None:
    diary = Diary()

    def run(house: House, args: Mapping[str, Any]) -> int:
        diary.write(defer(house, "other", dict(args), key="plan:1") is not None)
        return 0

    defer(house, "write", {"line": 1}, key="plan:1")
    start(Errand(name="write", run=run))
    diary.wait_for(True)
    assert diary.lines == [True]


def test_job_that_waits_for_its_time_is_left_alone(house: House, start: StartWorker) -> None:
    diary = Diary()
    defer(house, "write", {"line": "later"}, wait=HOUR)
    defer(house, "write", {"line": "now"})
    start(writes(diary))
    diary.wait_for("now")
    wait_until(lambda: len(jobs(house)) == 1)
    [job] = jobs(house)
    assert (job.state, job.args) == (JobState.WAITING, {"line": "later"})
    assert job.due_at is not None
    assert HOUR - timedelta(minutes=5) < job.due_at - job.created_at < HOUR + timedelta(minutes=5)


def test_errand_is_called_again_until_nothing_is_left(house: House, start: StartWorker) -> None:
    diary, left = Diary(), [3, 2, 1, 0]

    def run(house: House, args: Mapping[str, Any]) -> int:
        del house, args
        diary.write(left[0])
        return left.pop(0)

    defer(house, "plan")
    start(Errand(name="plan", run=run))
    diary.wait_for(0)
    assert diary.lines == [3, 2, 1, 0]


def test_job_that_goes_wrong_waits_and_says_why_without_its_message(
    house: House, start: StartWorker, json_log: Log
) -> None:
    job_id = defer(house, "stumble", key="plan:1")
    start(raises())
    wait_until(lambda: has_gone_wrong(*jobs(house)))
    [job] = jobs(house)
    assert (job.id, job.state, job.attempts) == (job_id, JobState.WAITING, 1)
    assert job.due_at is not None
    assert "ValueError" in str(job.reason)
    assert SECRET not in f"{job}{json_log.text}"
    assert defer(house, "stumble", key="plan:1"), "its key is free for another"


def test_job_that_always_goes_wrong_has_failed_in_the_end(
    house: House, start: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_quick(monkeypatch)
    defer(house, "stumble")
    start(raises())
    wait_until(lambda: jobs(house)[0].state is JobState.FAILED)
    [job] = jobs(house)
    assert job.attempts == 3
    assert "ValueError" in str(job.reason)


def test_failed_job_can_be_tried_again(
    house: House, start: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_quick(monkeypatch)
    job_id = defer(house, "write", {"line": "hello"})
    first = start(raises("write"))
    wait_until(lambda: jobs(house)[0].state is JobState.FAILED)
    first.stop()
    with house.database.writing() as session:
        queue.retry(session, int(job_id or 0))
    diary = Diary()
    start(writes(diary))
    diary.wait_for("hello")


def be_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let three attempts follow each other at once."""
    for engine in (local, on_postgres):
        monkeypatch.setattr(engine, "BACKOFF", (timedelta(0), timedelta(0)))
    for engine in (local, relief):
        monkeypatch.setattr(engine, "MOST_ATTEMPTS", 3)


def test_nothing_can_be_tried_again_that_is_not_there(house: House) -> None:
    with house.database.writing() as session, pytest.raises(JobNotFound):
        queue.retry(session, 12345)


def test_job_of_a_name_nobody_knows_waits_and_is_said_once(
    house: House, start: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relief, "TAKE_OVER_CRON", "* * * * * */1")
    diary = Diary()
    job_id = defer(house, "of_next_year", {"line": 1})
    with structlog.testing.capture_logs() as said:
        start(writes(diary))
        defer(house, "write", {"line": "hello"})
        diary.wait_for("hello")
        wait_until(lambda: said)
    assert [job.id for job in jobs(house) if job.state is JobState.WAITING] == [job_id]
    known = [line for line in said if line["event"] == "unknown_job_waits"]
    assert [line["name"] for line in known] == ["of_next_year"]
    start(writes(diary, "of_next_year"))
    diary.wait_for(1)


def test_slow_job_holds_up_no_other_name(house: House, start: StartWorker) -> None:
    diary, go_on = Diary(), threading.Event()

    def wait(house: House, args: Mapping[str, Any]) -> int:
        del house, args
        diary.write("slow began")
        go_on.wait(PATIENCE_SECONDS)
        return 0

    defer(house, "slow")
    start(Errand(name="slow", run=wait), writes(diary))
    diary.wait_for("slow began")
    defer(house, "write", {"line": "quick"})
    diary.wait_for("quick")
    assert [job.state for job in jobs(house) if job.name == "slow"] == [JobState.RUNNING]
    go_on.set()


def test_worker_that_is_told_to_stop_finishes_what_it_has_in_hand(
    house: House, start: StartWorker
) -> None:
    diary = Diary()

    def run(house: House, args: Mapping[str, Any]) -> int:
        del house, args
        diary.write("began")
        time.sleep(1)
        diary.write("ended")
        return 0

    defer(house, "slow")
    worker = start(Errand(name="slow", run=run))
    diary.wait_for("began")
    assert worker.stop(timedelta(seconds=PATIENCE_SECONDS))
    assert diary.lines == ["began", "ended"]
    assert jobs(house) == []


def test_worker_that_is_told_to_stop_puts_the_rest_of_an_errand_back(
    house: House, start: StartWorker
) -> None:
    diary, go_on = Diary(), threading.Event()

    def run(house: House, args: Mapping[str, Any]) -> int:
        del house, args
        diary.write("step")
        go_on.wait(PATIENCE_SECONDS)
        return 1

    defer(house, "long", {"course_id": 7})
    worker = start(Errand(name="long", run=run))
    diary.wait_for("step")
    stopping = threading.Thread(target=worker.stop, args=(timedelta(seconds=PATIENCE_SECONDS),))
    stopping.start()
    time.sleep(0.2)
    go_on.set()
    stopping.join()
    [job] = jobs(house)
    assert (job.state, job.args, job.attempts) == (JobState.WAITING, {"course_id": 7}, 0)


def test_workers_at_once_share_the_work_and_do_each_job_once(
    house: House, start: StartWorker
) -> None:
    diary, both = Diary(), threading.Barrier(2)

    def run(house: House, args: Mapping[str, Any]) -> int:
        del house
        if args["line"] < 2:
            # Goes on only when two do this at the same time.
            both.wait(PATIENCE_SECONDS)
        diary.write(args["line"])
        return 0

    for number in range(6):
        defer(house, "write", {"line": number})
    for _ in range(2):
        start(Errand(name="write", run=run))
    wait_until(lambda: not jobs(house))
    assert sorted(diary.lines) == list(range(6))


def test_task_comes_round(start: StartWorker) -> None:
    diary = Diary()
    start(counts(diary, every=timedelta(seconds=1)))
    diary.wait_for(2)
    assert diary.lines[:3] == [0, 1, 2]


def test_task_with_more_to_do_is_run_again_at_once(start: StartWorker) -> None:
    diary, left = Diary(), [2, 1, 0]

    def run(house: House) -> int:
        del house
        diary.write(left[0])
        return left.pop(0)

    start(Task(name="round", every=HOUR, run=run))
    diary.wait_for(0)
    assert diary.lines == [2, 1, 0]


def test_deferring_a_task_runs_it_before_its_time(house: House, start: StartWorker) -> None:
    diary = Diary()
    start(counts(diary, every=HOUR))
    diary.wait_for(0)
    defer(house, "round", key="round")
    diary.wait_for(1)
    assert diary.lines == [0, 1]


def test_task_that_goes_wrong_rests_and_shows_until_it_is_mended(
    house: House, start: StartWorker, monkeypatch: pytest.MonkeyPatch, json_log: Log
) -> None:
    monkeypatch.setattr(work, "RESTS", (timedelta(seconds=2),))
    is_broken = threading.Event()
    is_broken.set()

    def run(house: House) -> int:
        del house
        if is_broken.is_set():
            raise ValueError(SECRET)
        return 0

    start(Task(name="round", every=timedelta(seconds=1), run=run))
    wait_until(lambda: any(trouble.failures == 2 for trouble in troubles(house)))
    [trouble] = troubles(house)
    assert trouble.rests_until - trouble.since_at >= timedelta(seconds=4)
    assert "ValueError" in trouble.reason
    assert SECRET not in f"{trouble.reason}{json_log.text}"
    assert "ValueError" in json_log.named("task_failed")[0]["exception"]
    is_broken.clear()
    wait_until(lambda: not troubles(house))


def troubles(house: House) -> list[TaskTrouble]:
    with house.database.reading() as session:
        return list(session.scalars(select(TaskTrouble)))


def test_rest_from_before_the_clock_was_stepped_back_counts_no_more(house: House) -> None:
    with house.database.writing() as session:
        now = system_clock()
        session.add(
            TaskTrouble(
                name="round",
                failures=1,
                since_at=now + 24 * HOUR,
                rests_until=now + 25 * HOUR,
                reason="x",
            )
        )
    diary = Diary()
    work.run_task(house, counts(diary, every=HOUR), is_stopping=threading.Event().is_set)
    assert diary.lines == [0]


def test_old_failures_are_forgotten(
    house: House, start: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_quick(monkeypatch)
    defer(house, "stumble")
    start(raises())
    wait_until(lambda: jobs(house)[0].state is JobState.FAILED)
    with house.database.writing() as session:
        assert queue.forget_failed(session, older_than=HOUR) == 0
        assert queue.forget_failed(session, older_than=-HOUR) == 1
    assert jobs(house) == []


# A worker as an operator runs it; its errand says that it began, and never ends.
WORKER = """
import pathlib, sys, time
from app.jobs.worker import Errand, Worker
from app.settings import Settings
from app.wiring import open_house
def run(house, args):
    pathlib.Path(sys.argv[1]).touch()
    time.sleep(600)
Worker(open_house(Settings.from_env()), [], [Errand(name="write", run=run)]).start()
time.sleep(600)
"""


def kill_in_the_middle(environ: dict[str, str], began: Path) -> None:
    process = subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", sys.executable, "-c", WORKER, str(began)],
        env={"PATH": os.environ["PATH"], **environ},
        cwd=ROOT,
    )
    try:
        wait_until(began.exists)
        process.send_signal(signal.SIGKILL)
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    finally:
        process.kill()
        process.wait()


def let_time_pass(house: House) -> None:
    """Age what a living worker renews: as if it had been silent for long."""
    is_postgres = house.database.engine.dialect.name == "postgresql"
    aged = (
        "UPDATE procrastinate_workers SET last_heartbeat = last_heartbeat - interval '1 hour'"
        if is_postgres
        else "UPDATE jobs SET leased_until = '2020-01-01 00:00:00'"
    )
    with house.database.writing() as session:
        session.execute(text(aged))


def test_job_of_a_killed_worker_is_taken_over(
    house: House, start: StartWorker, environ: dict[str, str], tmp_path: Path
) -> None:
    defer(house, "write", {"line": "hello"})
    kill_in_the_middle(environ, tmp_path / "began")
    assert [job.state for job in jobs(house)] == [JobState.RUNNING]
    let_time_pass(house)
    diary = Diary()
    start(writes(diary))
    diary.wait_for("hello")
    wait_until(lambda: not jobs(house))


def test_job_that_kills_its_workers_has_failed_in_the_end(
    house: House,
    start: StartWorker,
    environ: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for engine in (local, relief):
        monkeypatch.setattr(engine, "MOST_ATTEMPTS", 1)
    defer(house, "write", {"line": "hello"})
    kill_in_the_middle(environ, tmp_path / "began")
    let_time_pass(house)
    diary = Diary()
    start(writes(diary))
    wait_until(lambda: jobs(house)[0].state is JobState.FAILED)
    assert jobs(house)[0].reason == work.WORKER_GONE
    assert diary.lines == []


def test_lease_and_rest_from_before_the_clock_was_stepped_back_count_no_more(
    house: House, start: StartWorker
) -> None:
    if house.database.engine.dialect.name == "postgresql":
        pytest.skip("its own clock says who is silent")
    running, waiting = defer(house, "write", {"line": 1}), defer(house, "write", {"line": 2})
    tomorrow = system_clock() + 24 * HOUR
    with house.database.writing() as session:
        row = session.get_one(QueuedJob, running)
        row.state, row.worker, row.leased_until = JobState.RUNNING, "gone", tomorrow
        row = session.get_one(QueuedJob, waiting)
        row.attempts, row.due_at = 1, tomorrow
    diary = Diary()
    start(writes(diary))
    diary.wait_for(2)
    assert diary.lines == [1, 2]


@pytest.fixture
def on_postgres_of_its_own(
    postgres: Postgres, environ: dict[str, str], make_house: Callable[[Settings], House]
) -> Iterator[House]:
    with postgres.fresh() as url:
        yield make_house(Settings.from_env({**environ, "CADANS_DATABASE_URL": url}))


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_worker_outlives_a_restart_of_postgresql_under_load(
    postgres: Postgres, on_postgres_of_its_own: House
) -> None:
    house, diary = on_postgres_of_its_own, Diary()

    def run(house: House, args: Mapping[str, Any]) -> int:
        with house.database.writing() as session:
            session.execute(text("SELECT pg_sleep(0.05)"))
        diary.write(args["line"])
        return 0

    for number in range(60):
        defer(house, "write", {"line": number})
    worker = Worker(
        house, [counts(diary, every=timedelta(seconds=1))], [Errand(name="write", run=run)]
    )
    worker.start()
    diary.wait_for(5)
    postgres.restart()
    diary.wait_for(59)
    wait_until(lambda: set(range(60)) <= set(diary.lines))
    defer(house, "write", {"line": "afterwards"})
    diary.wait_for("afterwards")
    assert worker.stop(timedelta(seconds=PATIENCE_SECONDS))


def test_job_whose_end_could_not_be_told_is_run_again(
    house: House, start: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "LEASE", timedelta(seconds=1))
    diary = Diary()
    with break_once(monkeypatch, house) as is_broken:
        defer(house, "write", {"line": "hello"})
        start(writes(diary))
        assert is_broken.wait(PATIENCE_SECONDS)
        wait_until(lambda: not jobs(house))
    assert diary.lines == ["hello", "hello"]


def test_worker_stops_though_it_did_not_hear_it_the_first_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    if house.database.engine.dialect.name != "postgresql":
        pytest.skip("nothing is cancelled in threads")
    is_deaf, settle = threading.Event(), JobManager.prune_stalled_workers

    async def lose_cancellation(manager: JobManager, seconds: float) -> object:
        if is_deaf.is_set():
            return await settle(manager, seconds)
        is_deaf.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(10 * PATIENCE_SECONDS)
        return await settle(manager, seconds)

    monkeypatch.setattr(JobManager, "prune_stalled_workers", lose_cancellation)
    worker = Worker(house, [], [writes(Diary())])
    worker.start()
    assert is_deaf.wait(PATIENCE_SECONDS)
    assert worker.stop(timedelta(seconds=PATIENCE_SECONDS))


@contextmanager
def break_once(monkeypatch: pytest.MonkeyPatch, house: House) -> Iterator[threading.Event]:
    """Lose the database at the moment in which a job that is done is to be settled."""
    is_broken = threading.Event()
    is_postgres = house.database.engine.dialect.name == "postgresql"
    owner: Any = JobManager if is_postgres else local.LocalEngine
    name = "finish_job" if is_postgres else "_finish"
    settle = getattr(owner, name)

    def lose(engine: Any, job: Any, **more: Any) -> Any:
        is_ours = (getattr(job, "task_name", None) or job.name) == "write"
        if is_ours and not is_broken.is_set():
            is_broken.set()
            raise OperationalError("COMMIT", None, Exception())
        return settle(engine, job, **more)

    monkeypatch.setattr(owner, name, lose)
    yield is_broken


@pytest.mark.slow
def test_worker_process_that_gets_a_signal_leaves_nothing_behind(
    house: House, environ: dict[str, str]
) -> None:
    with subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", PROGRAM, "worker"],
        env={"PATH": os.environ["PATH"], **environ},
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(lambda: seen_at(house))
            process.terminate()
            _, said = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0
    assert "Traceback" not in said
    assert [job for job in jobs(house) if job.state is JobState.RUNNING] == []


def seen_at(house: House) -> object:
    with house.database.reading() as session:
        return queue.worker_seen_at(session)
