"""The backlog: what waits, what runs, what failed and may be tried again.

For the operator the whole house's, without people; for the owner of a course its own, with whom.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from app.db import queue
from app.db.models import (
    Confirmation,
    Lesson,
    Listener,
    OutboxMail,
    Recording,
    Subscription,
    TaskTrouble,
)
from app.errors import JobNotFound, MailNotFound, RecordingNotFound
from app.kinds import RecordingState
from app.services import recordings

# What waits longer than this for a worker that nobody has seen needs somebody to start one.
SILENCE: Final = timedelta(minutes=5)
# How many mails of a kind a list names; how many there are it always says.
MOST_LINES: Final = 50
# What is kept of jobs that failed.
KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCounts:
    """Mails of the house: `due` of those that wait should be gone by now.

    `oldest_due_at`: since when the first of these; None: there is none.
    """

    waiting: int
    due: int
    oldest_due_at: datetime | None
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseBacklog:
    """Everything that is not done yet; `worker_seen_at` None: no worker ever was."""

    jobs: Sequence[queue.Job]
    troubles: Sequence[TaskTrouble]
    mails: MailCounts
    worker_seen_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLine:
    """One mail to somebody who listens, or signed up; `email` is for the owner's eyes alone."""

    id: int
    template: str
    email: str
    due_at: datetime
    attempts: int
    failed_at: datetime | None
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingLine:
    """A recording that waits for its analysis, with the lesson it is for."""

    recording: Recording
    lesson: Lesson


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseBacklog:
    """What is not done yet for one course; the lists are cut at `MOST_LINES`, the counts not."""

    waiting: Sequence[MailLine]
    waiting_count: int
    failed: Sequence[MailLine]
    failed_count: int
    recordings: Sequence[RecordingLine]
    jobs: Sequence[queue.Job]
    is_worker_missing: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return not (self.waiting or self.failed or self.recordings or self.jobs)


def of_house(session: Session, *, now: datetime) -> HouseBacklog:
    """Answer the backlog of the whole house."""
    is_due = _is_waiting() & (OutboxMail.due_at <= now)
    counts = select(
        func.count().filter(_is_waiting()),
        func.count().filter(is_due),
        func.min(OutboxMail.due_at).filter(is_due),
        func.count().filter(_has_failed()),
    ).where(or_(_is_waiting(), _has_failed()))
    waiting, due, oldest_due_at, failed = session.execute(counts).one()
    return HouseBacklog(
        jobs=queue.listed(session),
        troubles=session.scalars(select(TaskTrouble).order_by(TaskTrouble.name)).all(),
        mails=MailCounts(waiting=waiting, due=due, oldest_due_at=oldest_due_at, failed=failed),
        worker_seen_at=queue.worker_seen_at(session),
    )


def of_course(session: Session, course_id: int, *, true_now: datetime) -> CourseBacklog:
    """Answer the backlog of one course. `true_now`: workers are seen by the true clock."""
    seen_at = queue.worker_seen_at(session)
    return CourseBacklog(
        waiting=_mails(session, course_id, _is_waiting(), OutboxMail.due_at.asc()),
        waiting_count=_count(session, course_id, _is_waiting()),
        failed=_mails(session, course_id, _has_failed(), OutboxMail.failed_at.desc()),
        failed_count=_count(session, course_id, _has_failed()),
        recordings=_recordings(session, course_id),
        jobs=[job for job in queue.listed(session) if job.args.get("course_id") == course_id],
        is_worker_missing=seen_at is None or seen_at < true_now - SILENCE,
    )


def retry_mail(
    session: Session, mail_id: int, *, now: datetime, course_id: int | None = None
) -> None:
    """Let a mail that failed or waits be tried now, as if for the first time.

    `course_id`: only when it is about that course. What nobody wants any more stays as it is.

    Raises:
        MailNotFound: there is none by that id, it was sent, or it is being sent.
    """
    wanted = [OutboxMail.id == mail_id, or_(_is_waiting(), _has_failed())]
    if course_id is not None:
        wanted.append(OutboxMail.id.in_(_of_course(course_id).with_only_columns(OutboxMail.id)))
    is_free = or_(OutboxMail.leased_until.is_(None), OutboxMail.leased_until <= now)
    found: Any = session.execute(
        update(OutboxMail)
        .where(*wanted, is_free)
        .values(failed_at=None, due_at=now, paced_at=None, leased_until=None, attempts=0)
        .execution_options(synchronize_session=False)
    )
    if not found.rowcount:
        raise MailNotFound(mail_id)


def retry_all_mails(session: Session, course_id: int, *, now: datetime) -> int:
    """Let every mail of a course that failed be tried now; answer how many."""
    ids = _of_course(course_id).where(_has_failed()).with_only_columns(OutboxMail.id)
    found: Any = session.execute(
        update(OutboxMail)
        .where(OutboxMail.id.in_(ids))
        .values(failed_at=None, due_at=now, paced_at=None, leased_until=None, attempts=0)
        .execution_options(synchronize_session=False)
    )
    return int(found.rowcount)


def retry_recording(session: Session, recording_id: int, *, now: datetime, course_id: int) -> None:
    """Let a recording of a course that rests between two attempts be heard now.

    Raises:
        RecordingNotFound: none of that id waits there.
    """
    lines = _recordings(session, course_id)
    waiting = [
        line.recording
        for line in lines
        if line.recording.id == recording_id and line.recording.state is RecordingState.WAITING
    ]
    if not waiting:
        raise RecordingNotFound(recording_id)
    waiting[0].leased_until = now
    queue.defer(session, recordings.ANALYSIS, key=recordings.ANALYSIS)


def retry_job(session: Session, job_id: int, *, course_id: int) -> None:
    """Let a job about a course that failed, or waits for its next try, be tried now.

    Raises:
        JobNotFound: there is none by that id about this course.
    """
    known = {job.id for job in queue.listed(session) if job.args.get("course_id") == course_id}
    if job_id not in known:
        raise JobNotFound(job_id)
    queue.retry(session, job_id)


def retry_task(session: Session, name: str, *, true_now: datetime) -> None:
    """Let a periodic task that went wrong be run now, and not after its rest.

    Raises:
        JobNotFound: no task of that name went wrong.
    """
    trouble = session.get(TaskTrouble, name)
    if trouble is None:
        raise JobNotFound(name)
    trouble.rests_until = true_now
    queue.defer(session, name, key=name)


def _is_waiting() -> ColumnElement[bool]:
    return OutboxMail.sent_at.is_(None) & OutboxMail.failed_at.is_(None)


def _has_failed() -> ColumnElement[bool]:
    """Given up; what was not wanted any more has lost its address, and did not fail."""
    return OutboxMail.failed_at.is_not(None) & OutboxMail.address.is_not(None)


def _of_course(course_id: int) -> Select[OutboxMail, str | None]:
    """Mails about a course, with the address that the owner knows."""
    return (
        select(OutboxMail, func.coalesce(Listener.email, Confirmation.email))
        .outerjoin(Subscription, Subscription.id == OutboxMail.subscription_id)
        .outerjoin(Listener, Listener.id == Subscription.listener_id)
        .outerjoin(Confirmation, Confirmation.id == OutboxMail.confirmation_id)
        .where(or_(Subscription.course_id == course_id, Confirmation.course_id == course_id))
    )


def _count(session: Session, course_id: int, which: ColumnElement[bool]) -> int:
    rows = _of_course(course_id).where(which).with_only_columns(func.count())
    return session.scalars(rows).one()


def _mails(
    session: Session,
    course_id: int,
    which: ColumnElement[bool],
    order: ColumnElement[Any],
) -> list[MailLine]:
    rows = session.execute(
        _of_course(course_id).where(which).order_by(order, OutboxMail.id).limit(MOST_LINES)
    )
    return [
        MailLine(
            id=mail.id,
            template=mail.template,
            email=email or mail.address or "",
            due_at=mail.due_at,
            attempts=mail.attempts,
            failed_at=mail.failed_at,
            last_error=mail.last_error,
        )
        for mail, email in rows
    ]


def _recordings(session: Session, course_id: int) -> list[RecordingLine]:
    rows = session.execute(
        select(Recording, Lesson)
        .join(Lesson, Lesson.id == Recording.lesson_id)
        .where(
            Lesson.course_id == course_id,
            Recording.state.in_((RecordingState.WAITING, RecordingState.ANALYSING)),
        )
        .order_by(Recording.id)
    )
    return [RecordingLine(recording=recording, lesson=lesson) for recording, lesson in rows]
