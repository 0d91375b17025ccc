"""What the house has to do: a worker is there, nothing waits too long, and nothing went wrong."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from app.db.queue import Job
from app.db.session import Database
from app.doctor.report import Check, Grade
from app.kinds import JobState
from app.services import backlog
from app.services.backlog import HouseBacklog

# A worker that is there takes what is due within seconds. She who signs up waits for her mail as
# long as this; after hours she has given up.
LATE: Final = timedelta(minutes=15)
FAR_TOO_LATE: Final = timedelta(hours=6)
_WORKER: Final = "Start `cadans worker` (`cadans serve` alone with SQLite)."
_JOBS: Final = "`cadans jobs` says what waits and why."


def look_at_work(database: Database, *, now: datetime, true_now: datetime) -> list[Check]:
    """Look whether a worker was seen lately, how old what waits is, and what went wrong.

    `now` is by the clock of the house, by which mails are due; `true_now`: workers are seen and
    jobs are due by the true clock.
    """
    with database.reading() as session:
        found = backlog.of_house(session, now=now)
    return [
        _worker(found.worker_seen_at, true_now),
        _age(
            "backlog_mails",
            f"Mails that are due: {found.mails.due}",
            found.mails.oldest_due_at,
            now,
        ),
        _jobs(found.jobs, true_now),
        *_troubles(found),
    ]


def _worker(seen_at: datetime | None, true_now: datetime) -> Check:
    if seen_at is not None and seen_at >= true_now - backlog.SILENCE:
        return Check(code="worker", grade=Grade.OK, message="A worker is at work.")
    # One that is stopped in order leaves nothing behind.
    last = "" if seen_at is None else f"; one was seen at {seen_at:%Y-%m-%d %H:%M} UTC"
    words = f"No worker is at work{last}."
    return Check(code="worker", grade=Grade.FAIL, message=words, remedy=_WORKER)


def _jobs(jobs: Iterable[Job], true_now: datetime) -> Check:
    waiting = [job.due_at or job.created_at for job in jobs if job.state is JobState.WAITING]
    due = [instant for instant in waiting if instant <= true_now]
    return _age("backlog_jobs", f"Jobs that are due: {len(due)}", min(due, default=None), true_now)


def _age(code: str, words: str, oldest: datetime | None, now: datetime) -> Check:
    if oldest is None:
        return Check(code=code, grade=Grade.OK, message=f"{words}.")
    late = now - oldest
    grade = Grade.OK if late < LATE else Grade.WARN if late < FAR_TOO_LATE else Grade.FAIL
    minutes = late // timedelta(minutes=1)
    words = f"{words}, the oldest for {minutes} minutes."
    remedy = f"Start another `cadans worker`, or find what holds it up: {_JOBS}"
    return Check(code=code, grade=grade, message=words, remedy=remedy)


def _troubles(found: HouseBacklog) -> Iterable[Check]:
    failed = [job for job in found.jobs if job.state is JobState.FAILED]
    wrong = {
        f"mails given up: {found.mails.failed}": found.mails.failed,
        f"jobs that failed: {len(failed)}": len(failed),
        f"tasks that go wrong: {len(found.troubles)}": len(found.troubles),
    }
    said = [words for words, count in wrong.items() if count]
    if said:
        words = f"Something went wrong lately ({'; '.join(said)})."
        remedy = f"{_JOBS} `cadans jobs retry` tries again."
        yield Check(code="troubles", grade=Grade.WARN, message=words, remedy=remedy)
