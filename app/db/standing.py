"""The one query of the hot path: how a subscription stands, by the random id of a feed address.

A prepared statement on a driver's own connection: no session, no pool, no rows turned into objects.
Values come as the driver has them, instants as text; who needs one of them reads it.
"""

import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine

from app.errors import CadansError

# A poll waits this long for a database that does not answer, then says 503.
CONNECT_SECONDS: Final = 3
STATEMENT_MS: Final = 5_000
# A server that stands still does not even end its statements: then we go, a moment later.
SILENCE_MS: Final = STATEMENT_MS + 500
LOOK_SECONDS: Final = 0.5
# Measured with 100,000 subscriptions (110 MB): together a third off the query's time. Negative
# means KiB to SQLite (sqlite.org/pragma.html#pragma_cache_size, read 2026-11).
SQLITE_MAP_BYTES: Final = 2**30
SQLITE_CACHE_KIB: Final = -8_000
# Both statements look up rows by index: planned once, and started at the least cost.
POSTGRES_OPTIONS: Final = (
    "-c timezone=UTC -c plan_cache_mode=force_generic_plan"
    " -c enable_bitmapscan=off -c enable_seqscan=off -c jit=off"
)


# SQLSTATE deadlock_detected: who changes the tables, as an upgrade does, holds what we ask for and
# waits for what we hold.
_DEADLOCK: Final = "40P01"

# How libpq is told to read a parameter.
_TEXT: Final = 0
_BINARY: Final = 1


class DatabaseUnreachable(CadansError):
    """The database does not answer, or not in time."""


class Standing(NamedTuple):
    """How things stand with one feed address and its subscription, at one instant.

    `..._at` is ISO text, see `read_instant`; None as in the tables. `unlocks`: recorded ones as
    `<pub_at> <lesson id>`, comma between, in no order; None when there is none.
    `pauses`: `<first day>/<day of resuming>/<pub_at>/<resumed_pub_at>`, each but the first may be
    nothing, comma between; None when there is none.
    `overrides`: `<unlock_at> <lesson id>`, as `unlocks`.
    """

    subscription_id: int
    course_id: int
    course_revision: int
    plan_revision: int
    revision: int
    next_unlock_plan: int
    next_unlock_at: str | None
    ended_at: str | None
    end_reason: str | None
    key_number: int
    retired_at: str | None
    retire_reason: str | None
    public_id: str
    started_at: str
    revised_at: str
    zone: str
    pace_kind: str | None
    pace_every_days: int | None
    pace_weekday: int | None
    pace_hour: int | None
    pace_place: int | None
    pace_slot_at: str | None
    paced_at: str | None
    unlocks: str | None
    pauses: str | None
    overrides: str | None


_SELECT: Final = """
SELECT s.id, s.course_id, c.revision, c.plan_revision, s.revision, s.next_unlock_plan,
  CAST(s.next_unlock_at AS TEXT), CAST(s.ended_at AS TEXT), s.end_reason,
  a.key_number, CAST(a.retired_at AS TEXT), a.reason,
  CAST(s.public_id AS TEXT), CAST(s.started_at AS TEXT), CAST(s.revised_at AS TEXT), s.zone,
  s.pace_kind, s.pace_every_days, s.pace_weekday, s.pace_hour,
  s.pace_place, CAST(s.pace_slot_at AS TEXT), CAST(s.paced_at AS TEXT),
  (SELECT {unlocks} FROM unlocks u WHERE u.subscription_id = s.id),
  (SELECT {pauses} FROM pauses p WHERE p.subscription_id = s.id),
  (SELECT {overrides} FROM overrides o WHERE o.subscription_id = s.id){more}
FROM feed_addresses a
JOIN subscriptions s ON s.id = a.subscription_id
JOIN courses c ON c.id = s.course_id
WHERE a.random_id = {wanted}
"""
_ERASED: Final = "SELECT 1 FROM erased_addresses WHERE sha256 = {digest}"

_DIALECTS: Final = {
    "sqlite": {
        "unlocks": "group_concat(u.pub_at || ' ' || u.lesson_id)",
        "pauses": (
            "group_concat(p.starts_on || '/' || coalesce(p.ends_on, '')"
            " || '/' || coalesce(p.pub_at, '') || '/' || coalesce(p.resumed_pub_at, ''))"
        ),
        "overrides": "group_concat(o.unlock_at || ' ' || o.lesson_id)",
        "more": "",
        "wanted": "?",
        "digest": "?",
    },
    "postgresql": {
        "unlocks": "string_agg(u.pub_at || ' ' || u.lesson_id, ',')",
        "pauses": (
            "string_agg(concat_ws('/', p.starts_on, coalesce(p.ends_on::text, ''),"
            " coalesce(p.pub_at::text, ''), coalesce(p.resumed_pub_at::text, '')), ',')"
        ),
        "overrides": "string_agg(o.unlock_at || ' ' || o.lesson_id, ',')",
        # Which of them this row is about.
        "more": ", encode(a.random_id, 'hex')",
        "wanted": "ANY($1::bytea[])",
        "digest": "$1",
    },
}


class SqliteStandings:
    """One connection to SQLite; the driver keeps the statements prepared."""

    def __init__(self, engine: Engine) -> None:
        positional, named = engine.dialect.create_connect_args(engine.url)
        named.update(isolation_level=None, check_same_thread=False)
        self._connection: Any = engine.dialect.loaded_dbapi.connect(*positional, **named)
        for pragma in (
            f"busy_timeout={STATEMENT_MS}",
            "query_only=ON",
            # Pages are read where the kernel keeps them, for all threads and processes at once.
            f"mmap_size={SQLITE_MAP_BYTES}",
            f"cache_size={SQLITE_CACHE_KIB}",
        ):
            self._connection.execute(f"PRAGMA {pragma}")
        self._cursor: Any = self._connection.cursor()
        self._find = _SELECT.format(**_DIALECTS["sqlite"])
        self._erased = _ERASED.format(**_DIALECTS["sqlite"])

    def find(self, random_ids: Iterable[bytes]) -> Mapping[bytes, Standing]:
        """Answer how each of these addresses stands that there is."""
        ask = self._cursor.execute
        # No way to go here, so each is looked up by itself.
        rows = [(each, ask(self._find, (each,)).fetchone()) for each in random_ids]
        return {each: Standing._make(row) for each, row in rows if row is not None}

    def is_erased(self, digest: bytes) -> bool:
        """Whether an address with this digest was erased."""
        return self._cursor.execute(self._erased, (digest,)).fetchone() is not None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class PostgresStandings:
    """One connection to PostgreSQL; its statements are prepared at once, and called through libpq.

    The driver's cursor costs more than the server's work; its `pgconn` does not (psycopg 3,
    "pq -- libpq wrapper module", read 2026-11).
    """

    def __init__(self, engine: Engine) -> None:
        positional, named = engine.dialect.create_connect_args(engine.url)
        named.update(
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=STATEMENT_MS,
            options=f"-c statement_timeout={STATEMENT_MS} {POSTGRES_OPTIONS}",
        )
        driver: Any = engine.dialect.loaded_dbapi
        self._failure = driver.OperationalError
        self._why = driver.errors.error_from_result
        self._connection = driver.connect(*positional, **named)
        self._libpq = self._connection.pgconn
        self._is_closed = threading.Event()
        # Since when we wait for the server, on this process's own clock; 0: we do not.
        self._asked_at = time.monotonic()
        threading.Thread(target=self._watch, name="cadans-silence", daemon=True).start()
        self._tuples = driver.pq.ExecStatus.TUPLES_OK
        for name, query in ((b"find", _SELECT), (b"erased", _ERASED)):
            prepared = self._libpq.prepare(
                name, query.format(**_DIALECTS["postgresql"]).encode(), None
            )
            if prepared.status != driver.pq.ExecStatus.COMMAND_OK:
                self.close()
                raise self._why(prepared)
        self._asked_at = 0.0

    def find(self, random_ids: Sequence[bytes]) -> Mapping[bytes, Standing]:
        """Answer how each of these addresses stands that there is."""
        # An array as text, each value in its own notation (PostgreSQL 15, sections 8.15.2 and 8.4).
        array = b"{%b}" % b",".join(b'"\\\\x%b"' % each.hex().encode() for each in random_ids)
        result = self._call(b"find", array, _TEXT)
        value = result.get_value
        found = {}
        for row in range(result.ntuples):
            columns = [
                None if (text := value(row, column)) is None else read(text)
                for column, read in _READERS
            ]
            found[bytes.fromhex(value(row, len(_READERS)).decode())] = Standing._make(columns)
        return found

    def is_erased(self, digest: bytes) -> bool:
        """Whether an address with this digest was erased."""
        return bool(self._call(b"erased", digest, _BINARY).ntuples)

    def close(self) -> None:
        """Close the connection."""
        self._is_closed.set()
        self._connection.close()

    def _watch(self) -> None:
        """Break the connection off when a question gets no answer: who asked waits in libpq."""
        while not self._is_closed.wait(LOOK_SECONDS):
            asked_at = self._asked_at
            if asked_at and time.monotonic() - asked_at > SILENCE_MS / 1000:
                self._break_off()
                return

    def _break_off(self) -> None:
        # A second handle on the wire: whoever asked closes her own, in her own time.
        with (
            suppress(OSError, self._failure),
            socket.socket(fileno=os.dup(self._libpq.socket)) as wire,
        ):
            wire.shutdown(socket.SHUT_RDWR)

    def _call(self, name: bytes, parameter: bytes, form: int) -> Any:  # noqa: ANN401 (the driver's result)
        self._asked_at = time.monotonic()
        result = self._libpq.exec_prepared(name, [parameter], [form])
        self._asked_at = 0.0
        if result.status != self._tuples:
            raise self._why(result)
        return result


def is_passing(error: Exception) -> bool:
    """Whether the database is there, and only gave no answer to this question just then."""
    return getattr(error, "sqlstate", None) == _DEADLOCK


KINDS: Final[Mapping[str, type[SqliteStandings | PostgresStandings]]] = {
    "sqlite": SqliteStandings,
    "postgresql": PostgresStandings,
}

# libpq gives every value as text: how each column is read.
_READERS: Final = tuple(
    (column, int if "int" in str(kind) else bytes.decode)
    for column, kind in enumerate(Standing.__annotations__.values())
)


def read_instant(text: str) -> datetime:
    """Answer an instant of a `Standing`, aware and in UTC."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is UTC:
        return instant
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
