"""When a listener's old mailbox need not say yes: it is gone, and an owner asked in her place.

Whoever can have an address changed can read all that is hers, so an owner's word counts only where
she owns every course that the listener ever took part in; beyond that the old mailbox must say yes,
as when the listener asks herself. And somebody may have lied to the owner: so a mailbox of which
nobody knows that it is gone is told, and has three days to say no.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.db.models import EmailChange, Listener, Membership, Subscription
from app.kinds import Role
from app.services import suppressions

GRACE: Final = timedelta(days=3)


def settled_at(session: Session, change: EmailChange) -> datetime | None:
    """Answer from when on the old mailbox is not waited for; None: it must say yes."""
    if change.account_id is None or not _owns_all(session, change.account_id, change.listener_id):
        return None
    listener = session.get_one(Listener, change.listener_id)
    held = suppressions.find(session, listener.email_key)
    if held is None:
        return change.created_at + GRACE
    # A mailbox that comes back is gone. Who said no to our mail reads it, and cannot be told.
    return change.created_at if held.reason in suppressions.BOUNCES else None


def _owns_all(session: Session, account_id: int, listener_id: int) -> bool:
    is_owned = exists().where(
        Membership.course_id == Subscription.course_id,
        Membership.account_id == account_id,
        Membership.role == Role.OWNER,
    )
    others = select(Subscription.id).where(Subscription.listener_id == listener_id, ~is_owned)
    return session.scalars(others.limit(1)).first() is None
