"""What was fetched, by which app: counted in the process, written in batches, never in a request.

A process that is killed loses what it counted since its last batch: some seconds of statistics.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import CursorResult, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.models import Fetches, Subscription

FEED: Final = "feed"


class FetchKey(NamedTuple):
    """What is counted together: one thing, one app, one outcome, one day (UTC)."""

    subscription_id: int
    fetched_on: date
    resource: str
    app: str
    status: int


@dataclass(slots=True)
class Tally:
    """How often, how much, and between which instants."""

    count: int
    bytes_sent: int
    first_at: datetime
    last_at: datetime


class FetchBuffer:
    """Counts in memory; safe for many threads. Once `most` things are counted, no new ones are."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._tallies: dict[FetchKey, Tally] = {}

    def __len__(self) -> int:
        """How many different things are counted."""
        return len(self._tallies)

    def count(self, key: FetchKey, *, bytes_sent: int, at: datetime) -> None:
        """Count one fetch."""
        with self._lock:
            tally = self._tallies.get(key)
            if tally is None:
                if len(self._tallies) < self._most:
                    self._tallies[key] = Tally(1, bytes_sent, at, at)
                return
            tally.count += 1
            tally.bytes_sent += bytes_sent
            tally.last_at = at

    def take(self, limit: int) -> Mapping[FetchKey, Tally]:
        """Take out what has waited longest, at most `limit` things."""
        with self._lock:
            keys = list(islice(self._tallies, limit))
            return {key: self._tallies.pop(key) for key in keys}

    def put_back(self, taken: Mapping[FetchKey, Tally]) -> None:
        """Count again what could not be written."""
        with self._lock:
            for key, old in taken.items():
                tally = self._tallies.get(key)
                if tally is None:
                    self._tallies[key] = old
                    continue
                tally.count += old.count
                tally.bytes_sent += old.bytes_sent
                tally.first_at = old.first_at


def write_fetches(session: Session, batch: Sequence[tuple[FetchKey, Tally]]) -> None:
    """Add a batch to the tables; what belongs to a subscription that was erased is dropped."""
    ordered = sorted(batch, key=lambda pair: pair[0])
    alive = _lock_subscriptions(session, {key.subscription_id for key, _ in ordered})
    rows = [
        {
            **key._asdict(),
            "count": tally.count,
            "bytes_sent": tally.bytes_sent,
            "first_at": tally.first_at,
            "last_at": tally.last_at,
        }
        for key, tally in ordered
        if key.subscription_id in alive
    ]
    if rows:
        _add_up(session, rows)
        _note_last(session, rows)


def _lock_subscriptions(session: Session, ids: set[int]) -> set[int]:
    """Answer which of them exist, and keep them from going until we commit."""
    query = (
        select(Subscription.id)
        .where(Subscription.id.in_(ids))
        .order_by(Subscription.id)
        .with_for_update(read=True, key_share=True)
    )
    return set(session.scalars(query))


def _add_up(session: Session, rows: Sequence[Mapping[str, object]]) -> CursorResult[Any]:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(Fetches)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=list(FetchKey._fields),
        set_={
            "count": Fetches.count + new.count,
            "bytes_sent": Fetches.bytes_sent + new.bytes_sent,
            "last_at": new.last_at,
        },
    )
    return session.connection().execute(statement, rows)


def _note_last(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Keep the last sign of life of each subscription's app; an older one changes nothing."""
    last: dict[object, Mapping[str, object]] = {}
    for row in rows:
        known = last.get(row["subscription_id"])
        if known is None or row["last_at"] > known["last_at"]:  # type: ignore[operator]  # (instants both)
            last[row["subscription_id"]] = row
    table = Subscription.__table__
    statement = (
        update(Subscription)
        .where(
            table.c.id == bindparam("row_id"),
            or_(table.c.last_fetch_at.is_(None), table.c.last_fetch_at < bindparam("at")),
        )
        .values(last_fetch_at=bindparam("at"), last_app=bindparam("by"))
    )
    session.connection().execute(
        statement,
        [{"row_id": key, "at": row["last_at"], "by": row["app"]} for key, row in last.items()],
    )
