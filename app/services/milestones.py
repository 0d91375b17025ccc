"""Mail that no act of anybody causes: not in an app after two days, and everything heard.

Each is found by an index, told once, and dropped when it is over by the time it is sent.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import String, cast, exists, func, literal, select
from sqlalchemy.orm import Session

from app.db.models import (
    Course,
    Listener,
    OutboxMail,
    PauseSpan,
    Position,
    Subscription,
    Unlock,
)
from app.services import mail_times, outbox, unlocks
from feeds.rhythm import is_everything_unlocked

# Two days are time to find the evening for it; who was away for longer is not asked any more.
NUDGE_AFTER: Final = timedelta(days=2)
NUDGE_UNTIL: Final = timedelta(days=5)
# The last lesson first; then the word that it was the last.
COMPLETE_AFTER: Final = timedelta(days=1)
BATCH: Final = 500


def nudge(session: Session, *, host: str, now: datetime) -> int:
    """Ask who signed up two days ago and never used it whether she needs help; answer how many."""
    name = literal("nudge:") + cast(Subscription.id, String)
    rows = session.execute(
        select(Subscription, Listener.email, Course)
        .join(Listener, Listener.id == Subscription.listener_id)
        .join(Course, Course.id == Subscription.course_id)
        .where(
            Subscription.started_at <= now - NUDGE_AFTER,
            Subscription.started_at > now - NUDGE_UNTIL,
            Subscription.ended_at.is_(None),
            Subscription.mail_stopped_at.is_(None),
            Subscription.last_fetch_at.is_(None),
            ~exists().where(Position.subscription_id == Subscription.id),
            # Who went on a holiday first has said that she will come.
            ~exists().where(PauseSpan.subscription_id == Subscription.id),
            ~exists().where(OutboxMail.notice == name),
        )
        .order_by(Subscription.started_at, Subscription.id)
        .limit(BATCH)
    ).all()
    notices = [
        _notice("nudge", subscription, email, course, now) for subscription, email, course in rows
    ]
    return len(outbox.put_many(session, notices, host=host, now=now))


def complete(session: Session, *, after: int, host: str, now: datetime) -> int | None:
    """Tell who has every lesson of a finished course that it is complete: one batch.

    `after`: the subscription at which the batch before ended, 0 at first. Answers where this one
    ended; None: there are no more. A transaction a batch, so that nobody waits for them all.
    """
    rows = _perhaps_complete(session, after)
    if not rows:
        return None
    plans = unlocks.load_plans(session, rows)
    done = [
        plan.subscription for plan in plans if is_everything_unlocked(plan.life, plan.lessons, now)
    ]
    _tell_complete(session, done, host=host, now=now)
    return rows[-1].id


def _perhaps_complete(session: Session, after: int) -> Sequence[Subscription]:
    """Answer those for whom nothing has a date any more, not counting who paused without end."""
    finished = select(Course.id).where(Course.finished_at.is_not(None))
    return session.scalars(
        select(Subscription)
        .where(
            Subscription.course_id.in_(finished),
            Subscription.ended_at.is_(None),
            Subscription.next_unlock_at.is_(None),
            Subscription.completed_at.is_(None),
            Subscription.id > after,
            ~exists().where(
                PauseSpan.subscription_id == Subscription.id, PauseSpan.ends_on.is_(None)
            ),
        )
        .order_by(Subscription.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()


def _tell_complete(
    session: Session, done: Sequence[Subscription], *, host: str, now: datetime
) -> None:
    ids = [each.id for each in done]
    last = dict(
        session.execute(
            select(
                Unlock.subscription_id, func.max(Unlock.unlocked_at, type_=Unlock.unlocked_at.type)
            )
            .where(Unlock.subscription_id.in_(ids))
            .group_by(Unlock.subscription_id)
        ).all()
    )
    emails = dict(
        session.execute(
            select(Listener.id, Listener.email).where(
                Listener.id.in_([each.listener_id for each in done])
            )
        ).all()
    )
    notices = []
    for each in done:
        each.completed_at = now
        if each.mail_stopped_at is None:
            course = session.get_one(Course, each.course_id)
            at = max(now, last.get(each.id, now) + COMPLETE_AFTER)
            notices.append(_notice("complete", each, emails[each.listener_id], course, at))
    session.flush()
    outbox.put_many(session, notices, host=host, now=now)


def _notice(
    template: str, subscription: Subscription, email: str, course: Course, at: datetime
) -> outbox.Notice:
    return outbox.Notice(
        name=f"{template}:{subscription.id}",
        template=template,
        language=subscription.language,
        address=email,
        subscription_id=subscription.id,
        due_at=mail_times.human_instant(
            at, zone=subscription.zone, course_zone=course.zone, hour=course.mail_hour
        ),
    )
