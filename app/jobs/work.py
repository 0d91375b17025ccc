"""What a worker runs, on either engine, and what becomes of it when it goes wrong.

A `Task` comes round again and again; an `Errand` is deferred by somebody's transaction
(`app.db.queue.defer`). Both are run in small steps, so that a worker that is told to stop does so
between two of them. At least once: a step may come twice when a worker dies or loses the database.
"""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from app.clock import system_clock
from app.db.models import TaskTrouble
from app.house import House

log = structlog.get_logger()

# How long an errand waits after its first, second … failed attempt; after the last it has failed.
BACKOFF: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600, 3 * 3600))
MOST_ATTEMPTS: Final = len(BACKOFF) + 1
# How long a task rests after it went wrong once, twice … in a row; the last holds from there on.
RESTS: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 15, 60, 300, 900))
# What is said of a job whose worker was gone before it was done, too often.
WORKER_GONE: Final = "its worker stopped in the middle of it"
ROOT: Final = Path(__file__).parents[2]
OURS: Final = tuple(str(ROOT / room) for room in ("app", "feeds", "media"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Something to do again and again; `run` answers how much it did, 0 makes it rest.

    While it answers more it is run again at once, in one process at a time for each worker that is
    free to help. On PostgreSQL one worker of all is woken every `every`, on SQLite each process.
    """

    name: str
    every: timedelta
    run: Callable[[House], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something to do once, with the arguments it was deferred with.

    `run` answers how much it did: it is called again until that is 0, and then the errand is done.
    What it raises makes it wait (`BACKOFF`) and be tried again, until its attempts are used up.
    """

    name: str
    run: Callable[[House, Mapping[str, Any]], int]


Work = Task | Errand
IsStopping = Callable[[], bool]


def no_help() -> None:
    """Call nobody: there is one worker."""


def run_task(
    house: House,
    task: Task,
    *,
    is_stopping: IsStopping,
    call_help: Callable[[], object] = no_help,
) -> None:
    """Run a task until there is nothing left; raises nothing that the task raises.

    `call_help` is called once when there is more than one step's work.
    """
    is_alone = True
    try:
        trouble = _trouble(house, task.name)
        if trouble and _is_resting(trouble):
            return
        while not is_stopping() and _step(house, task.name, lambda: task.run(house)):
            if is_alone:
                call_help()
            is_alone = False
        if trouble:
            _is_mended(house, task.name)
    except Exception as error:  # noqa: BLE001 (a worker outlives whatever a task meets)
        _note_trouble(house, task.name, error)


def run_errand(
    house: House, errand: Errand, args: Mapping[str, Any], *, is_stopping: IsStopping
) -> bool:
    """Run an errand until it is done; False: told to stop before that."""
    while _step(house, errand.name, lambda: errand.run(house, args)):
        if is_stopping():
            return False
    return True


def _step(house: House, name: str, run: Callable[[], int]) -> int:
    """Run one step and answer how much it did. It is counted, and what it logs bears its name."""
    begun, outcome = time.perf_counter(), "failed"
    try:
        with structlog.contextvars.bound_contextvars(work=name):
            done = run()
        outcome = "worked" if done else "idle"
        return done
    finally:
        took = time.perf_counter() - begun
        house.figures.job_stepped(name, outcome, took)
        if outcome != "idle":
            house.traces.note(f"job {name}", took, {"outcome": outcome})


def reason_of(error: BaseException) -> str:
    """Say what went wrong and where, without its message: that may hold addresses or keys."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if frame.filename.startswith(OURS)]
    what = type(error).__name__
    if not ours:
        return what
    return f"{what} ({Path(ours[-1].filename).relative_to(ROOT)}, line {ours[-1].lineno})"


def _trouble(house: House, name: str) -> TaskTrouble | None:
    with house.database.reading() as session:
        return session.get(TaskTrouble, name)


def _is_resting(trouble: TaskTrouble) -> bool:
    """Whether its rest is not over; one of twice the longest is from before the clock's step."""
    now = system_clock()
    return now < trouble.rests_until <= now + 2 * RESTS[-1]


def _note_trouble(house: House, name: str, error: Exception) -> None:
    reason, now = reason_of(error)[:255], system_clock()
    log.error("task_failed", task=name, reason=reason, exc_info=error)
    try:
        with house.database.writing() as session:
            trouble = session.get(TaskTrouble, name) or TaskTrouble(
                name=name, failures=0, since_at=now
            )
            rest = RESTS[min(trouble.failures, len(RESTS) - 1)]
            trouble.failures += 1
            trouble.rests_until, trouble.reason = now + rest, reason
            session.add(trouble)
    except Exception as second:  # noqa: BLE001 (often the database itself is the trouble)
        log.error("trouble_not_noted", task=name, reason=reason_of(second))  # noqa: TRY400 (no messages in the log)


def _is_mended(house: House, name: str) -> None:
    with house.database.writing() as session:
        trouble = session.get(TaskTrouble, name)
        if trouble is not None:
            session.delete(trouble)
    log.info("task_mended", task=name)
