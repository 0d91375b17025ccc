"""Pauses: whole days in the listener's zone on which nothing comes, from today on.

Her feed says when she paused and when she went on; those dates are fixed here, once.
"""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models import Listener, PauseSpan, Subscription, Unlock
from app.errors import InvalidInput
from app.services import lives, outbox, unlocks
from feeds.limits import PUB_DATE_SMALL_STEP
from feeds.lives import local_day
from feeds.slots import first_instant, known_zone

# Who types 2206 for 2026 is told; whoever wants longer pauses without a day.
MAX_PAUSE: Final = timedelta(days=3653)


class UntilUnusable(InvalidInput):
    """The day until which to pause is no day to come, or over ten years away.

    `is_past` tells which of the two; `today` is the day that it is for her.
    """

    def __init__(self, until: date, today: date) -> None:
        self.is_past = until <= today
        self.today = today
        super().__init__({"until": "is no day to come" if self.is_past else "is too far away"})


def pause(
    session: Session, subscription_id: int, *, until: date | None, host: str, now: datetime
) -> PauseSpan:
    """Let nothing come from today until a day, the first on which lessons come again.

    `until` None: until she resumes. Who has paused already gets another day; asking for the same
    again changes nothing.

    Raises:
        SubscriptionNotFound: there is none by that id.
        SubscriptionEnded: it has ended.
        UntilUnusable: `until` is no day to come, or too far away.
    """
    check_until(until, today=today_of(session, subscription_id, now))
    with lives.change(session, subscription_id, host=host, now=now) as subscription:
        today = today_of(session, subscription.id, now)
        running = find_running(session, subscription.id, today)
        is_news = running is None or running.ends_on != until
        if running is None:
            running = PauseSpan(
                subscription_id=subscription.id,
                starts_on=today,
                pub_at=_date_of_news(session, subscription.id, now),
            )
            session.add(running)
        running.ends_on = until
        if is_news:
            _tell(session, "paused", subscription, host=host, now=now)
    return running


def resume(session: Session, subscription_id: int, *, host: str, now: datetime) -> PauseSpan | None:
    """Let lessons come again from today; answer the pause that ended. None: she had not paused.

    Raises:
        SubscriptionNotFound: there is none by that id.
        SubscriptionEnded: it has ended.
    """
    with lives.change(session, subscription_id, host=host, now=now) as subscription:
        today = today_of(session, subscription.id, now)
        running = find_running(session, subscription.id, today)
        if running is not None:
            running.ends_on = today
            running.resumed_pub_at = _date_of_news(session, subscription.id, now)
            _tell(session, "resumed", subscription, host=host, now=now)
    return running


def check_until(until: date | None, *, today: date) -> None:
    """Refuse a day that is no day to come, or too far away.

    Raises:
        UntilUnusable: it is.
    """
    if until is not None and not today < until <= today + MAX_PAUSE:
        raise UntilUnusable(until, today)


def today_of(session: Session, subscription_id: int, now: datetime) -> date:
    """Answer the day that it is in the zone of a subscription.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    return local_day(unlocks.get_plan(session, subscription_id).life, now)


def find_running(session: Session, subscription_id: int, day: date) -> PauseSpan | None:
    """Answer the pause that covers a day; None: it is not paused."""
    return session.scalars(
        select(PauseSpan)
        .where(
            PauseSpan.subscription_id == subscription_id,
            PauseSpan.starts_on <= day,
            PauseSpan.ends_on.is_(None) | (PauseSpan.ends_on > day),
        )
        .order_by(PauseSpan.starts_on, PauseSpan.id)
        .limit(1)
    ).first()


def keep_through_move(session: Session, subscription_id: int, *, zone: str, now: datetime) -> None:
    """Keep what her pauses are before she moves to another zone, where it may be another day.

    One that ended by itself did so on that morning; one that began today begins today there too,
    so that she can end it.
    """
    life = unlocks.get_plan(session, subscription_id).life
    today, today_there = local_day(life, now), local_day(replace(life, zone=zone), now)
    told = select(PauseSpan).where(
        PauseSpan.subscription_id == subscription_id, PauseSpan.pub_at.is_not(None)
    )
    for pause in session.scalars(told):
        if pause.ends_on is None or pause.ends_on > today:
            pause.starts_on = min(pause.starts_on, today_there)
        elif pause.resumed_pub_at is None:
            here = known_zone(life.zone, life.course_zone)
            pause.resumed_pub_at = first_instant(datetime.combine(pause.ends_on, time()), here)


def _date_of_news(session: Session, subscription_id: int, now: datetime) -> datetime:
    """Answer the date of an item that tells of now: after every lesson that she heard until now."""
    last = session.scalar(
        select(func.max(Unlock.pub_at)).where(
            Unlock.subscription_id == subscription_id, Unlock.pub_at <= now
        )
    )
    this_second = now.replace(microsecond=0)
    return this_second if last is None else max(this_second, last + PUB_DATE_SMALL_STEP)


def _tell(
    session: Session, template: str, subscription: Subscription, *, host: str, now: datetime
) -> None:
    """Put the news into the outbox; where she has stopped mail, its writer throws it away."""
    notice = outbox.Notice(
        name=f"{template}:{subscription.id}:{subscription.revision}",
        template=template,
        language=subscription.language,
        address=session.get_one(Listener, subscription.listener_id).email,
        subscription_id=subscription.id,
    )
    outbox.put(session, notice, host=host, now=now)
