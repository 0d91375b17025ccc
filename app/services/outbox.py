"""Mail that must be sent exactly once: a row written in the transaction of its cause."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import OutboxMail


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
    mail = OutboxMail(
        notice=notice.name,
        template=notice.template,
        language=notice.language,
        address=notice.address,
        subscription_id=notice.subscription_id,
        confirmation_id=notice.confirmation_id,
        account_id=notice.account_id,
        listener_id=notice.listener_id,
        ids=dict(notice.ids),
        message_id=f"<{secrets.token_hex(16)}@{host}>",
        created_at=now,
        due_at=notice.due_at or now,
    )
    session.add(mail)
    session.flush()
    return mail
