"""What a provider told and proved: each message acted on once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import HookToken
from app.mail.reports import Report
from app.services import returns

# Longer than any signature is believed.
TOKENS_KEPT: Final = timedelta(days=1)


def take(session: Session, reports: Sequence[Report], *, source: str, now: datetime) -> int:
    """Act on what a provider reports; answer how many addresses it stopped."""
    return sum(
        returns.take(session, report, source=source, is_trusted=True, now=now) for report in reports
    )


def is_first(session: Session, token_sha256: bytes, *, now: datetime) -> bool:
    """Remember a token; False: it was used before."""
    statement = (
        insert_into(session, HookToken)
        .values(sha256=token_sha256, seen_at=now)
        .on_conflict_do_nothing(index_elements=["sha256"])
    )
    return session.scalar(statement.returning(HookToken.sha256)) is not None


def forget_tokens(session: Session, *, now: datetime) -> int:
    """Forget tokens whose signatures nobody believes any more; answer how many."""
    gone: Any = session.execute(delete(HookToken).where(HookToken.seen_at < now - TOKENS_KEPT))
    return int(gone.rowcount)
