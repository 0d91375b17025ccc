"""Mail that came back for now: written down for the owner's eyes, and stopping nothing.

A full mailbox or a server that took offence once is no reason to give somebody up: the next mail
goes there as before. What is over a month old, or from before she answered, says nothing any more.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import Listener, SoftBounce, Subscription, Suppression

KEPT_FOR: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A listener of one course whose mail came back for now: `count` times, at last `last_at`."""

    public_id: uuid.UUID
    name: str
    email: str
    count: int
    last_at: datetime
    diagnostic: str | None


def note(
    session: Session, email_key: str, *, source: str, diagnostic: str | None, now: datetime
) -> bool:
    """Write down that a mail came back for now; False: nobody who listens here has the address."""
    if session.scalar(select(Listener.id).where(Listener.email_key == email_key)) is None:
        return False
    values = {"last_at": now, "source": source, "diagnostic": diagnostic}
    statement = insert_into(session, SoftBounce).values(
        email_key=email_key, count=1, first_at=now, **values
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["email_key"], set_={"count": SoftBounce.count + 1, **values}
        ),
        execution_options={"populate_existing": True},
    )
    return True


def find(session: Session, email_key: str, *, now: datetime) -> SoftBounce | None:
    """Answer what came back for now from an address in the last month; None: nothing."""
    return session.scalar(
        select(SoftBounce).where(
            SoftBounce.email_key == email_key, SoftBounce.last_at > now - KEPT_FOR
        )
    )


def in_course(session: Session, course_id: int, *, limit: int | None, now: datetime) -> list[Echo]:
    """Answer whose mail came back for now, the newest first; not who gets none at all any more.

    At most `limit`; None: all.
    """
    is_stopped = exists().where(Suppression.email_key == SoftBounce.email_key)
    rows = session.execute(
        select(
            Subscription.public_id,
            Listener.name,
            Listener.email,
            SoftBounce.count,
            SoftBounce.last_at,
            SoftBounce.diagnostic,
        )
        .select_from(SoftBounce)
        .join(Listener, Listener.email_key == SoftBounce.email_key)
        .join(Subscription, Subscription.listener_id == Listener.id)
        .where(
            Subscription.course_id == course_id,
            Subscription.ended_at.is_(None),
            SoftBounce.last_at > now - KEPT_FOR,
            ~is_stopped,
        )
        .order_by(SoftBounce.last_at.desc(), SoftBounce.id.desc())
        .limit(limit)
    )
    return [Echo(**row) for row in rows.mappings()]


def answered(session: Session, email_key: str, *, made_at: datetime) -> None:
    """Forget what came back before a link was mailed that she then opened."""
    session.execute(
        delete(SoftBounce).where(SoftBounce.email_key == email_key, SoftBounce.last_at <= made_at)
    )


def forget(session: Session, email_key: str) -> None:
    """Forget an address: it takes mail, or is erased."""
    session.execute(delete(SoftBounce).where(SoftBounce.email_key == email_key))


def forget_old(session: Session, *, now: datetime) -> int:
    """Throw away what is over a month old, or of nobody here any more; answer how many."""
    gone: Any = session.execute(
        delete(SoftBounce).where(
            or_(
                SoftBounce.last_at <= now - KEPT_FOR,
                ~exists().where(Listener.email_key == SoftBounce.email_key),
            )
        )
    )
    return int(gone.rowcount)
