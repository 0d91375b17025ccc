"""When news may come: at hours at which people are awake, and not twice at once.

Whatever somebody waits for (a confirm link, a sign-in link, what she just did herself) goes at any
hour. News waits for the course's hour on the listener's own clock, also when a mail server or the
house was down for a day and comes back at three in the morning.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Final

from sqlalchemy import and_, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.db.models import Course, OutboxMail, Subscription, Unlock
from feeds.slots import first_instant, known_zone

NEWS: Final = frozenset({"lesson_unlocked", "nudge", "complete", "leak"})
# From here on until the course's hour nothing comes.
EVENING_HOUR: Final = 21
# These can wait until another mail about the same course is an hour old.
ALONE: Final = frozenset({"nudge", "complete"})
APART: Final = timedelta(hours=1)
# The one kind of news of which several can wait: they become one mail.
LESSONS: Final = "lesson_unlocked"


def human_instant(at: datetime, *, zone: str, course_zone: str, hour: int | None) -> datetime:
    """Answer the first instant from `at` on at which news may come.

    `hour`: that of the course (0 to 20), on the clock of `zone`; None: any.
    """
    if hour is None:
        return at
    clock = known_zone(zone, course_zone)
    local = at.astimezone(clock)
    if hour <= local.hour < EVENING_HOUR:
        return at
    day = local.date() + timedelta(days=int(local.hour >= EVENING_HOUR))
    return max(at, first_instant(datetime.combine(day, time(hour)), clock))


def held_until(session: Session, mail: OutboxMail, now: datetime) -> datetime:
    """Answer from when on a mail may go that is due; `now`: at once."""
    if mail.template not in NEWS or mail.subscription_id is None:
        return now
    found = session.execute(
        select(Subscription.zone, Course.zone, Course.mail_hour)
        .join(Course, Course.id == Subscription.course_id)
        .where(Subscription.id == mail.subscription_id)
    ).one_or_none()
    if found is None:
        return now
    zone, course_zone, hour = found
    at = now + APART if mail.template in ALONE and _has_company(session, mail, now) else now
    return human_instant(at, zone=zone, course_zone=course_zone, hour=hour)


def _has_company(session: Session, mail: OutboxMail, now: datetime) -> bool:
    """Tell whether another mail about this course has just gone, or lessons go now."""
    is_going = and_(
        OutboxMail.template == LESSONS,
        OutboxMail.sent_at.is_(None),
        OutboxMail.failed_at.is_(None),
        OutboxMail.due_at <= now,
    )
    other = exists().where(
        OutboxMail.subscription_id == mail.subscription_id,
        OutboxMail.id != mail.id,
        or_(OutboxMail.sent_at > now - APART, is_going),
    )
    return bool(session.scalar(select(other)))


def gather_news(session: Session, mail: OutboxMail) -> None:
    """Let a mail about lessons speak for all that wait beside it; their rows go.

    Not for one that a worker may be sending: what was sent under one Message-ID is never said again
    under another. Nor does one speak for others that was claimed before: when it was sent then, a
    mailbox that knows its Message-ID throws it away, and with it all that it would say now.
    """
    if mail.template != LESSONS or mail.leased_until is not None:
        return
    others = session.scalars(
        select(OutboxMail)
        .where(
            OutboxMail.subscription_id == mail.subscription_id,
            OutboxMail.template == LESSONS,
            OutboxMail.id != mail.id,
            OutboxMail.sent_at.is_(None),
            OutboxMail.failed_at.is_(None),
            OutboxMail.leased_until.is_(None),
        )
        .order_by(OutboxMail.id)
        .with_for_update(skip_locked=True)
    ).all()
    if others:
        _take_over(session, mail, others)


def _take_over(session: Session, mail: OutboxMail, others: Sequence[OutboxMail]) -> None:
    ids = [other.id for other in others]
    lessons = [str(each.ids.get("lessons", "")) for each in (mail, *others)]
    mail.ids = {**mail.ids, "lessons": ",".join(each for each in lessons if each)}
    session.execute(update(Unlock).where(Unlock.notice_id.in_(ids)).values(notice_id=mail.id))
    session.execute(delete(OutboxMail).where(OutboxMail.id.in_(ids)))
