"""The engine and its two kinds of transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from app.errors import CadansError

# How long a writer waits for the other one before it gives up: SQLite has one writer at a time.
SQLITE_BUSY_MS = 10_000
# Of a PostgreSQL whose machine is gone we hear nothing, not even that (libpq's defaults wait for
# minutes or for ever; PostgreSQL 15, section 34.1.2).
POSTGRES_PATIENCE = {
    "connect_timeout": 5,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}

# What is raised when the database does not answer, or not in time, or has no connection left.
DATABASE_AWAY: Final = (OperationalError, InterfaceError, NoneFree)


class BrokenKeys(CadansError):
    """A migration left rows that point at nothing; nothing of it was kept."""

    def __init__(self, tables: Sequence[str]) -> None:
        self.tables = tuple(tables)
        super().__init__(f"rows of {', '.join(tables)} point at nothing")


class Database:
    """The tables of one house. A transaction ends where its `with` block ends.

    `reading()` never waits for a writer. `writing()` takes SQLite's write lock at its start: a
    transaction that reads first and writes later fails there when another one wrote between.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._for_writing = engine.execution_options(cadans_begin="BEGIN IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a transaction that only reads; whatever was changed in it is thrown away."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Open a transaction, committed at its end, rolled back when anything is raised."""
        with Session(self._for_writing, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def connect_for_writing(self) -> Iterator[Connection]:
        """Open a connection without ORM, committed at the end: for migrations and bulk work."""
        with self._for_writing.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def connect_for_migrating(self) -> Iterator[Connection]:
        """Open a connection that changes tables, committed at the end.

        SQLite alters a table by copying it and dropping the old one. With foreign keys on, the drop
        would delete what hangs on its rows (sqlite.org/lang_altertable.html, section 7), so they
        are off meanwhile and looked over at the end.
        """
        with self._for_writing.connect() as connection:
            _enforce_keys(connection, is_on=False)
            try:
                with connection.begin():
                    yield connection
                    _check_keys(connection)
            finally:
                _enforce_keys(connection, is_on=True)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_database(url: str, *, pool_size: int = 16) -> Database:
    """Open the database at `url` (`sqlite:///…` or `postgresql://…`); nothing connects yet."""
    parsed = make_url(url)
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(
        parsed,
        pool_size=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=_patience(parsed),
    )
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return Database(engine)


def _patience(url: URL) -> dict[str, int]:
    """Say how long to wait for a PostgreSQL that does not answer; what the URL says goes first."""
    if url.get_backend_name() != "postgresql":
        return {}
    return {name: value for name, value in POSTGRES_PATIENCE.items() if name not in url.query}


def _prepare_sqlite(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    """Make SQLite safe for threads and processes side by side."""
    del entry
    # The driver's own BEGIN comes too late; _begin_sqlite sends ours.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={SQLITE_BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except sqlite3.DatabaseError as error:
            # A file that is none, or is broken, does its part no more than one that is away.
            raise sqlite3.OperationalError(str(error)) from error


def _enforce_keys(connection: Connection, *, is_on: bool) -> None:
    """Let SQLite look after foreign keys, or not; inside a transaction it would not listen."""
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        driver.execute(f"PRAGMA foreign_keys={'ON' if is_on else 'OFF'}")


def _check_keys(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise BrokenKeys(sorted({str(row[0]) for row in broken}))


def _begin_sqlite(connection: Connection) -> None:
    begin: Any = connection.get_execution_options().get("cadans_begin", "BEGIN")
    connection.exec_driver_sql(begin)
