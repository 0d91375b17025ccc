"""Another e-mail address: it is hers once both mailboxes said yes, the old one and the new.

Nobody learns by asking who takes part: whether the new address is known is only looked at by the
worker that writes the mail (`change_letters`), and once more when the change is made.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db.models import EmailChange, Listener, OutboxMail
from app.errors import LinkExpired
from app.services import outbox, signup, suppressions
from app.services.email_addresses import Address
from app.services.links import OpenedLink

WITHIN: Final = timedelta(days=7)


class Side(StrEnum):
    """Which mailbox says yes."""

    OLD = "old"
    NEW = "new"


class Outcome(StrEnum):
    """What a yes led to: the other mailbox is waited for, the address changed, or it cannot."""

    WAITING = "waiting"
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
    forget(session, listener_id)
    # Links are known by the second in which their wish was made, see `_get`.
    change = EmailChange(
        listener_id=listener_id,
        email=address.email,
        email_key=address.key,
        language=language,
        created_at=now.replace(microsecond=0),
        expires_at=now + WITHIN,
    )
    session.add(change)
    session.flush()
    for side, to in ((Side.OLD, listener.email), (Side.NEW, address.email)):
        outbox.put(session, _question(change, side, to, now), host=host, now=now)


def _question(change: EmailChange, side: Side, to: str, now: datetime) -> outbox.Notice:
    return outbox.Notice(
        name=f"email-change:{change.listener_id}:{change.id}:{now.isoformat()}:{side}",
        template="email_change",
        language=change.language,
        address=to,
        listener_id=change.listener_id,
        ids={"change": change.id, "is_new": int(side is Side.NEW)},
    )


def find_waiting(session: Session, listener_id: int, *, now: datetime) -> EmailChange | None:
    """Answer the change that a listener waits for; None: there is none."""
    return session.scalar(
        select(EmailChange).where(
            EmailChange.listener_id == listener_id, EmailChange.expires_at > now
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
        LinkExpired: it was granted, taken back or forgotten. A later wish under the same number,
            which SQLite gives again, is another one.
    """
    change = session.get(EmailChange, opened.row_id, with_for_update=True)
    if change is None or now >= change.expires_at:
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
    if change.old_said_yes_at is None or change.new_said_yes_at is None:
        return Outcome.WAITING
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
    notice = outbox.Notice(
        name=f"email-changed:{listener.id}:{now.isoformat()}",
        template="email_changed",
        language=change.language,
        address=former,
        listener_id=listener.id,
    )
    outbox.put(session, notice, host=host, now=now)
    session.delete(change)
    session.flush()
    return Outcome.CHANGED
