"""The rows of every table as lines of JSON, and back, the same on SQLite and PostgreSQL."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import Enum
from itertools import islice
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, MetaData, Table
from sqlalchemy.types import TypeEngine

import app.db.models  # noqa: F401 (the metadata knows every table)
from app.backup.errors import ArchiveDamaged
from app.backup.manifest import KeptTable
from app.db.base import Base, Instant
from app.db.session import Database
from app.kinds import UploadState

BATCH: Final = 1_000
# What is of the moment (who works, how often somebody tried), and what was promised to be gone
# when its day is over: an archive would keep it for years.
LEFT_OUT: Final = frozenset(
    {"jobs", "task_troubles", "limit_counts", "daily_salts", "fetch_networks", "marks"}
)


def kept_tables() -> list[Table]:
    """Answer the tables that an archive holds, each after those that it points to."""
    return [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]


@contextmanager
def snapshot(database: Database) -> Iterator[Connection]:
    """Open a connection that sees all tables as they stand at one instant; nobody waits for it."""
    engine = database.engine
    if engine.dialect.name == "postgresql":
        engine = engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    # A transaction of SQLite in WAL mode sees what it saw first (sqlite.org/isolation.html).
    with engine.connect() as connection, connection.begin():
        connection.execute(sa.select(sa.func.count()).select_from(kept_tables()[0])).all()
        yield connection


def lines_of(connection: Connection, table: Table) -> Iterator[bytes]:
    """Answer each row as one line: an array of JSON, its values in the order of the columns."""
    key = list(table.primary_key.columns)
    found = connection.execution_options(yield_per=BATCH).execute(sa.select(table).order_by(*key))
    for row in found:
        yield json.dumps([_packed(value) for value in row], separators=(",", ":")).encode() + b"\n"


def is_empty(database: Database) -> bool:
    """Tell whether no table holds a row that an archive would bring."""
    present = set(sa.inspect(database.engine).get_table_names())
    with database.engine.connect() as connection:
        return not any(
            connection.execute(sa.text(f"SELECT 1 FROM {table.name} LIMIT 1")).first()  # noqa: S608 (ours)
            for table in kept_tables()
            if table.name in present
        )


class Rows:
    """Puts rows into tables that are empty, in the caller's transaction: `put` all, then `settle`.

    `connection` stands at the revision of the archive, which may be older than this release.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._present = MetaData()
        self._present.reflect(connection)
        # What points to rows that come later, by table.
        self._postponed: list[tuple[sa.TableClause, Sequence[Mapping[str, Any]]]] = []

    def put(self, kept: KeptTable, lines: Iterable[bytes]) -> None:
        """Put the rows of one table in.

        Raises:
            ArchiveDamaged: the lines are not those of this table.
        """
        table = self._table(kept)
        later = _pointing_ahead(kept.name) & set(kept.columns)
        for rows in _batches(_read(lines, table)):
            self._connection.execute(
                sa.insert(table), [{**row, **dict.fromkeys(later)} for row in rows]
            )
            ahead = [
                {f"{name}_": row[name] for name in ("id", *later)}
                for row in rows
                if any(row[name] is not None for name in later)
            ]
            self._postponed += [(table, ahead)] if ahead else []

    def settle(self) -> None:
        """Let rows point ahead, and the database number new rows after those that came."""
        for table, rows in self._postponed:
            values: dict[str, Any] = {
                name[:-1]: sa.bindparam(name) for name in rows[0] if name != "id_"
            }
            self._connection.execute(
                sa.update(table).where(table.c.id == sa.bindparam("id_")).values(values), rows
            )
        # What was on its way went to the store of then: its sender begins anew.
        uploads = sa.table("uploads", sa.column("state", sa.String))
        self._connection.execute(
            sa.update(uploads)
            .where(uploads.c.state == UploadState.OPEN.value)
            .values(state=UploadState.ABORTED.value)
        )
        if self._connection.dialect.name == "postgresql":
            self._number_on()

    def note_etags(self, etags: Mapping[str, str]) -> None:
        """Write down under which ETag the store that holds them now gives objects."""
        for name, table in self._present.tables.items():
            if {"object_key", "etag"} <= set(table.c.keys()) and etags:
                self._connection.execute(
                    sa.update(sa.table(name, sa.column("object_key"), sa.column("etag")))
                    .where(sa.column("object_key") == sa.bindparam("key"))
                    .values(etag=sa.bindparam("etag_")),
                    [{"key": key, "etag_": etag} for key, etag in etags.items()],
                )

    def _table(self, kept: KeptTable) -> sa.TableClause:
        """Answer the table as the archive knows it, typed as this release has it."""
        model, present = Base.metadata.tables.get(kept.name), self._present.tables.get(kept.name)
        if present is None or set(kept.columns) - set(present.c.keys()):
            raise ArchiveDamaged(f"the archive's table {kept.name} is not one of its release")
        types = {each.name: each.type for each in present.c}
        types |= {each.name: each.type for each in model.c} if model is not None else {}
        return sa.table(kept.name, *(sa.column(name, types[name]) for name in kept.columns))

    def _number_on(self) -> None:
        for table in self._present.tables.values():
            names = {"table": table.name, "column": "id"}
            if "id" not in table.c or table.name.startswith("procrastinate"):
                continue
            sequence = self._connection.scalar(
                sa.text("SELECT pg_get_serial_sequence(:table, :column)"), names
            )
            newest = self._connection.scalar(sa.select(sa.func.max(table.c.id)))
            if sequence and isinstance(newest, int):
                self._connection.execute(
                    sa.text("SELECT setval(:sequence, :newest)"),
                    {"sequence": sequence, "newest": newest},
                )


def _pointing_ahead(table: str) -> set[str]:
    """Answer the columns that point to rows which are put in later than their own."""
    order = [each.name for each in Base.metadata.sorted_tables]
    model = Base.metadata.tables.get(table)
    return {
        key.parent.name
        for key in (model.foreign_keys if model is not None else ())
        if order.index(key.column.table.name) >= order.index(table)
    }


def _read(lines: Iterable[bytes], table: sa.TableClause) -> Iterator[dict[str, Any]]:
    columns = [(column.name, column.type) for column in table.columns]
    for line in lines:
        try:
            values = json.loads(line)
            yield {
                name: None if value is None else _unpacked(value, kind)
                for (name, kind), value in zip(columns, values, strict=True)
            }
        except (ValueError, TypeError, LookupError) as error:
            raise ArchiveDamaged(f"a row of {table.name} in the archive cannot be read") from error


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _packed(value: object) -> object:
    """Answer a value of a row as JSON has it."""
    match value:
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return base64.b64encode(value).decode()
        case UUID():
            return str(value)
        case _:
            return value


def _unpacked(value: Any, kind: TypeEngine[Any]) -> object:  # noqa: ANN401 (JSON)
    """Answer what `_packed` made of a value in a column of this type."""
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return kind.enum_class(value)
    # By the type that holds it in Python.
    held = datetime if isinstance(kind, Instant) else kind.python_type
    read = _READERS.get(held)
    return read(value) if read else value


_READERS: Final[Mapping[type, Callable[[Any], object]]] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    bytes: base64.b64decode,
    UUID: UUID,
}
