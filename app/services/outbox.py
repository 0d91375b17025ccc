"""Mail that must be sent exactly once: a row written in the transaction of its cause."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, or_, select, text
from sqlalchemy.orm import Session

from app.db.many import insert_new
from app.db.models import OutboxMail

# Somebody sits and waits for these. They are taken before other mail and do not queue behind the
# news of a day: few ask at once, and limits see to that.
WAITED_FOR: Final = frozenset({"confirm", "sign_in", "email_change", "password_reset"})
# In the words of its index: SQLite would not see that others mean the same.
IS_WAITED_FOR: Final = text("is_waited_for")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One piece of news for one person.

    `name` says what it is, once and for all ("unlock:17:3"): a second notice of that name is none.
    Exactly one of the ids says whose it is; the text is made when it is sent.
    """

    name: str
    template: str
    language: str
    address: str
    subscription_id: int | None = None
    confirmation_id: int | None = None
    account_id: int | None = None
    listener_id: int | None = None
    ids: Mapping[str, int | str] = field(default_factory=dict)
    # Not before this instant; None: at once.
    due_at: datetime | None = None


def put(session: Session, notice: Notice, *, host: str, now: datetime) -> OutboxMail | None:
    """Write the notice into the outbox; None when one of that name is there already.

    `host` is the host of BASE_URL, for the Message-ID.
    """
    if session.scalar(select(OutboxMail.id).where(OutboxMail.notice == notice.name)) is not None:
        return None
    mail = OutboxMail(**_row(notice, host=host, now=now))
    session.add(mail)
    session.flush()
    return mail


def put_many(
    session: Session, notices: Sequence[Notice], *, host: str, now: datetime
) -> Mapping[str, int]:
    """Write many notices with one statement; answer the ids of the new ones, by name.

    One whose name is there already is none, as with `put`, also when another writer put it there
    meanwhile.
    """
    rows = [_row(notice, host=host, now=now) for notice in notices]
    fresh = insert_new(session, OutboxMail, rows, unique="notice", returning=("notice", "id"))
    return {row.notice: row.id for row in fresh}


def find_due(session: Session, now: datetime) -> OutboxMail | None:
    """Answer the mail whose turn it is: first what somebody waits for, then what is due longest.

    Two questions, each answered by an index of its own, whatever else waits.
    """
    first = session.scalar(due(now).where(IS_WAITED_FOR))
    return first if first is not None else session.scalar(due(now))


def due(now: datetime) -> Select[OutboxMail]:
    """Ask for the one mail that is due longest, which nobody sends; it is locked by who asks."""
    is_free = or_(OutboxMail.leased_until.is_(None), OutboxMail.leased_until <= now)
    return (
        select(OutboxMail)
        .where(
            OutboxMail.sent_at.is_(None),
            OutboxMail.failed_at.is_(None),
            OutboxMail.due_at <= now,
            is_free,
        )
        .order_by(OutboxMail.due_at, OutboxMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def _row(notice: Notice, *, host: str, now: datetime) -> dict[str, Any]:
    return {
        "notice": notice.name,
        "template": notice.template,
        "language": notice.language,
        "address": notice.address,
        "subscription_id": notice.subscription_id,
        "confirmation_id": notice.confirmation_id,
        "account_id": notice.account_id,
        "listener_id": notice.listener_id,
        "ids": dict(notice.ids),
        "message_id": f"<{secrets.token_hex(16)}@{host}>",
        "created_at": now,
        "due_at": notice.due_at or now,
        "is_waited_for": notice.template in WAITED_FOR,
    }
