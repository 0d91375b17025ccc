"""How often something may be tried: counted in the database, so that every process knows.

Who tried stands nowhere: only a hash under a salt that is thrown away with the day (UTC).
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import DailySalt, LimitCount

SALT_BYTES: Final = 32
# A household or an office counts as one, and nobody is told apart inside it.
IPV4_PREFIX: Final = 24
IPV6_PREFIX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `times` in each window of that length; `name` keeps it apart from other limits.

    Windows start at multiples of their length, and end with the day at the latest.
    """

    name: str
    times: int
    window: timedelta


def is_within(session: Session, limit: Limit, who: str, *, now: datetime) -> bool:
    """Count one try of `who` and answer whether it is still allowed.

    Locks the count until the transaction ends: two tries of the same one come one after the other.
    """
    counted = count_key(session, f"{limit.name}\0{who}", now=now)
    return _count(session, counted, _window_start(limit, now)) <= limit.times


def is_used_up(session: Session, limit: Limit, who: str, *, now: datetime) -> bool:
    """Tell whether `who` tried as often as is allowed, without counting a try."""
    counted = count_key(session, f"{limit.name}\0{who}", now=now)
    found = session.scalar(
        select(LimitCount.count).where(
            LimitCount.sha256 == counted,
            LimitCount.window_start_at == _window_start(limit, now),
        )
    )
    return (found or 0) >= limit.times


def count_key(session: Session, text: str, *, now: datetime) -> bytes:
    """Answer a hash of the text that is the same all day (UTC) and means nothing afterwards."""
    return DayKeys(session).of(text, at=now)


class DayKeys:
    """Makes many of these hashes: asks for the salt of each day (UTC) once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._salts: dict[date, bytes] = {}

    def of(self, text: str, *, at: datetime) -> bytes:
        """Answer what `count_key` answers."""
        today = at.astimezone(UTC).date()
        if today not in self._salts:
            self._salts[today] = _salt(self._session, today)
        return hmac.digest(self._salts[today], text.encode(), "sha256")


def forget_who(session: Session, limit: Limit, who: str) -> None:
    """Forget how often somebody tried; where the salt is gone nobody can tell whose a count was."""
    text = f"{limit.name}\0{who}".encode()
    counted = [
        hmac.digest(salt, text, "sha256") for salt in session.scalars(select(DailySalt.salt))
    ]
    session.execute(delete(LimitCount).where(LimitCount.sha256.in_(counted)))


def network_of(client_address: str | None) -> str:
    """Answer the network of a client: /24 for IPv4, /64 for IPv6; one for all who have none."""
    try:
        address = ip_address((client_address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    prefix = IPV4_PREFIX if isinstance(address, IPv4Address) else IPV6_PREFIX
    return str(ip_network(f"{address}/{prefix}", strict=False))


def forget(session: Session, *, now: datetime) -> int:
    """Throw away the salts and counts of days that are over; answer how many rows went."""
    today = now.astimezone(UTC).date()
    midnight = datetime.combine(today, datetime.min.time(), tzinfo=UTC)
    salts: Any = session.execute(delete(DailySalt).where(DailySalt.salt_on < today))
    counts: Any = session.execute(delete(LimitCount).where(LimitCount.window_start_at < midnight))
    return int(salts.rowcount + counts.rowcount)


def _window_start(limit: Limit, now: datetime) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((now - midnight) // limit.window) * limit.window


def _count(session: Session, counted: bytes, window_start_at: datetime) -> int:
    row = {"sha256": counted, "window_start_at": window_start_at, "count": 1}
    statement = insert_into(session, LimitCount).values(**row)
    counting = statement.on_conflict_do_update(
        index_elements=["sha256", "window_start_at"], set_={"count": LimitCount.count + 1}
    ).returning(LimitCount.count)
    return int(session.execute(counting).scalar_one())


def _salt(session: Session, today: date) -> bytes:
    held = select(DailySalt.salt).where(DailySalt.salt_on == today)
    salt = session.scalar(held)
    if salt is None:
        fresh = insert_into(session, DailySalt).values(
            salt_on=today, salt=secrets.token_bytes(SALT_BYTES)
        )
        # Of two processes at midnight the first one's salt wins.
        session.execute(fresh.on_conflict_do_nothing(index_elements=["salt_on"]))
        salt = session.scalars(held).one()
    return salt
