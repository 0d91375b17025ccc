"""What of a house stands in its tables and is worth watching: the same whichever host is asked.

Every question is answered by an index or from a small table: it is asked four times a minute.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.db import queue
from app.db.models import OutboxMail, Recording, Subscription, TaskTrouble, Unlock, Upload
from app.db.models.house import FAILED, WAITING
from app.figures import Reading
from app.kinds import JobState, RecordingState, UploadState

# A database that is busy with other things is not waited for (PostgreSQL, section 20.11).
_PATIENCE = text("SET LOCAL statement_timeout = 2000")


def readings(session: Session, *, now: datetime, true_now: datetime) -> Iterator[Reading]:
    """Answer every figure that stands in the tables. `true_now`: workers live by the true clock."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_PATIENCE)
    yield from _mails(session, now)
    yield from _unlocks(session, now)
    yield from _jobs(session, true_now)
    yield _by_state(session, Upload, UploadState, "uploads", "Uploads by how they stand")
    yield _by_state(
        session, Recording, RecordingState, "recordings", "Recordings by how far their judging is"
    )


def _mails(session: Session, now: datetime) -> Iterator[Reading]:
    waiting = session.scalar(select(func.count()).select_from(OutboxMail).where(WAITING))
    is_due = select(func.count(), func.min(OutboxMail.due_at)).where(
        WAITING, OutboxMail.due_at <= now
    )
    due, oldest = session.execute(is_due).one()
    # What was not wanted any more has lost its address, and did not fail.
    failed = session.scalar(
        select(func.count()).select_from(OutboxMail).where(FAILED, OutboxMail.address.is_not(None))
    )
    yield Reading(
        name="mails_by_state",
        about="Mails that wait (for their hour, or another try), are due, or were given up",
        labels=("state",),
        values={("waiting",): float((waiting or 0) - due), ("due",): due, ("failed",): failed or 0},
    )
    yield Reading(
        name="mail_oldest_due_seconds",
        about="How long the mail that is due longest is waiting already",
        values={(): _age(oldest, now)},
    )


def _unlocks(session: Session, now: datetime) -> Iterator[Reading]:
    # Counting them takes long where there are millions; the highest number is one look.
    yield Reading(
        name="unlocks",
        about="Unlocks written down, by the highest number that was given",
        values={(): session.scalar(select(func.max(Unlock.id))) or 0},
        is_counter=True,
    )
    next_at = select(func.min(Subscription.next_unlock_at)).where(
        Subscription.next_unlock_at.is_not(None)
    )
    yield Reading(
        name="unlock_overdue_seconds",
        about="How long the unlock that is due longest waits to be written down",
        values={(): _age(session.scalar(next_at), now)},
    )


def _jobs(session: Session, true_now: datetime) -> Iterator[Reading]:
    yield Reading(
        name="jobs",
        about="Jobs that wait, run, or failed for good",
        labels=("name", "state"),
        values={
            **{("any", state.value): 0.0 for state in JobState},
            **{(name, state): count for name, state, count in queue.counted(session)},
        },
    )
    troubles = session.scalars(select(TaskTrouble).order_by(TaskTrouble.name))
    yield Reading(
        name="task_failures",
        about="How often in a row a task that comes round went wrong, of those that do",
        labels=("name",),
        values={(each.name,): float(each.failures) for each in troubles},
    )
    seen = queue.worker_seen_at(session)
    yield Reading(
        name="worker_silent_seconds",
        about="How long ago a worker was seen; without a value: none is at work",
        values={(): _age(seen, true_now)} if seen else {},
    )


def _by_state(
    session: Session,
    table: type[Upload] | type[Recording],
    states: type[UploadState] | type[RecordingState],
    name: str,
    about: str,
) -> Reading:
    counts = session.execute(select(table.state, func.count()).group_by(table.state))
    found: Mapping[str, int] = {state.value: count for state, count in counts}
    return Reading(
        name=name,
        about=about,
        labels=("state",),
        values={(state.value,): found.get(state.value, 0) for state in states},
    )


def _age(instant: datetime | None, now: datetime) -> float:
    return max(0.0, (now - instant).total_seconds()) if instant else 0.0
