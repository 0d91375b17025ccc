"""The one query of the hot path: how a subscription stands, by the random id of a feed address.

Ten thousand apps poll every quarter of an hour, so this is a prepared statement on a driver's own
connection, one per thread: no session, no pool, no rows turned into objects. Values come as the
driver has them, instants as text; who needs one of them reads it.
"""

from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import Engine

from app.errors import CadansError

# A poll waits this long for a database that does not answer, then says 503.
CONNECT_SECONDS: Final = 3
STATEMENT_MS: Final = 5_000
CONNECTIONS: Final = 4
# Measured with 100,000 subscriptions (110 MB): together a third off the query's time. Negative
# means KiB to SQLite (sqlite.org/pragma.html#pragma_cache_size, read 2026-11).
SQLITE_MAP_BYTES: Final = 2**30
SQLITE_CACHE_KIB: Final = -8_000
# Both statements look up single rows by index: planned once, and started at the least cost.
POSTGRES_OPTIONS: Final = (
    "-c timezone=UTC -c plan_cache_mode=force_generic_plan"
    " -c enable_bitmapscan=off -c enable_seqscan=off -c jit=off"
)


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
        "parameter": "$1",
    },
}


class StandingReader:
    """Asks, on a few connections that the threads of this process take in turn. Only reads.

    A query takes far less than the rest of a request, so a few connections keep many threads busy;
    more of them only cost the database memory and switches.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._failure: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._kind = _Sqlite if engine.dialect.name == "sqlite" else _Postgres
        # None is a connection that is yet to be opened.
        self._free: SimpleQueue[_Sqlite | _Postgres | None] = SimpleQueue()
        for _ in range(CONNECTIONS):
            self._free.put(None)

    def find(self, random_id: bytes) -> Standing | None:
        """Answer how the address with this random id stands; None: there is none.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        standing: Standing | None = self._ask("find", random_id)
        return standing

    def is_erased(self, digest: bytes) -> bool:
        """Whether an address with this digest was erased.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        return bool(self._ask("is_erased", digest))

    def close(self) -> None:
        """Close every connection once it is free; a later question opens a new one."""
        for _ in range(CONNECTIONS):
            connection = self._free.get()
            if connection is not None:
                connection.close()
        for _ in range(CONNECTIONS):
            self._free.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _ask(self, question: str, parameter: bytes) -> Any:  # noqa: ANN401 (what the question answers)
        try:
            connection = self._free.get(timeout=STATEMENT_MS / 1000)
        except Empty as error:
            raise DatabaseUnreachable("every connection waits for an answer") from error
        try:
            if connection is not None:
                try:
                    return getattr(connection, question)(parameter)
                except self._failure:
                    # A server that was restarted broke our connection; a new one may do.
                    connection.close()
                    connection = None
            connection = self._kind(self._engine)
            return getattr(connection, question)(parameter)
        except self._failure as error:
            if connection is not None:
                connection.close()
                connection = None
            raise DatabaseUnreachable(type(error).__name__) from error
        finally:
            self._free.put(connection)


class _Sqlite:
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

    def find(self, random_id: bytes) -> Standing | None:
        row = self._cursor.execute(self._find, (random_id,)).fetchone()
        return None if row is None else Standing._make(row)

    def is_erased(self, digest: bytes) -> bool:
        return self._cursor.execute(self._erased, (digest,)).fetchone() is not None

    def close(self) -> None:
        self._connection.close()


class _Postgres:
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
        self._connection = driver.connect(*positional, **named)
        self._libpq = self._connection.pgconn
        self._tuples = driver.pq.ExecStatus.TUPLES_OK
        for name, query in ((b"find", _SELECT), (b"erased", _ERASED)):
            prepared = self._libpq.prepare(
                name, query.format(**_DIALECTS["postgresql"]).encode(), None
            )
            if prepared.status != driver.pq.ExecStatus.COMMAND_OK:
                self.close()
                raise self._failure("the statement could not be prepared")

    def find(self, random_id: bytes) -> Standing | None:
        result = self._call(b"find", random_id)
        if result.ntuples == 0:
            return None
        value = result.get_value
        row = [
            None if (text := value(0, column)) is None else read(text) for column, read in _READERS
        ]
        return Standing._make(row)

    def is_erased(self, digest: bytes) -> bool:
        return bool(self._call(b"erased", digest).ntuples)

    def close(self) -> None:
        self._connection.close()

    def _call(self, name: bytes, parameter: bytes) -> Any:  # noqa: ANN401 (the driver's result)
        result = self._libpq.exec_prepared(name, [parameter], [1])
        if result.status != self._tuples:
            raise self._failure("the statement failed")
        return result


# libpq gives every value as text: how each column is read.
_READERS: Final = tuple(
    (column, int if "int" in str(kind) else bytes.decode)
    for column, kind in enumerate(Standing.__annotations__.values())
)


def read_instant(text: str) -> datetime:
    """Answer an instant of a `Standing`, aware and in UTC."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
