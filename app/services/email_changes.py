"""Another e-mail address: it is hers once both mailboxes said yes, the old one and the new.

Where an owner asked for her (`email_moves`), the old one's yes is not always waited for.

Nobody learns by asking who takes part: whether the new address is known is only looked at by the
worker that writes the mail (`change_letters`), and once more when the change is made.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db.models import Account, EmailChange, EmailMove, Listener, OutboxMail
from app.errors import LinkExpired
from app.services import outbox, signup, soft_bounces, suppressions, vouching
from app.services.email_addresses import Address
from app.services.links import OpenedLink

WITHIN: Final = timedelta(days=7)


class Side(StrEnum):
    """Which mailbox says yes."""

    OLD = "old"
    NEW = "new"


class Outcome(StrEnum):
    """What a yes led to: the other mailbox is waited for, the address changed, or it cannot.

    Later: it changes by itself in a few days, unless the old mailbox says no.
    """

    WAITING = "waiting"
    LATER = "later"
    CHANGED = "changed"
    IMPOSSIBLE = "impossible"


def ask(  # noqa: PLR0913 (what she asks for, and where from)
    session: Session,
    listener_id: int,
    address: Address,
    *,
    language: str,
    network: str,
    host: str,
    now: datetime,
) -> None:
    """Mail both addresses a link; a wish of before is forgotten.

    Silently not, when a limit says no: we do not send strangers more mails than that. `language`:
    of the page on which she asks.
    """
    if not signup.is_allowed(session, address, network=network, now=now):
        return
    # Of two wishes at once the second one waits here, and puts itself in the first one's place.
    listener = session.get_one(Listener, listener_id, with_for_update=True)
    change = begin(session, listener_id, address, account_id=None, language=language, now=now)
    for side, to in ((Side.OLD, listener.email), (Side.NEW, address.email)):
        outbox.put(session, question(change, side, to, now), host=host, now=now)


def begin(  # noqa: PLR0913 (as `ask`)
    session: Session,
    listener_id: int,
    address: Address,
    *,
    account_id: int | None,
    language: str,
    now: datetime,
) -> EmailChange:
    """Write a wish down in the place of the one before; `account_id`: the owner who asks for her.

    The caller holds the listener's row, and mails the links.
    """
    forget(session, listener_id)
    # Links are known by the second in which their wish was made, see `_get`.
    change = EmailChange(
        listener_id=listener_id,
        email=address.email,
        email_key=address.key,
        account_id=account_id,
        language=language,
        created_at=now.replace(microsecond=0),
        expires_at=now + WITHIN,
    )
    session.add(change)
    session.flush()
    return change


def question(
    change: EmailChange,
    side: Side,
    to: str,
    now: datetime,
    about: Mapping[str, int] = MappingProxyType({}),
) -> outbox.Notice:
    """Answer the mail that asks one mailbox; `about`: further ids for its words."""
    return outbox.Notice(
        name=f"email-change:{change.listener_id}:{change.id}:{now.isoformat()}:{side}",
        template="email_change",
        language=change.language,
        address=to,
        listener_id=change.listener_id,
        ids={"change": change.id, "is_new": int(side is Side.NEW), **about},
    )


def find_waiting(session: Session, listener_id: int, *, now: datetime) -> EmailChange | None:
    """Answer the change that a listener waits for; None: there is none."""
    return session.scalar(
        select(EmailChange).where(
            EmailChange.listener_id == listener_id,
            EmailChange.expires_at > now,
            EmailChange.old_said_no_at.is_(None),
        )
    )


def forget(session: Session, listener_id: int) -> None:
    """Forget the wish of a listener; nothing happens without one."""
    session.execute(delete(EmailChange).where(EmailChange.listener_id == listener_id))


def forget_old(session: Session, *, now: datetime) -> int:
    """Throw away what nobody said yes to in time; answer how many."""
    gone: Any = session.execute(delete(EmailChange).where(EmailChange.expires_at <= now))
    return int(gone.rowcount)


def get(session: Session, opened: OpenedLink, *, now: datetime) -> EmailChange:
    """Answer the wish that a link is about.

    Raises:
        LinkExpired: it was granted, refused, taken back or forgotten. A later wish under the same
            number, which SQLite gives again, is another one.
    """
    change = session.get(EmailChange, opened.row_id, with_for_update=True)
    if change is None or now >= change.expires_at or change.old_said_no_at is not None:
        raise LinkExpired
    if change.created_at.astimezone(UTC) != opened.made_at:
        raise LinkExpired
    return change


def agree(session: Session, opened: OpenedLink, side: Side, *, host: str, now: datetime) -> Outcome:
    """Say yes for one mailbox; the address changes with the second yes. Twice is fine.

    Raises:
        LinkExpired: the wish was granted, taken back or forgotten.
    """
    change = get(session, opened, now=now)
    if side is Side.OLD:
        change.old_said_yes_at = change.old_said_yes_at or now
    else:
        change.new_said_yes_at = change.new_said_yes_at or now
    session.flush()
    return make_if_settled(session, change, host=host, now=now)


def refuse(session: Session, opened: OpenedLink, *, now: datetime) -> None:
    """Say no in the old mailbox: nothing comes of it, and who asked can read that.

    Raises:
        LinkExpired: the wish was granted, refused, taken back or forgotten.
    """
    get(session, opened, now=now).old_said_no_at = now
    session.flush()


def make_if_settled(session: Session, change: EmailChange, *, host: str, now: datetime) -> Outcome:
    """Change the address when nobody's word is waited for any more."""
    if change.new_said_yes_at is None:
        return Outcome.WAITING
    if change.old_said_yes_at is None:
        settled_at = vouching.settled_at(session, change)
        if settled_at is None:
            return Outcome.WAITING
        if now < settled_at:
            return Outcome.LATER
    return _make(session, change, host=host, now=now)


def _make(session: Session, change: EmailChange, *, host: str, now: datetime) -> Outcome:
    listener = session.get_one(Listener, change.listener_id)
    former, former_key = listener.email, listener.email_key
    try:
        with session.begin_nested():
            listener.email, listener.email_key = change.email, change.email_key
            session.flush()
    except IntegrityError:
        # Somebody confirmed a sign-up with that address meanwhile; nothing changes.
        session.refresh(listener)
        session.delete(change)
        session.flush()
        return Outcome.IMPOSSIBLE
    # So that they go when she is erased: nothing else would know whose they were.
    session.execute(
        update(OutboxMail)
        .where(OutboxMail.template == "sign_in", OutboxMail.address.in_({former, former_key}))
        .values(listener_id=listener.id)
    )
    suppressions.moved_in(session, listener.email_key, now=now)
    soft_bounces.forget(session, former_key)
    _tell_former(session, change, former, host=host, now=now)
    _note_move(session, change, now)
    session.delete(change)
    session.flush()
    return Outcome.CHANGED


def _tell_former(
    session: Session, change: EmailChange, former: str, *, host: str, now: datetime
) -> None:
    notice = outbox.Notice(
        name=f"email-changed:{change.listener_id}:{now.isoformat()}",
        template="email_changed",
        language=change.language,
        address=former,
        listener_id=change.listener_id,
        ids={"by_owner": 1} if change.account_id is not None else {},
    )
    outbox.put(session, notice, host=host, now=now)


def _note_move(session: Session, change: EmailChange, now: datetime) -> None:
    """Write down what an owner asked for; what a listener changed herself is hers alone."""
    if change.account_id is None:
        return
    session.add(
        EmailMove(
            listener_id=change.listener_id,
            account_id=_find_account(session, change.account_id),
            asked_at=change.created_at,
            moved_at=now,
        )
    )


def _find_account(session: Session, account_id: int) -> int | None:
    return account_id if session.get(Account, account_id) is not None else None
