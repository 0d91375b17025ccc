"""The one query of the hot path: how a subscription stands, by the random id of a feed address.

Ten thousand apps poll every quarter of an hour, so this is a prepared statement on a driver's own
connection, one per thread: no session, no pool, no rows turned into objects. Values come as the
driver has them, instants as text; who needs one of them reads it.
"""

import threading
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import Engine

from app.errors import CadansError

# A poll waits this long for a database that does not answer, then says 503.
CONNECT_SECONDS: Final = 3
STATEMENT_MS: Final = 5_000
# Measured with 100,000 subscriptions (110 MB): together a third off the query's time. Negative
# means KiB to SQLite (sqlite.org/pragma.html#pragma_cache_size, read 2026-11).
SQLITE_MAP_BYTES: Final = 2**30
SQLITE_CACHE_KIB: Final = -8_000


class DatabaseUnreachable(CadansError):
    """The database does not answer, or not in time."""


class Standing(NamedTuple):
    """How things stand with one feed address and its subscription, at one instant.

    `..._at` is ISO text, see `read_instant`; None as in the tables. `unlocks`: recorded ones as
    `<pub_at> <lesson id>`, comma between, in no order; None when there is none.
    `pauses`: `<first day>/<day of resuming or nothing>`, comma between; None when there is none.
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
    unlocks: str | None
    pauses: str | None


_SELECT: Final = """
SELECT s.id, s.course_id, c.revision, c.plan_revision, s.revision, s.next_unlock_plan,
  CAST(s.next_unlock_at AS TEXT), CAST(s.ended_at AS TEXT), s.end_reason,
  a.key_number, CAST(a.retired_at AS TEXT), a.reason,
  CAST(s.public_id AS TEXT), CAST(s.started_at AS TEXT), CAST(s.revised_at AS TEXT), s.zone,
  s.pace_kind, s.pace_every_days, s.pace_weekday, s.pace_hour,
  (SELECT {unlocks} FROM unlocks u WHERE u.subscription_id = s.id),
  (SELECT {pauses} FROM pauses p WHERE p.subscription_id = s.id)
FROM feed_addresses a
JOIN subscriptions s ON s.id = a.subscription_id
JOIN courses c ON c.id = s.course_id
WHERE a.random_id = {parameter}
"""
_ERASED: Final = "SELECT 1 FROM erased_addresses WHERE sha256 = {parameter}"

_DIALECTS: Final = {
    "sqlite": {
        "unlocks": "group_concat(u.pub_at || ' ' || u.lesson_id)",
        "pauses": "group_concat(p.starts_on || '/' || coalesce(p.ends_on, ''))",
        "parameter": "?",
    },
    "postgresql": {
        "unlocks": "string_agg(u.pub_at || ' ' || u.lesson_id, ',')",
        "pauses": "string_agg(p.starts_on || '/' || coalesce(p.ends_on::text, ''), ',')",
        "parameter": "%s",
    },
}


class StandingReader:
    """Asks, on a connection of this thread alone. Only reads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._driver: Any = engine.dialect.loaded_dbapi
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._local = threading.local()
        self._opened: list[Any] = []
        dialect = _DIALECTS[engine.dialect.name]
        self._select = _SELECT.format(**dialect)
        self._erased = _ERASED.format(**dialect)

    def find(self, random_id: bytes) -> Standing | None:
        """Answer how the address with this random id stands; None: there is none.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        row = self._ask(self._select, random_id)
        return None if row is None else Standing._make(row)

    def is_erased(self, digest: bytes) -> bool:
        """Whether an address with this digest was erased.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        return self._ask(self._erased, digest) is not None

    def close(self) -> None:
        """Close every connection; a later question opens a new one."""
        while self._opened:
            self._opened.pop().close()
        self._local = threading.local()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _ask(self, query: str, parameter: bytes) -> Any:  # noqa: ANN401 (a driver's row)
        try:
            try:
                cursor = self._local.cursor
            except AttributeError:
                return self._ask_anew(query, parameter)
            return cursor.execute(query, (parameter,)).fetchone()
        except self._driver.Error:
            # A server that was restarted broke our connection; a new one may do.
            return self._ask_anew(query, parameter)

    def _ask_anew(self, query: str, parameter: bytes) -> Any:  # noqa: ANN401 (a driver's row)
        self._drop()
        try:
            connection = self._connect()
            self._opened.append(connection)
            self._local.connection = connection
            self._local.cursor = connection.cursor()
            return self._local.cursor.execute(query, (parameter,)).fetchone()
        except self._driver.Error as error:
            self._drop()
            raise DatabaseUnreachable(type(error).__name__) from error

    def _drop(self) -> None:
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            del self._local.connection
            del self._local.cursor
            self._opened.remove(connection)
            connection.close()

    def _connect(self) -> Any:  # noqa: ANN401 (a driver's connection)
        positional, named = self._engine.dialect.create_connect_args(self._engine.url)
        if self._is_sqlite:
            named.update(isolation_level=None, check_same_thread=False)
            connection = self._driver.connect(*positional, **named)
            connection.execute(f"PRAGMA busy_timeout={STATEMENT_MS}")
            connection.execute("PRAGMA query_only=ON")
            # Pages are read where the kernel keeps them, for all threads and processes at once.
            connection.execute(f"PRAGMA mmap_size={SQLITE_MAP_BYTES}")
            connection.execute(f"PRAGMA cache_size={SQLITE_CACHE_KIB}")
            return connection
        named.update(
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            options=f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC",
        )
        connection = self._driver.connect(*positional, **named)
        # Prepare at once: these two are all that this connection will ever be asked.
        connection.prepare_threshold = 0
        return connection


def read_instant(text: str) -> datetime:
    """Answer an instant of a `Standing`, aware and in UTC."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
