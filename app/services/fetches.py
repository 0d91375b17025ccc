"""What was fetched, by which app: counted in the process, written in batches, never in a request.

A process that is killed loses what it counted since its last batch: some seconds of statistics.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, or_, select, text, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from app.db.models import Fetches, Subscription

FEED: Final = "feed"
# What was asked of an address that was replaced: no sign of how its owner listens.
CLOSED: Final = "closed"
# From so many places one thing is fetched in a moment that more of them say nothing new.
MOST_ADDRESSES: Final = 64


class FetchKey(NamedTuple):
    """What is counted together: one thing, one app, one outcome, one day (UTC)."""

    subscription_id: int
    fetched_on: date
    resource: str
    app: str
    status: int


class Caller(NamedTuple):
    """Who fetched with an address in use: its network address, and for how many it says it does."""

    client_address: str
    subscribers: int = 0


@dataclass(slots=True)
class Tally:
    """How often, how much, and between which instants; from where, only until it is written."""

    count: int
    bytes_sent: int
    first_at: datetime
    last_at: datetime
    # A tuple: nearly always there is one, and 200,000 of these wait in a storm of polls.
    client_addresses: tuple[str, ...] = ()
    subscribers: int = 0

    def note(self, addresses: Iterable[str], subscribers: int) -> None:
        """Remember who fetched."""
        for address in addresses:
            if address not in self.client_addresses:
                self.client_addresses = (*self.client_addresses, address)[:MOST_ADDRESSES]
        self.subscribers = max(self.subscribers, subscribers)


class FetchBuffer:
    """Counts in memory; safe for many threads. Once `most` things are counted, no new ones are."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._tallies: dict[FetchKey, Tally] = {}

    def __len__(self) -> int:
        """How many different things are counted."""
        return len(self._tallies)

    def count(
        self, key: FetchKey, *, bytes_sent: int, at: datetime, caller: Caller | None = None
    ) -> None:
        """Count one fetch; `caller` None: where from is not looked at."""
        with self._lock:
            tally = self._tallies.get(key)
            if tally is None:
                if len(self._tallies) >= self._most:
                    return
                tally = self._tallies[key] = Tally(0, 0, at, at)
            tally.count += 1
            tally.bytes_sent += bytes_sent
            tally.last_at = at
            if caller is not None:
                tally.note((caller.client_address,), caller.subscribers)

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
                tally.note(old.client_addresses, old.subscribers)


def write_fetches(
    session: Session, batch: Sequence[tuple[FetchKey, Tally]]
) -> list[tuple[FetchKey, Tally]]:
    """Add a batch to the tables, and answer what was added.

    What belongs to a subscription that was erased is dropped.
    """
    ordered = sorted(batch, key=lambda pair: pair[0])
    alive = _lock_subscriptions(session, {key.subscription_id for key, _ in ordered})
    written = [pair for pair in ordered if pair[0].subscription_id in alive]
    rows: list[dict[str, Any]] = [
        {
            **key._asdict(),
            "count": tally.count,
            "bytes_sent": tally.bytes_sent,
            "first_at": tally.first_at,
            "last_at": tally.last_at,
        }
        for key, tally in written
    ]
    if rows:
        _add_up(session, rows)
        _note_last(session, rows)
    return written


def _lock_subscriptions(session: Session, ids: set[int]) -> set[int]:
    """Answer which of them exist, and keep them from going until we commit."""
    query = (
        select(Subscription.id)
        .where(Subscription.id.in_(ids))
        .order_by(Subscription.id)
        .with_for_update(read=True, key_share=True)
    )
    return set(session.scalars(query))


def _add_up(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add counts to what stands there."""
    if session.get_bind().dialect.name == "postgresql":
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        session.execute(_ADD_UP_POSTGRES, columns)
        return
    statement: Any = sqlite.insert(Fetches)
    new = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=list(FetchKey._fields),
        set_={
            "count": Fetches.count + new.count,
            "bytes_sent": Fetches.bytes_sent + new.bytes_sent,
            "last_at": new.last_at,
        },
    )
    session.connection().execute(statement, rows)


def _note_last(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep the last sign of life of each subscription's app; an older one changes nothing."""
    last: dict[int, Mapping[str, Any]] = {}
    for row in rows:
        known = last.get(row["subscription_id"])
        if known is None or row["last_at"] > known["last_at"]:
            last[row["subscription_id"]] = row
    found = [{"row_id": key, "at": row["last_at"], "by": row["app"]} for key, row in last.items()]
    if session.get_bind().dialect.name == "postgresql":
        columns = {name: [each[name] for each in found] for name in ("row_id", "at", "by")}
        session.execute(_NOTE_LAST_POSTGRES, columns)
        return
    table = Subscription.__table__
    statement = (
        update(Subscription)
        .where(
            table.c.id == bindparam("row_id"),
            or_(table.c.last_fetch_at.is_(None), table.c.last_fetch_at < bindparam("at")),
        )
        .values(last_fetch_at=bindparam("at"), last_app=bindparam("by"))
    )
    session.connection().execute(statement, found)


# One statement for a whole batch: a round trip for each row cost more than all the polls it counts.
_ADD_UP_POSTGRES: Final = text("""
    INSERT INTO fetches (subscription_id, fetched_on, resource, app, status,
                         count, bytes_sent, first_at, last_at)
    SELECT * FROM unnest(
        CAST(:subscription_id AS bigint[]), CAST(:fetched_on AS date[]),
        CAST(:resource AS text[]), CAST(:app AS text[]), CAST(:status AS int[]),
        CAST(:count AS int[]), CAST(:bytes_sent AS bigint[]),
        CAST(:first_at AS timestamptz[]), CAST(:last_at AS timestamptz[]))
    ON CONFLICT (subscription_id, fetched_on, resource, app, status) DO UPDATE SET
        count = fetches.count + excluded.count,
        bytes_sent = fetches.bytes_sent + excluded.bytes_sent,
        last_at = excluded.last_at
""")
_NOTE_LAST_POSTGRES: Final = text("""
    UPDATE subscriptions AS s SET last_fetch_at = new.at, last_app = new.by
    FROM unnest(CAST(:row_id AS bigint[]), CAST(:at AS timestamptz[]), CAST(:by AS text[]))
        AS new(id, at, by)
    WHERE s.id = new.id AND (s.last_fetch_at IS NULL OR s.last_fetch_at < new.at)
""")
