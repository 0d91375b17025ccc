"""A listener erased: every row of hers in one transaction, and what must stay afterwards.

What stays: the digest of each feed address, without which her app would be told "no such feed" and
try for ever instead of 410 (`ErasedAddress`); and that somebody was erased that day, not who.

Her last mail needs her address a little longer. It is an outbox row that hangs on nothing of hers
and holds nothing else; it is deleted, not blanked, as soon as it was sent or given up
(`mailing.FORGOTTEN_AT_ONCE`): within minutes, in three days when her mailbox does not answer.
"""

import secrets
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.models import (
    Confirmation,
    Erasure,
    ErasureDay,
    Listener,
    OutboxMail,
    Subscription,
)
from app.services import addresses, limits, outbox, signup, suppressions

LAST_MAIL: Final = "erased"


def carry_out_next(session: Session, *, host: str, now: datetime) -> bool:
    """Erase the listener whose day is over longest; False: nobody's is. For ever."""
    erasure = session.scalar(
        select(Erasure)
        .where(Erasure.due_at <= now)
        .order_by(Erasure.due_at, Erasure.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if erasure is None:
        return False
    listener = session.get_one(Listener, erasure.listener_id, with_for_update=True)
    address, language = listener.email, erasure.language
    erase(session, listener, now=now)
    last = outbox.Notice(
        # Exactly once: the wish goes in this transaction too.
        name=f"{LAST_MAIL}:{secrets.token_hex(16)}",
        template=LAST_MAIL,
        language=language,
        address=address,
    )
    outbox.put(session, last, host=host, now=now)
    return True


def erase(session: Session, listener: Listener, *, now: datetime) -> None:
    """Delete every row of a listener, and leave what answers 410 to her apps."""
    today = now.astimezone(UTC).date()
    own = select(Subscription.id).where(Subscription.listener_id == listener.id)
    for subscription_id in session.scalars(own).all():
        addresses.erase(session, subscription_id, on=today)
    _delete_what_hangs_on_the_address(session, listener)
    limits.forget_who(session, signup.PER_ADDRESS, listener.email_key)
    # The database takes along what hangs on her row: subscriptions, and all that hangs on those.
    suppressions.forget(session, listener.email_key)
    session.execute(delete(Listener).where(Listener.id == listener.id))
    session.expunge_all()
    _count(session, today)


def _delete_what_hangs_on_the_address(session: Session, listener: Listener) -> None:
    """Delete what has no key to her row: sign-ups, and mails from the door."""
    hers = {listener.email, listener.email_key}
    # Somebody may also teach here under this address; the mails of that account are its own.
    session.execute(
        delete(OutboxMail).where(OutboxMail.address.in_(hers), OutboxMail.account_id.is_(None))
    )
    session.execute(
        delete(Confirmation).where(
            (Confirmation.email_key == listener.email_key)
            | (Confirmation.listener_id == listener.id)
        )
    )


def _count(session: Session, today: object) -> None:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    insert: Any = (sqlite.insert if is_sqlite else postgresql.insert)(ErasureDay)
    session.execute(
        insert.values(erased_on=today, count=1).on_conflict_do_update(
            index_elements=["erased_on"], set_={"count": ErasureDay.count + 1}
        )
    )
