"""Another mailbox for a listener whose old one is gone: she wrote to the owner, who asks for her.

The new mailbox gets a link and nothing changes before it was pressed. The old one is told, if it
takes mail, and may say no; when it need not say yes is said in `vouching`. What was changed so
stays written down: by whom and when, not from where to where.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db.models import Account, EmailChange, EmailMove, Listener, Subscription
from app.errors import NotAllowed, TooManyRequests
from app.services import email_changes, limits, outbox, signup, suppressions
from app.services.email_addresses import Address
from app.services.limits import Limit

# An owner answers a few such letters a day; a stolen session asks for no thousands.
PER_ACCOUNT: Final = Limit(name="move mailbox", times=20, window=timedelta(days=1))
TOLD: Final = "email_move"


class SheSaidNo(NotAllowed):
    """She wants no mail of ours in her old mailbox, so that it cannot be told either."""

    def __init__(self) -> None:
        super().__init__("she said no to our mail: only she herself can change her address")


class SameAddress(NotAllowed):
    """That is her address already."""

    def __init__(self) -> None:
        super().__init__("that is her address already")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whose mailbox, to where, and which account asks for it."""

    subscription: Subscription
    address: Address
    account: Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change that was made. `by` None: that account is gone."""

    moved_at: datetime
    by: str | None


def ask(session: Session, wish: Wish, *, host: str, now: datetime) -> EmailChange:
    """Mail the new mailbox a link, and tell the old one; a wish of before is forgotten.

    Whether somebody has the new address is not said here: it then gets no mail, and nothing comes
    of it.

    Raises:
        TooManyRequests: so many were asked for today, or so many mails went to one of the two.
        SameAddress: it is hers already.
        SheSaidNo: she wants no mail in her old mailbox.
    """
    listener = session.get_one(Listener, wish.subscription.listener_id, with_for_update=True)
    if wish.address.key == listener.email_key:
        raise SameAddress
    if suppressions.refused_herself(session, listener.email_key):
        raise SheSaidNo
    _count(session, wish, listener, now)
    language = wish.subscription.language
    change = email_changes.begin(
        session, listener.id, wish.address, account_id=wish.account.id, language=language, now=now
    )
    course = {"course": wish.subscription.course_id}
    notice = email_changes.question(change, email_changes.Side.NEW, wish.address.email, now, course)
    told = outbox.Notice(
        name=f"email-move:{change.listener_id}:{change.id}:{now.isoformat()}",
        template=TOLD,
        language=language,
        address=listener.email,
        listener_id=listener.id,
        ids={"change": change.id, **course},
    )
    for each in (notice, told):
        outbox.put(session, each, host=host, now=now)
    return change


def take_back(session: Session, subscription: Subscription) -> None:
    """Forget what an owner asked for; what the listener asked for herself stays."""
    session.execute(
        delete(EmailChange).where(
            EmailChange.listener_id == subscription.listener_id,
            EmailChange.account_id.is_not(None),
        )
    )


def find(session: Session, subscription: Subscription, *, now: datetime) -> EmailChange | None:
    """Answer what an owner asked for, also when the old mailbox said no; None: nothing."""
    return session.scalar(
        select(EmailChange).where(
            EmailChange.listener_id == subscription.listener_id,
            EmailChange.account_id.is_not(None),
            EmailChange.expires_at > now,
        )
    )


def made(session: Session, listener_id: int) -> Sequence[Move]:
    """Answer the changes that owners had made for a listener, the newest first."""
    rows = session.execute(
        select(EmailMove.moved_at, Account.name)
        .outerjoin(Account, Account.id == EmailMove.account_id)
        .where(EmailMove.listener_id == listener_id)
        .order_by(EmailMove.moved_at.desc(), EmailMove.id.desc())
    )
    return [Move(moved_at=moved_at, by=name) for moved_at, name in rows]


def make_due(session: Session, *, host: str, now: datetime) -> int:
    """Make the changes that waited for nothing but the old mailbox's no; answer how many."""
    waiting = session.scalars(
        select(EmailChange)
        .where(
            EmailChange.account_id.is_not(None),
            EmailChange.new_said_yes_at.is_not(None),
            EmailChange.old_said_no_at.is_(None),
            EmailChange.expires_at > now,
        )
        .order_by(EmailChange.id)
        .with_for_update(skip_locked=True)
    ).all()
    outcomes = [
        email_changes.make_if_settled(session, each, host=host, now=now) for each in waiting
    ]
    return outcomes.count(email_changes.Outcome.CHANGED)


def _count(session: Session, wish: Wish, listener: Listener, now: datetime) -> None:
    counted = (
        (PER_ACCOUNT, str(wish.account.id)),
        (signup.PER_ADDRESS, wish.address.key),
        (signup.PER_ADDRESS, listener.email_key),
    )
    for limit, who in counted:
        if not limits.is_within(session, limit, who, now=now):
            raise TooManyRequests(limit.window)
