"""A listener erased: every row of hers in one transaction, and what must stay afterwards.

What stays: the digest of each feed address, without which her app would be told "no such feed" and
try for ever instead of 410 (`ErasedAddress`); and that somebody was erased that day and at whose
word, not who (`ErasureDay`).

Her last mail needs her address a little longer. It is an outbox row that hangs on nothing of hers
and holds nothing else; it is deleted, not blanked, as soon as it was sent or given up
(`mailing.FORGOTTEN_AT_ONCE`): within minutes, in three days when her mailbox does not answer.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import (
    Confirmation,
    Erasure,
    ErasureDay,
    Listener,
    OutboxMail,
    Subscription,
)
from app.kinds import ErasureBy
from app.services import addresses, limits, outbox, signup, subscriptions, suppressions
from app.services.email_addresses import parse_address

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
    erase(session, listener, by=ErasureBy.HERSELF, now=now)
    _say_it_is_done(session, address, language, host=host, now=now)
    return True


def carry_out_for(session: Session, email: str, *, host: str, now: datetime) -> bool:
    """Erase who has that address at once, as she asked who runs the house; False: nobody has it.

    Raises:
        AddressInvalid: that is no e-mail address.
    """
    key = parse_address(email).key
    listener = session.scalar(select(Listener).where(Listener.email_key == key).with_for_update())
    if listener is None:
        return False
    address, language = listener.email, _language_of(session, listener)
    erase(session, listener, by=ErasureBy.OPERATOR, now=now)
    _say_it_is_done(session, address, language, host=host, now=now)
    return True


def erase(session: Session, listener: Listener, *, by: ErasureBy, now: datetime) -> None:
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
    _count(session, today, by)


def days(session: Session) -> Sequence[ErasureDay]:
    """Answer on which days how many were erased, and who asked for it; the newest first."""
    return session.scalars(select(ErasureDay).order_by(ErasureDay.erased_on.desc())).all()


def _say_it_is_done(
    session: Session, address: str, language: str, *, host: str, now: datetime
) -> None:
    last = outbox.Notice(
        # Exactly once: what led here goes in this transaction too.
        name=f"{LAST_MAIL}:{secrets.token_hex(16)}",
        template=LAST_MAIL,
        language=language,
        address=address,
    )
    outbox.put(session, last, host=host, now=now)


def _language_of(session: Session, listener: Listener) -> str:
    """Answer the language of her newest course."""
    own = subscriptions.of_listener(session, listener.id)
    return own[0].language if own else "en"


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


def _count(session: Session, today: date, by: ErasureBy) -> None:
    by_operator, by_age = int(by is ErasureBy.OPERATOR), int(by is ErasureBy.AGE)
    session.execute(
        insert_into(session, ErasureDay)
        .values(erased_on=today, count=1, by_operator=by_operator, by_age=by_age)
        .on_conflict_do_update(
            index_elements=["erased_on"],
            set_={
                "count": ErasureDay.count + 1,
                "by_operator": ErasureDay.by_operator + by_operator,
                "by_age": ErasureDay.by_age + by_age,
            },
        )
    )
