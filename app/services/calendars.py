"""When lessons came and come, as a calendar: by a link of its own, which she can take back."""

from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final
from uuid import uuid5

from sqlalchemy.orm import Session

from app.db.models import Subscription
from app.errors import LinkOrphaned
from app.services import progress, subscriptions, unlocks
from app.services.links import Links, OpenedLink, Purpose
from app.services.progress import LessonStep
from feeds.calendar import Event, render_calendar

# Where the length of a lesson is not known yet.
SOME_LENGTH: Final = timedelta(minutes=15)


def sign(links: Links, subscription: Subscription) -> str:
    """Answer the token of a calendar's link: the same each time, until she takes it back."""
    return links.sign(
        Purpose.CALENDAR,
        subscription.id,
        now=subscription.started_at,
        epoch=subscription.calendar_epoch,
    )


def get(session: Session, opened: OpenedLink) -> Subscription:
    """Answer the subscription whose calendar a link opens.

    Raises:
        SubscriptionNotFound: she was erased.
        LinkOrphaned: she took the link back, or it was for somebody who was erased.
    """
    subscription = subscriptions.get(session, opened.row_id)
    opened.check_made_after(subscription.started_at)
    if opened.epoch != subscription.calendar_epoch:
        raise LinkOrphaned(opened.row_id)
    return subscription


def take_back(session: Session, subscription_id: int) -> None:
    """Let no link of before open the calendar of a subscription any more."""
    subscription = session.get_one(Subscription, subscription_id, with_for_update=True)
    subscription.calendar_epoch += 1
    session.flush()


def render(session: Session, subscription: Subscription, *, now: datetime) -> bytes:
    """Answer the calendar: titles and dates of lessons that came and that come, nothing else."""
    plan = unlocks.get_plan(session, subscription.id)
    shown = progress.of_plan(session, plan, now=now)
    changed_at = max(plan.course.revised_at, subscription.revised_at)
    events = [
        _event(subscription, step, starts_at, changed_at)
        for step in shown.steps
        if (starts_at := step.unlocked_at or step.unlocks_at) is not None
    ]
    events.sort(key=lambda event: (event.starts_at, event.uid))
    return render_calendar(plan.course.title, events)


def etag_of(calendar: bytes) -> str:
    """Answer the strong ETag of a calendar."""
    return f'"{blake2b(calendar, digest_size=12).hexdigest()}"'


def _event(
    subscription: Subscription, step: LessonStep, starts_at: datetime, changed_at: datetime
) -> Event:
    milliseconds = step.recording.duration_ms if step.recording else None
    return Event(
        uid=str(uuid5(subscription.public_id, str(step.lesson.guid))),
        title=step.lesson.title,
        starts_at=starts_at,
        lasts=timedelta(milliseconds=milliseconds) if milliseconds else SOME_LENGTH,
        changed_at=changed_at,
    )
