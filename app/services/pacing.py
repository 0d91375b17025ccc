"""How fast mail goes to one domain: so many a minute, and later when the domain says so.

The state stands in the table, so that it holds for every worker. A mail that finds the minute full
gets its turn in a later one, once; then it waits for nobody. A domain that says "later" is left
alone for a while, and holds up no other.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import MailDomain

MINUTE: Final = timedelta(minutes=1)
# How long a domain is left alone after its first, second … "later" in a row; the last one stays.
HOLDS: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15))


def domain_of(address: str) -> str:
    """Answer the part of an address that names who takes its mail."""
    return address.rpartition("@")[2].casefold()


def take_turn(
    session: Session, domain: str, *, per_minute: int, now: datetime, turn_at: datetime | None
) -> datetime:
    """Answer when a mail to this domain may go: now or earlier means at once.

    `turn_at`: the turn it was given before; it holds unless the domain said "later" since.
    """
    row = _lock(session, domain, now)
    is_held = row.held_until is not None and row.held_until > now
    if turn_at is not None and not is_held:
        return turn_at
    this_minute = now.replace(second=0, microsecond=0)
    if row.minute_at < this_minute:
        row.minute_at, row.used = this_minute, 0
    if row.used >= per_minute:
        row.minute_at, row.used = row.minute_at + MINUTE, 0
    row.used += 1
    session.flush()
    return row.minute_at


def held_until(session: Session, domain: str) -> datetime | None:
    """Answer until when the domain asked to be left alone; may be past. None: it did not."""
    return session.scalar(select(MailDomain.held_until).where(MailDomain.domain == domain))


def hold(session: Session, domain: str, *, now: datetime) -> None:
    """Leave a domain alone for a while: it said "later"."""
    row = _lock(session, domain, now)
    if row.held_until is not None and row.held_until > now:
        return
    row.held_until = now + HOLDS[min(row.holds, len(HOLDS) - 1)]
    row.holds += 1
    # Everything that waits gets new turns after that.
    row.minute_at, row.used = max(row.minute_at, row.held_until), 0
    session.flush()


def takes_mail(session: Session, domain: str) -> None:
    """Forget that a domain ever said "later": it took a mail."""
    session.execute(
        update(MailDomain)
        .where(MailDomain.domain == domain, MailDomain.holds > 0)
        .values(holds=0, held_until=None)
    )


def forget_idle(session: Session, *, now: datetime) -> int:
    """Forget domains that nothing went to for a day; answer how many."""
    idle: Any = session.execute(
        delete(MailDomain).where(MailDomain.minute_at < now - timedelta(days=1))
    )
    return int(idle.rowcount)


def _lock(session: Session, domain: str, now: datetime) -> MailDomain:
    start = now.replace(second=0, microsecond=0)
    session.execute(
        insert_into(session, MailDomain)
        .values(domain=domain, minute_at=start, used=0, holds=0)
        .on_conflict_do_nothing(index_elements=["domain"])
    )
    return session.scalars(
        select(MailDomain).where(MailDomain.domain == domain).with_for_update()
    ).one()
