"""Subscriptions as their listener handles them: found, left, their mails stopped."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.db.models import Course, Listener, Subscription
from app.errors import SubscriptionNotFound
from app.kinds import EndReason
from app.services import outbox, unlocking
from app.words import HOUSE_ZONE


def get(session: Session, subscription_id: int) -> Subscription:
    """Answer a subscription.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    subscription = session.get(Subscription, subscription_id)
    if subscription is None:
        raise SubscriptionNotFound(subscription_id)
    return subscription


def get_latest(session: Session, subscription_id: int) -> Subscription:
    """Answer a subscription, or where it went on when she began the course again.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    subscription = get(session, subscription_id)
    while subscription.successor_id is not None:
        subscription = get(session, subscription.successor_id)
    return subscription


def get_of_listener(
    session: Session, listener_id: int, public_id: uuid.UUID, *, only: int | None = None
) -> Subscription:
    """Answer a subscription of this listener; `only`: the one that she came for, and no other.

    Raises:
        SubscriptionNotFound: there is none by that id, or it is somebody else's.
    """
    found = session.scalar(
        select(Subscription).where(Subscription.public_id == public_id, *_within(listener_id, only))
    )
    if found is None:
        raise SubscriptionNotFound(public_id)
    return found


def of_listener(
    session: Session, listener_id: int, *, only: int | None = None
) -> Sequence[Subscription]:
    """Answer the subscriptions of a listener, the living first, the newest first among them."""
    return session.scalars(
        select(Subscription)
        .where(*_within(listener_id, only))
        .order_by(
            Subscription.ended_at.is_not(None),
            Subscription.started_at.desc(),
            Subscription.id.desc(),
        )
    ).all()


def exists(session: Session, subscription_id: int) -> bool:
    """Tell whether there is a subscription by that id."""
    return session.get(Subscription, subscription_id) is not None


def zone_of(session: Session, listener_id: int) -> str:
    """Answer the zone of a listener: that of her newest living subscription, else of the house."""
    own = of_listener(session, listener_id)
    return own[0].zone if own else HOUSE_ZONE


def find_listener(session: Session, listener_id: int) -> Listener | None:
    """Answer a listener; None: she was erased."""
    return session.get(Listener, listener_id)


def course_of(session: Session, subscription: Subscription) -> Course:
    """Answer the course that a subscription is about."""
    return session.get_one(Course, subscription.course_id)


def leave(session: Session, subscription_id: int, *, host: str, now: datetime) -> None:
    """End a subscription: what was unlocked stays hers, nothing new comes. Twice is fine."""
    # What is due is written down first, so that nothing she could hear a moment ago is gone.
    unlocking.record_subscription(session, subscription_id, now=now, host=host)
    subscription = get(session, subscription_id)
    if subscription.ended_at is not None:
        return
    subscription.ended_at = now
    subscription.end_reason = EndReason.LEFT
    subscription.next_unlock_at = None
    subscription.revision += 1
    subscription.revised_at = now
    notice = outbox.Notice(
        name=f"left:{subscription.id}",
        template="left",
        language=subscription.language,
        address=session.get_one(Listener, subscription.listener_id).email,
        subscription_id=subscription.id,
    )
    outbox.put(session, notice, host=host, now=now)
    session.flush()


def stop_mail(session: Session, subscription_id: int, *, now: datetime) -> Subscription:
    """Stop the mails about one course; the feed goes on. Stopping twice is fine.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    subscription = session.get(Subscription, subscription_id, with_for_update=True)
    if subscription is None:
        raise SubscriptionNotFound(subscription_id)
    if subscription.mail_stopped_at is None:
        subscription.mail_stopped_at = now
        session.flush()
    return subscription


def _within(listener_id: int, only: int | None) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = [Subscription.listener_id == listener_id]
    if only is not None:
        clauses.append(Subscription.id == only)
    return clauses
