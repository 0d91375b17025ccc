"""The engine on SQLite: threads of one process, and the table `jobs`.

Tasks come round by the process's own timer, so that an idle house writes nothing. Errands are rows,
claimed with a lease that is renewed while they run; those of a process that died are found again
when it is over.
"""

import secrets
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Select, and_, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.clock import system_clock
from app.db import queue
from app.db.models import QueuedJob
from app.house import House
from app.jobs.work import (
    BACKOFF,
    MOST_ATTEMPTS,
    WORKER_GONE,
    Errand,
    Task,
    Work,
    reason_of,
    run_errand,
    run_task,
)
from app.kinds import JobState

log = structlog.get_logger()

# How long a job is its process's alone; renewed three times as often.
LEASE: Final = timedelta(seconds=45)
# How often the table is looked at: the most that a deferred job waits for its start.
LOOK: Final = timedelta(seconds=1)
# How often it is written down that this process lives, for those who wonder why nothing happens.
SIGN_OF_LIFE: Final = timedelta(minutes=1)


class LocalEngine:
    """A thread for each name, and one that looks after the table."""

    def __init__(self, house: House, works: Sequence[Work]) -> None:
        self._house = house
        self._me = secrets.token_hex(16)
        self._stop = threading.Event()
        self._wakes = {work.name: threading.Event() for work in works}
        self._unknown: set[str] = set()
        # What runs here now; a row that could not be settled is not in it, and is found again.
        self._held: set[int] = set()
        self._lanes = [self._thread(self._repeat, work.name, work) for work in works]
        self._watch = self._thread(self._look_after_table, "watch")

    def start(self) -> None:
        """Start every thread."""
        for thread in (*self._lanes, self._watch):
            thread.start()

    def stop(self, timeout: timedelta | None) -> bool:
        """Let every job finish; the table is looked after until the last one did."""
        self._stop.set()
        for wake in self._wakes.values():
            wake.set()
        ends_at = None if timeout is None else time.monotonic() + timeout.total_seconds()
        for thread in self._lanes:
            thread.join(None if ends_at is None else max(0.0, ends_at - time.monotonic()))
        return not any(thread.is_alive() for thread in self._lanes)

    def _thread(self, target: object, name: str, *args: object) -> threading.Thread:
        return threading.Thread(target=target, args=args, name=f"cadans-{name}", daemon=True)  # type: ignore[arg-type]  # (any of ours)

    def _repeat(self, work: Work) -> None:
        """Run one name: its task by the timer, its rows whenever the watch saw one."""
        wake, next_at = self._wakes[work.name], time.monotonic()
        while not self._stop.is_set():
            wake.clear()
            self._carry_out_rows(work)
            if isinstance(work, Task) and time.monotonic() >= next_at:
                run_task(self._house, work, is_stopping=self._stop.is_set)
                next_at = time.monotonic() + work.every.total_seconds()
            wake.wait(max(0.0, next_at - time.monotonic()) if isinstance(work, Task) else None)

    def _carry_out_rows(self, work: Work) -> None:
        try:
            while not self._stop.is_set() and (job := self._claim(work.name)):
                self._carry_out(work, job)
        except SQLAlchemyError as error:
            log.error("jobs_not_read", name=work.name, reason=reason_of(error))  # noqa: TRY400 (no messages in the log)

    def _carry_out(self, work: Work, job: QueuedJob) -> None:
        self._held.add(job.id)
        try:
            self._run_and_settle(work, job)
        finally:
            self._held.discard(job.id)

    def _run_and_settle(self, work: Work, job: QueuedJob) -> None:
        if isinstance(work, Task):
            run_task(self._house, work, is_stopping=self._stop.is_set)
            self._finish(job)
            return
        try:
            self._run(work, job)
        except Exception as error:  # noqa: BLE001 (one bad job must not hold up the rest)
            self._put_off(job, error)

    def _run(self, errand: Errand, job: QueuedJob) -> None:
        if run_errand(self._house, errand, job.args, is_stopping=self._stop.is_set):
            self._finish(job)
        else:
            self._settle(job, state=JobState.WAITING, attempts=job.attempts - 1, key=None)

    def _claim(self, name: str) -> QueuedJob | None:
        """Take the job of that name that waits longest, or one whose worker is gone."""
        with self._house.database.reading() as session:
            if session.scalar(_free_of(name, system_clock())) is None:
                return None
        with self._house.database.writing() as session:
            now = system_clock()
            job = session.scalar(_free_of(name, now))
            if job is None:
                return None
            job.state, job.worker = JobState.RUNNING, self._me
            job.leased_until = now + LEASE
            job.attempts += 1
        if job.attempts <= MOST_ATTEMPTS:
            return job
        self._settle(job, state=JobState.FAILED, reason=WORKER_GONE, key=None)
        return None

    def _finish(self, job: QueuedJob) -> None:
        with self._house.database.writing() as session:
            held = session.scalar(select(QueuedJob).where(*self._ours(job)))
            if held is not None:
                session.delete(held)

    def _put_off(self, job: QueuedJob, error: Exception) -> None:
        reason = reason_of(error)
        if job.attempts < MOST_ATTEMPTS:
            due_at = system_clock() + BACKOFF[job.attempts - 1]
            self._settle(job, state=JobState.WAITING, due_at=due_at, reason=reason, key=None)
            log.warning("job_put_off", job=job.id, name=job.name, reason=reason, exc_info=error)
        else:
            self._settle(job, state=JobState.FAILED, reason=reason, key=None)
            log.error("job_failed", job=job.id, name=job.name, reason=reason, exc_info=error)

    def _settle(self, job: QueuedJob, **values: object) -> None:
        with self._house.database.writing() as session:
            session.execute(
                update(QueuedJob)
                .where(*self._ours(job))
                .values(worker=None, leased_until=None, **values)
            )

    def _ours(self, job: QueuedJob) -> tuple[ColumnElement[bool], ...]:
        return (QueuedJob.id == job.id, QueuedJob.worker == self._me)

    def _look_after_table(self) -> None:
        renew_at = seen_at = 0.0
        while any(thread.is_alive() for thread in self._lanes):
            try:
                self._wake_lanes()
                if time.monotonic() >= renew_at:
                    self._renew_leases()
                    renew_at = time.monotonic() + LEASE.total_seconds() / 3
                if time.monotonic() >= seen_at:
                    self._say_alive()
                    seen_at = time.monotonic() + SIGN_OF_LIFE.total_seconds()
            except SQLAlchemyError as error:
                log.error("jobs_not_read", reason=reason_of(error))  # noqa: TRY400 (no messages in the log)
            time.sleep(LOOK.total_seconds())

    def _say_alive(self) -> None:
        with self._house.database.writing() as session:
            queue.note_worker(session)

    def _wake_lanes(self) -> None:
        with self._house.database.reading() as session:
            names = set(
                session.scalars(select(QueuedJob.name).where(_is_free(system_clock())).distinct())
            )
        for name in names & self._wakes.keys():
            self._wakes[name].set()
        for name in names - self._wakes.keys() - self._unknown:
            self._unknown.add(name)
            log.warning("unknown_job_waits", name=name)

    def _renew_leases(self) -> None:
        held = list(self._held)
        if not held:
            return
        with self._house.database.writing() as session:
            session.execute(
                update(QueuedJob)
                .where(QueuedJob.id.in_(held), QueuedJob.worker == self._me)
                .values(leased_until=system_clock() + LEASE)
            )


def _free_of(name: str, now: datetime) -> Select[QueuedJob]:
    free = select(QueuedJob).where(QueuedJob.name == name, _is_free(now))
    return free.order_by(QueuedJob.id).limit(1)


def _is_free(now: datetime) -> ColumnElement[bool]:
    """Waiting and due, or held by a process that stopped renewing.

    No lease and no backoff reaches further ahead than its length, and twice that surely not: one
    that does was made before the clock was stepped back, and counts no more.
    """
    is_due = or_(
        QueuedJob.due_at.is_(None),
        QueuedJob.due_at <= now,
        and_(QueuedJob.attempts > 0, QueuedJob.due_at > now + 2 * BACKOFF[-1]),
    )
    is_left = or_(QueuedJob.leased_until <= now, QueuedJob.leased_until > now + 2 * LEASE)
    return or_(
        and_(QueuedJob.state == JobState.WAITING, is_due),
        and_(QueuedJob.state == JobState.RUNNING, is_left),
    )
