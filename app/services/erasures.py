"""A listener's wish to be erased: written down, and undone until it is carried out a day later.

Until then nothing of hers changes: her feed plays, her mails come. Signing in undoes nothing, for
she may only want to look; a button does, and so does confirming a new sign-up, whose page says so:
who takes part again would not understand being gone the next morning. `erasing` is the deed itself.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.db.models import Erasure, Listener
from app.services import outbox

COOL_OFF: Final = timedelta(days=1)


def ask(
    session: Session, listener: Listener, *, language: str, host: str, now: datetime
) -> Erasure:
    """Write the wish down and mail her how to undo it; who asked already keeps her first hour."""
    # Of two presses at once the second sees what the first wrote.
    session.execute(select(Listener.id).where(Listener.id == listener.id).with_for_update())
    waiting = find(session, listener.id)
    if waiting is not None:
        return waiting
    erasure = Erasure(
        listener_id=listener.id, language=language, asked_at=now, due_at=now + COOL_OFF
    )
    session.add(erasure)
    notice = outbox.Notice(
        name=f"erasure:{listener.id}:{now.isoformat()}",
        template="erasure_asked",
        language=language,
        address=listener.email,
        listener_id=listener.id,
    )
    outbox.put(session, notice, host=host, now=now)
    return erasure


def find(session: Session, listener_id: int) -> Erasure | None:
    """Answer her wish to be erased; None: she has none."""
    return session.scalar(select(Erasure).where(Erasure.listener_id == listener_id))


def count_waiting(session: Session) -> int:
    """Answer how many wait out their day."""
    return session.scalars(select(func.count()).select_from(Erasure)).one()


def find_by_address(session: Session, email_key: str | None) -> Erasure | None:
    """Answer the wish of who has this address; None: nobody has it, or nobody wishes that."""
    return session.scalar(
        select(Erasure)
        .join(Listener, Listener.id == Erasure.listener_id)
        .where(Listener.email_key == email_key)
    )


def keep(session: Session, listener_id: int) -> bool:
    """Forget the wish; False: she is gone, perhaps erased while we waited for her row."""
    undo(session, listener_id)
    return session.scalar(select(Listener.id).where(Listener.id == listener_id)) is not None


def undo(session: Session, listener_id: int) -> bool:
    """Forget the wish; answer whether there was one."""
    undone: Any = session.execute(delete(Erasure).where(Erasure.listener_id == listener_id))
    return bool(undone.rowcount)
