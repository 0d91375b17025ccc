"""The enqueueing side of jobs: work that a transaction leaves for a worker, seen and tried again.

Two engines carry it out (`app.jobs`): procrastinate on PostgreSQL, our own table on SQLite. What
is deferred here comes with the caller's transaction or not at all, runs at least once, and
survives every kill: so what a name runs (`app/jobs/tasks.py`) must bear running twice. Rows stay
the truth; a job only says that there is something to do about one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.clock import system_clock
from app.db.models import Mark, QueuedJob
from app.errors import JobNotFound
from app.kinds import JobState

AT_ONCE: Final = timedelta(0)
WORKER_MARK: Final = "worker seen"
# What the engine on PostgreSQL does for itself; of no interest to anybody.
TAKE_OVER: Final = "take_over"
# procrastinate's own words for how a job stands; what is done is deleted.
STATES: Final = {"todo": JobState.WAITING, "doing": JobState.RUNNING}
# psycopg's code for a unique constraint (PostgreSQL, appendix A).
UNIQUE_VIOLATION: Final = "23505"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work, on either engine. `due_at` None: at once; `reason` None: never failed."""

    id: int
    name: str
    state: JobState
    attempts: int
    created_at: datetime
    due_at: datetime | None = None
    reason: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)


def defer(
    session: Session,
    name: str,
    args: Mapping[str, Any] | None = None,
    *,
    wait: timedelta = AT_ONCE,
    key: str | None = None,
) -> int | None:
    """Leave work for a worker, with this transaction: an errand of app/jobs/tasks.py by its name.

    An example, for one course at a time::

        queue.defer(session, "archive", {"course_id": course.id}, key=f"archive:{course.id}")

    `args` is plain JSON: ids, never addresses or secrets; an owner sees jobs with her `course_id`.
    `wait` counts from now, by the database's clock. `key`: while another job of that key waits
    there is no second one, and the answer is None; one that runs, or was tried in vain, does not
    count. Two transactions that defer the same key at once wait for each other, so let it name one
    thing, and the transaction be short.
    Naming a periodic task (key: its name) runs it at once.
    """
    if _is_postgres(session):
        return _defer_to_procrastinate(session, name, dict(args or {}), wait, key)
    now = system_clock()
    row = {
        "name": name,
        "args": dict(args or {}),
        "key": key,
        "state": JobState.WAITING,
        "created_at": now,
        "due_at": now + wait if wait else None,
        "attempts": 0,
    }
    added = insert(QueuedJob).values(row).on_conflict_do_nothing().returning(QueuedJob.id)
    return session.scalar(added)


def listed(session: Session, *, limit: int = 500) -> list[Job]:
    """Answer what runs, what failed and what waits, in this order, the oldest first."""
    if _is_postgres(session):
        return [
            _job_of(row) for row in session.execute(_LISTED, {"limit": limit, "own": TAKE_OVER})
        ]
    order = {JobState.RUNNING: 0, JobState.FAILED: 1, JobState.WAITING: 2}
    rows = session.scalars(select(QueuedJob).order_by(QueuedJob.id).limit(limit)).all()
    return [_job(row) for row in sorted(rows, key=lambda row: (order[row.state], row.id))]


def counted(session: Session) -> list[tuple[str, str, int]]:
    """Answer how many jobs of each name stand how: (name, state, count)."""
    if _is_postgres(session):
        rows = session.execute(_COUNTED, {"own": TAKE_OVER}).all()
        found = [(name, STATES.get(status, JobState.FAILED), count) for name, status, count in rows]
    else:
        groups = select(QueuedJob.name, QueuedJob.state, func.count())
        found = [
            (name, state, count)
            for name, state, count in session.execute(
                groups.group_by(QueuedJob.name, QueuedJob.state)
            )
        ]
    return [(name, state.value, count) for name, state, count in found]


def retry(session: Session, job_id: int) -> None:
    """Let a job that failed, or waits for its next try, be tried now, as if for the first time.

    Raises:
        JobNotFound: no such job waits or failed: it runs, or is done.
    """
    if _is_postgres(session):
        found: Any = session.execute(_RETRY, {"id": job_id})
    else:
        found = session.execute(
            update(QueuedJob)
            .where(QueuedJob.id == job_id, QueuedJob.state != JobState.RUNNING)
            .values(state=JobState.WAITING, due_at=None, attempts=0, key=None)
        )
    if not found.rowcount:
        raise JobNotFound(job_id)


def forget_failed(session: Session, *, older_than: timedelta) -> int:
    """Throw away what failed and was created so long ago; answer how many."""
    before = system_clock() - older_than
    if _is_postgres(session):
        found: Any = session.execute(_FORGET, {"before": before})
    else:
        found = session.execute(
            delete(QueuedJob).where(
                QueuedJob.state == JobState.FAILED, QueuedJob.created_at < before
            )
        )
    return int(found.rowcount)


def worker_seen_at(session: Session) -> datetime | None:
    """Answer when a worker was last seen alive, by the true clock.

    None: never, or all that were seen were stopped in order.
    """
    if _is_postgres(session):
        seen = text("SELECT max(last_heartbeat) FROM procrastinate_workers")
        beat: datetime | None = session.scalar(seen)
        return beat
    mark = session.get(Mark, WORKER_MARK)
    return datetime.fromisoformat(mark.value) if mark else None


def note_worker(session: Session) -> None:
    """Remember that a worker lives; for the engine on SQLite, which has no heartbeat of its own."""
    session.merge(Mark(name=WORKER_MARK, value=system_clock().isoformat()))


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


# The function is what procrastinate offers to SQL; it keeps its number while it keeps its form.
_DEFER = text(
    "SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW("
    "CAST(:name AS varchar), CAST(:name AS varchar), 0, NULL, CAST(:key AS text),"
    " CAST(:args AS jsonb),"
    " CASE WHEN :seconds > 0 THEN now() + :seconds * interval '1 second' END"
    ")::procrastinate_job_to_defer_v1]))[1]"
)
_LISTED = text(
    "SELECT id, task_name, status::text AS status, attempts, args, scheduled_at,"
    " (SELECT min(at) FROM procrastinate_events WHERE job_id = procrastinate_jobs.id) AS created_at"
    " FROM procrastinate_jobs WHERE status <> 'succeeded' AND task_name <> :own"
    " ORDER BY CASE status WHEN 'doing' THEN 0 WHEN 'todo' THEN 2 ELSE 1 END, id LIMIT :limit"
)
# What failed, was cancelled or aborted is one to us: a sum for all of them.
_COUNTED = text(
    "SELECT task_name, CASE WHEN status IN ('todo', 'doing') THEN status::text ELSE 'failed' END,"
    " count(*) FROM procrastinate_jobs WHERE status <> 'succeeded' AND task_name <> :own"
    " GROUP BY 1, 2"
)
_RETRY = text(
    "UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = NULL, attempts = 0,"
    " queueing_lock = NULL, abort_requested = false"
    " WHERE id = :id AND status NOT IN ('doing', 'succeeded')"
)
_FORGET = text(
    "DELETE FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing') AND NOT EXISTS"
    " (SELECT 1 FROM procrastinate_events WHERE job_id = procrastinate_jobs.id AND at >= :before)"
)


def _defer_to_procrastinate(
    session: Session, name: str, args: dict[str, Any], wait: timedelta, key: str | None
) -> int | None:
    """Defer over the session's own connection, into a queue of the name's own.

    A worker that does not know the name never listens there: the job waits for one that does.
    """
    values = {
        "name": name,
        "key": key,
        "args": json.dumps({"args": args}),
        "seconds": wait.total_seconds(),
    }
    try:
        with session.begin_nested():
            job_id: int = session.execute(_DEFER, values).scalar_one()
    except IntegrityError as error:
        if key is None or getattr(error.orig, "sqlstate", None) != UNIQUE_VIOLATION:
            raise
        return None
    return job_id


def _job_of(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        name=row.task_name,
        state=STATES.get(row.status, JobState.FAILED),
        attempts=row.attempts,
        created_at=row.created_at,
        due_at=row.scheduled_at,
        reason=row.args.get("reason"),
        args=row.args.get("args", {}),
    )


def _job(row: QueuedJob) -> Job:
    return Job(
        id=row.id,
        name=row.name,
        state=row.state,
        attempts=row.attempts,
        created_at=row.created_at,
        due_at=row.due_at,
        reason=row.reason,
        args=row.args,
    )
