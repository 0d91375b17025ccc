"""Which subscriptions the worker must look at: found by index, however many there are.

Two kinds: something fell due (`next_unlock_at` has come), or the plan of the course moved on since
`next_unlock_at` was computed. No question here reads more rows than it answers for; a test asks
both databases how they would go about it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from app.db.models import Course, Subscription


def claim_due(session: Session, *, now: datetime, limit: int) -> Sequence[Subscription]:
    """Lock up to `limit` subscriptions for which something fell due, the oldest first.

    Passes over what another worker holds.
    """
    return _claim(session, due(now), limit)


def claim_stale(session: Session, *, limit: int) -> Sequence[Subscription]:
    """Lock up to `limit` living subscriptions, of one course, that know an earlier plan.

    Passes over what another worker holds.
    """
    for course_id, plan_revision in session.execute(courses_with_stale()):
        if claimed := _claim(session, stale(course_id, plan_revision), limit):
            return claimed
    return []


def claim_in_course(
    session: Session, course: Course, *, now: datetime, limit: int
) -> Sequence[Subscription]:
    """Lock up to `limit` subscriptions of one course that are due or know an earlier plan.

    Passes over what another worker holds, so whoever holds the course's row never waits for one
    who waits for that; `count_in_course` tells whether anything was passed over.
    """
    claimed = _claim(session, due(now, course.id), limit)
    return claimed or _claim(session, stale(course.id, course.plan_revision), limit)


def count_in_course(
    session: Session, course: Course, *, now: datetime, limit: int | None = None
) -> int:
    """Count the subscriptions of one course that are due or know an earlier plan, up to `limit`."""
    fallen = _count(session, _due_in(course.id, now), limit)
    if limit is not None and fallen >= limit:
        return limit
    # Not those again that are due.
    other = or_(Subscription.next_unlock_at.is_(None), Subscription.next_unlock_at > now)
    clauses = [*_stale_in(course.id, course.plan_revision), other]
    return fallen + _count(session, clauses, None if limit is None else limit - fallen)


def due(now: datetime, course_id: int | None = None) -> Select[Subscription]:
    """Ask for the subscriptions for which something fell due."""
    clauses = [Subscription.next_unlock_at <= now] if course_id is None else _due_in(course_id, now)
    return (
        select(Subscription).where(*clauses).order_by(Subscription.next_unlock_at, Subscription.id)
    )


def stale(course_id: int, plan_revision: int) -> Select[Subscription]:
    """Ask for the living subscriptions of a course that know an earlier plan than this one."""
    return (
        select(Subscription)
        .where(*_stale_in(course_id, plan_revision))
        .order_by(Subscription.next_unlock_plan, Subscription.id)
    )


def courses_with_stale() -> Select[int, int]:
    """Ask for the courses with a subscription that knows an earlier plan: one look-up for each."""
    oldest = (
        select(Subscription.next_unlock_plan)
        .where(Subscription.course_id == Course.id, Subscription.ended_at.is_(None))
        .order_by(Subscription.course_id, Subscription.next_unlock_plan, Subscription.id)
        .limit(1)
        .correlate(Course)
        .scalar_subquery()
    )
    return select(Course.id, Course.plan_revision).where(oldest < Course.plan_revision)


def _count(session: Session, clauses: list[ColumnElement[bool]], limit: int | None) -> int:
    found = select(Subscription.id).where(*clauses).limit(limit).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def _due_in(course_id: int, now: datetime) -> list[ColumnElement[bool]]:
    return [Subscription.course_id == course_id, Subscription.next_unlock_at <= now]


def _stale_in(course_id: int, plan_revision: int) -> list[ColumnElement[bool]]:
    return [
        Subscription.course_id == course_id,
        Subscription.ended_at.is_(None),
        Subscription.next_unlock_plan < plan_revision,
    ]


def _claim(session: Session, wanted: Select[Subscription], limit: int) -> Sequence[Subscription]:
    return session.scalars(
        wanted.limit(limit)
        .with_for_update(of=Subscription, skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
