"""What goes by itself once it is old: counts of fetches, mails of nobody, who left long ago.

Each call does one batch in its caller's transaction and answers how much went; 0: all is done.
"""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session

from app.db.models import (
    Confirmation,
    Erasure,
    Fetches,
    Listener,
    OutboxMail,
    Position,
    Subscription,
)
from app.kinds import ErasureBy
from app.services import erasing

BATCH: Final = 2000
# Each takes a dozen statements, and a worker that is told to stop finishes its batch.
LISTENERS: Final = 20


def forget_fetches(session: Session, *, before: date) -> int:
    """Throw away counts of days before that one.

    Rows come in the order of their days, so the oldest are the first: no index on the day is
    needed, and the rest of a large table is never looked at.
    """
    oldest = session.execute(
        select(Fetches.id, Fetches.fetched_on).order_by(Fetches.id).limit(BATCH)
    ).all()
    old = [row.id for row in oldest if row.fetched_on < before]
    if not old:
        return 0
    gone: Any = session.execute(
        delete(Fetches).where(Fetches.id <= old[-1], Fetches.fetched_on < before)
    )
    return int(gone.rowcount)


def forget_mails_of_nobody(session: Session, *, before: datetime) -> int:
    """Throw away what is left of mails that were done before then and hang on nobody.

    Sign-in links: asked for by an address, so nothing else takes their rows along. Other rows stay
    with their listener: they keep a notice from being written twice.
    """
    old = (
        select(OutboxMail.id)
        .where(
            or_(OutboxMail.sent_at < before, OutboxMail.failed_at < before),
            OutboxMail.subscription_id.is_(None),
            OutboxMail.confirmation_id.is_(None),
            OutboxMail.account_id.is_(None),
            OutboxMail.listener_id.is_(None),
        )
        .limit(BATCH)
    )
    gone: Any = session.execute(delete(OutboxMail).where(OutboxMail.id.in_(old)))
    return int(gone.rowcount)


def erase_left(session: Session, *, before: datetime, now: datetime) -> int:
    """Erase listeners who left every course before then, and have heard nothing since.

    Without a mail: she left, and wants none.
    """
    left = session.scalars(
        select(Subscription.listener_id)
        .group_by(Subscription.listener_id)
        .having(
            func.count() == func.count(Subscription.ended_at),
            func.max(Subscription.ended_at) < before,
            or_(
                func.max(Subscription.last_fetch_at).is_(None),
                func.max(Subscription.last_fetch_at) < before,
            ),
        )
        .order_by(Subscription.listener_id)
    )
    erased = 0
    for listener_id in left.all():
        listener = session.get(
            Listener, listener_id, with_for_update={"skip_locked": True}, populate_existing=True
        )
        if listener is None or _is_here(session, listener, before):
            continue
        erasing.erase(session, listener, by=ErasureBy.AGE, now=now)
        erased += 1
        if erased == LISTENERS:
            break
    return erased


def _is_here(session: Session, listener: Listener, before: datetime) -> bool:
    """Whether she takes part after all, is about to, or is being erased as she asked.

    Asked once her row is ours: who confirms a sign-up takes it first.
    """
    own = select(Subscription.id).where(Subscription.listener_id == listener.id)
    signs = (
        exists().where(Subscription.listener_id == listener.id, Subscription.ended_at.is_(None)),
        exists().where(Position.subscription_id.in_(own), Position.received_at >= before),
        exists().where(
            Confirmation.email_key == listener.email_key, Confirmation.used_at.is_(None)
        ),
        exists().where(Erasure.listener_id == listener.id),
    )
    return bool(session.scalar(select(or_(*signs))))
