"""The one query of the hot path: how a subscription stands, by the random id of a feed address.

Ten thousand apps poll every quarter of an hour, so this is a prepared statement on a driver's own
connection: no session, no pool, no rows turned into objects. Requests that wait for a connection at
the same moment are asked about together by the first of them, because what a question costs is
mostly the way to the database and back. Values come as the driver has them, instants as text; who
needs one of them reads it.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import Engine

from app.errors import CadansError

# A poll waits this long for a database that does not answer, then says 503.
CONNECT_SECONDS: Final = 3
STATEMENT_MS: Final = 5_000
# How many questions may be under way at once. More of them ask less together: with PostgreSQL a
# question for eight costs each of them a quarter of one for itself (measured on its socket).
LANES: Final = {"sqlite": 4, "postgresql": 1}
# A statement for more than this holds up the first who asked.
MOST_TOGETHER: Final = 64
# Measured with 100,000 subscriptions (110 MB): together a third off the query's time. Negative
# means KiB to SQLite (sqlite.org/pragma.html#pragma_cache_size, read 2026-11).
SQLITE_MAP_BYTES: Final = 2**30
SQLITE_CACHE_KIB: Final = -8_000
# Both statements look up rows by index: planned once, and started at the least cost.
POSTGRES_OPTIONS: Final = (
    "-c timezone=UTC -c plan_cache_mode=force_generic_plan"
    " -c enable_bitmapscan=off -c enable_seqscan=off -c jit=off"
)


# How libpq is told to read a parameter.
_TEXT: Final = 0
_BINARY: Final = 1


class DatabaseUnreachable(CadansError):
    """The database does not answer, or not in time."""


class Standing(NamedTuple):
    """How things stand with one feed address and its subscription, at one instant.

    `..._at` is ISO text, see `read_instant`; None as in the tables. `unlocks`: recorded ones as
    `<pub_at> <lesson id>`, comma between, in no order; None when there is none.
    `pauses`: `<first day>/<day of resuming or nothing>`, comma between; None when there is none.
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
        "pauses": "group_concat(p.starts_on || '/' || coalesce(p.ends_on, ''))",
        "overrides": "group_concat(o.unlock_at || ' ' || o.lesson_id)",
        "more": "",
        "wanted": "?",
        "digest": "?",
    },
    "postgresql": {
        "unlocks": "string_agg(u.pub_at || ' ' || u.lesson_id, ',')",
        "pauses": "string_agg(p.starts_on || '/' || coalesce(p.ends_on::text, ''), ',')",
        "overrides": "string_agg(o.unlock_at || ' ' || o.lesson_id, ',')",
        # Which of them this row is about.
        "more": ", encode(a.random_id, 'hex')",
        "wanted": "ANY($1::bytea[])",
        "digest": "$1",
    },
}


class StandingReader:
    """Asks, on a few connections that the threads of this process share. Only reads."""

    def __init__(self, engine: Engine) -> None:
        name = engine.dialect.name
        self._lanes = [_Lane(engine, _KINDS[name]) for _ in range(LANES[name])]

    def find(self, random_id: bytes) -> Standing | None:
        """Answer how the address with this random id stands; None: there is none.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        return self._lane().find(random_id)

    def is_erased(self, digest: bytes) -> bool:
        """Whether an address with this digest was erased.

        Raises:
            DatabaseUnreachable: now, and once more on a new connection.
        """
        return self._lane().is_erased(digest)

    def close(self) -> None:
        """Close every connection once it is free; a later question opens a new one."""
        for lane in self._lanes:
            lane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _lane(self) -> "_Lane":
        return self._lanes[threading.get_native_id() % len(self._lanes)]


class _Ticket:
    """One question about one address, and what became of it."""

    __slots__ = ("_news", "error", "is_answered", "random_id", "standing")

    def __init__(self, random_id: bytes) -> None:
        self.random_id = random_id
        self.is_answered = False
        self.standing: Standing | None = None
        self.error: DatabaseUnreachable | None = None
        self._news = threading.Lock()
        self._news.acquire()

    def wait(self) -> bool:
        """Wait until it is answered, or its holder's turn to ask; False: for too long."""
        # Twice: whoever is ahead may need a new connection.
        return self._news.acquire(timeout=2 * STATEMENT_MS / 1000)

    def wake(self) -> None:
        """Let its holder look."""
        # Woken twice before she looks: once is enough.
        with suppress(RuntimeError):
            self._news.release()


class _Lane:
    """One connection, and those who wait for it: whoever has the turn asks for all of them.

    Who waits is woken by name, and the next one asks while the others take their answers away.
    """

    def __init__(self, engine: Engine, kind: "type[_Sqlite | _Postgres]") -> None:
        self._engine = engine
        self._kind = kind
        self._failure: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._turn = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        # None: yet to be opened.
        self._connection: _Sqlite | _Postgres | None = None

    def find(self, random_id: bytes) -> Standing | None:
        ticket = _Ticket(random_id)
        # First in the row, then for the turn: whoever gives it back looks at the row after that.
        self._waiting.append(ticket)
        while not ticket.is_answered:
            if self._turn.acquire(blocking=False):
                self._lead(ticket)
            elif not ticket.wait():
                self._leave(ticket)
                raise DatabaseUnreachable("whoever asked before still waits for an answer")
        if ticket.error is not None:
            raise DatabaseUnreachable(*ticket.error.args) from ticket.error
        return ticket.standing

    def is_erased(self, digest: bytes) -> bool:
        if not self._turn.acquire(timeout=2 * STATEMENT_MS / 1000):
            raise DatabaseUnreachable("whoever asked before still waits for an answer")
        try:
            return bool(self._ask("is_erased", digest))
        finally:
            self._give_turn_back()

    def close(self) -> None:
        with self._turn:
            self._drop_connection()

    def _lead(self, ticket: _Ticket) -> None:
        try:
            # Asked about by somebody before us, or still to be asked about: by us.
            while not ticket.is_answered:
                self._answer_waiting()
        finally:
            self._give_turn_back()

    def _give_turn_back(self) -> None:
        self._turn.release()
        with suppress(IndexError):
            self._waiting[0].wake()

    def _leave(self, ticket: _Ticket) -> None:
        """Take a ticket out of the row; its turn, if it had come just now, is the next one's."""
        with suppress(ValueError):
            self._waiting.remove(ticket)
        with suppress(IndexError):
            self._waiting[0].wake()

    def _answer_waiting(self) -> None:
        self._let_others_join()
        count = min(len(self._waiting), MOST_TOGETHER)
        tickets = [self._waiting.popleft() for _ in range(count)]
        found: Mapping[bytes, Standing] = {}
        # Whatever happens, nobody waits for an answer that does not come.
        error: DatabaseUnreachable | None = DatabaseUnreachable("the question could not be asked")
        try:
            found = self._ask("find", [ticket.random_id for ticket in tickets])
            error = None
        except DatabaseUnreachable as raised:
            error = raised
        finally:
            for ticket in tickets:
                ticket.standing, ticket.error = found.get(ticket.random_id), error
                ticket.is_answered = True
                ticket.wake()

    def _let_others_join(self) -> None:
        """Give way while more of them come: nothing lost when nobody does."""
        seen = 0
        while seen < (seen := len(self._waiting)) < MOST_TOGETHER:
            time.sleep(0)

    def _ask(self, question: str, parameter: object) -> Any:  # noqa: ANN401 (what the question answers)
        if self._connection is not None:
            try:
                return getattr(self._connection, question)(parameter)
            except self._failure:
                # A server that was restarted broke our connection; a new one may do.
                self._drop_connection()
        try:
            self._connection = self._kind(self._engine)
            return getattr(self._connection, question)(parameter)
        except self._failure as error:
            self._drop_connection()
            raise DatabaseUnreachable(type(error).__name__) from error

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


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

    def find(self, random_ids: Iterable[bytes]) -> Mapping[bytes, Standing]:
        ask = self._cursor.execute
        # No way to go here, so each is looked up by itself.
        rows = [(each, ask(self._find, (each,)).fetchone()) for each in random_ids]
        return {each: Standing._make(row) for each, row in rows if row is not None}

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

    def find(self, random_ids: Sequence[bytes]) -> Mapping[bytes, Standing]:
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
        return bool(self._call(b"erased", digest, _BINARY).ntuples)

    def close(self) -> None:
        self._connection.close()

    def _call(self, name: bytes, parameter: bytes, form: int) -> Any:  # noqa: ANN401 (the driver's result)
        result = self._libpq.exec_prepared(name, [parameter], [form])
        if result.status != self._tuples:
            raise self._failure("the statement failed")
        return result


_KINDS: Final[Mapping[str, type[_Sqlite | _Postgres]]] = {
    "sqlite": _Sqlite,
    "postgresql": _Postgres,
}

# libpq gives every value as text: how each column is read.
_READERS: Final = tuple(
    (column, int if "int" in str(kind) else bytes.decode)
    for column, kind in enumerate(Standing.__annotations__.values())
)


def read_instant(text: str) -> datetime:
    """Answer an instant of a `Standing`, aware and in UTC."""
    instant = datetime.fromisoformat(text)
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
