"""Who listens to a course, for its owner: a list to read and to search, and one listener."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from app.db.models import EmailChange, Listener, SoftBounce, Subscription, Suppression, Unlock
from app.errors import SubscriptionNotFound
from app.kinds import EndReason, SuppressionReason
from app.services import email_moves, openings, soft_bounces, suppressions
from app.services.email_moves import Move
from app.services.letter_parts import progress_of
from app.services.progress import Progress

MOST_LINES: Final = 50
MAX_SEARCH_CHARS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerLine:
    """One listener in a list. `reason` None: nothing stops mail to her; `ended_at`: she left."""

    id: int
    public_id: uuid.UUID
    name: str
    email: str
    started_at: datetime
    ended_at: datetime | None
    completed_at: datetime | None
    unlocked: int
    reason: SuppressionReason | None
    is_soft: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerList:
    """The newest listeners of a course, or those that were looked for.

    `total`: how many take part; `lessons`: how many lessons there are; `is_more`: the list was cut.
    """

    lines: Sequence[ListenerLine]
    total: int
    lessons: int
    is_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OneListener:
    """One listener of a course as its owner sees her. `change`: an address an owner asked for."""

    subscription: Subscription
    listener: Listener
    progress: Progress
    held: Suppression | None
    soft: SoftBounce | None
    change: EmailChange | None
    moves: Sequence[Move]


def in_course(
    session: Session,
    course_id: int,
    *,
    before: int | None = None,
    wanted: str = "",
    now: datetime,
) -> ListenerList:
    """Answer who listens, the newest first.

    `before`: only who stands in the list below the line of this id. `wanted`: a part of a name or
    of an address.
    """
    rows = _lines(course_id, now)
    if before is not None:
        rows = rows.where(Subscription.id < before)
    if wanted:
        rows = rows.where(_matches(wanted[:MAX_SEARCH_CHARS]))
    found = session.execute(rows.limit(MOST_LINES + 1)).mappings().all()
    counts = _unlocked(session, [row["id"] for row in found])
    return ListenerList(
        lines=[
            ListenerLine(unlocked=counts.get(row["id"], 0), **row) for row in found[:MOST_LINES]
        ],
        total=_count(session, course_id),
        lessons=openings.count_published(session, course_id),
        is_more=len(found) > MOST_LINES,
    )


def get(session: Session, course_id: int, public_id: uuid.UUID, *, now: datetime) -> OneListener:
    """Answer one listener.

    Raises:
        SubscriptionNotFound: nobody takes part in this course under that id.
    """
    subscription = get_subscription(session, course_id, public_id)
    listener = session.get_one(Listener, subscription.listener_id)
    return OneListener(
        subscription=subscription,
        listener=listener,
        progress=progress_of(session, subscription, now),
        held=suppressions.find(session, listener.email_key),
        soft=soft_bounces.find(session, listener.email_key, now=now),
        change=email_moves.find(session, subscription, now=now),
        moves=email_moves.made(session, listener.id),
    )


def get_subscription(session: Session, course_id: int, public_id: uuid.UUID) -> Subscription:
    """Answer a place in this course.

    Raises:
        SubscriptionNotFound: there is none by that id.
    """
    found = session.scalar(
        select(Subscription).where(
            Subscription.course_id == course_id, Subscription.public_id == public_id
        )
    )
    if found is None:
        raise SubscriptionNotFound(public_id)
    return found


def _lines(course_id: int, now: datetime) -> Select[*tuple[Any, ...]]:
    is_soft = SoftBounce.last_at > now - soft_bounces.KEPT_FOR
    return (
        select(
            Subscription.id,
            Subscription.public_id,
            Listener.name,
            Listener.email,
            Subscription.started_at,
            Subscription.ended_at,
            Subscription.completed_at,
            Suppression.reason,
            func.coalesce(is_soft, False).label("is_soft"),
        )
        .join(Listener, Listener.id == Subscription.listener_id)
        .outerjoin(Suppression, Suppression.email_key == Listener.email_key)
        .outerjoin(SoftBounce, SoftBounce.email_key == Listener.email_key)
        # Who began again stands there once, with her newest place.
        .where(
            Subscription.course_id == course_id,
            or_(Subscription.end_reason.is_(None), Subscription.end_reason != EndReason.RESTARTED),
        )
        .order_by(Subscription.id.desc())
    )


def _matches(wanted: str) -> Any:  # noqa: ANN401 (a clause)
    text = " ".join(wanted.split()).casefold()
    return or_(
        Listener.email_key.contains(text, autoescape=True),
        func.lower(Listener.name).contains(text, autoescape=True),
    )


def _unlocked(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    rows = session.execute(
        select(Unlock.subscription_id, func.count())
        .where(Unlock.subscription_id.in_(ids))
        .group_by(Unlock.subscription_id)
    )
    return dict(rows.all())


def _count(session: Session, course_id: int) -> int:
    alive = select(func.count()).where(
        Subscription.course_id == course_id, Subscription.ended_at.is_(None)
    )
    return session.scalars(alive).one()
