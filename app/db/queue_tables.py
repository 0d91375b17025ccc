"""The tables of procrastinate, the job engine on PostgreSQL: laid, renewed and taken away.

They are not ours: no models, no migrations of ours. A mark remembers the last migration of
procrastinate that was applied, so that a release with a newer procrastinate applies the rest.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection, text

from app.db.session import Database

if TYPE_CHECKING:
    from procrastinate.schema import SchemaManager

MARK: Final = "procrastinate"
PREFIX: Final = "procrastinate_"


def bring_up_to_date(database: Database) -> None:
    """Lay or renew the tables, a step a transaction; a second call changes nothing."""
    if not _is_wanted(database):
        return
    with database.connect_for_writing() as connection:
        if _mark(connection) is None:
            _run(connection, _theirs().get_schema())
            _set_mark(connection, _steps()[-1].name)
    for step in _missing(database):
        with database.connect_for_writing() as connection:
            _run(connection, step.read_text(encoding="utf-8"))
            _set_mark(connection, step.name)


def are_up_to_date(database: Database) -> bool:
    """Tell whether nothing is missing; newer tables than this release's do."""
    if not _is_wanted(database):
        return True
    with database.engine.connect() as connection:
        return _mark(connection) is not None and not _missing(database)


def drop(connection: Connection) -> None:
    """Take everything away that procrastinate's schema made, and the mark."""
    if connection.dialect.name != "postgresql":
        return
    for kind, names in (("TABLE", _TABLES), ("FUNCTION", _FUNCTIONS), ("TYPE", _TYPES)):
        for name in connection.scalars(text(names), {"prefix": f"{PREFIX}%"}).all():
            connection.execute(text(f"DROP {kind} {name} CASCADE"))
    connection.execute(text("DELETE FROM marks WHERE name = :name"), {"name": MARK})


_TABLES = (
    "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'r'"
    " AND pg_table_is_visible(oid) AND relname LIKE :prefix"
)
_FUNCTIONS = (
    "SELECT oid::regprocedure::text FROM pg_proc"
    " WHERE pg_function_is_visible(oid) AND proname LIKE :prefix"
)
_TYPES = (
    "SELECT quote_ident(typname) FROM pg_type WHERE typtype IN ('c', 'e')"
    " AND pg_type_is_visible(oid) AND typname LIKE :prefix"
)


def _is_wanted(database: Database) -> bool:
    return database.engine.dialect.name == "postgresql"


def _steps() -> list[Path]:
    """Every migration that the installed procrastinate brings; their names are in order."""
    return sorted(Path(_theirs().get_migrations_path()).glob("*.sql"))


def _theirs() -> "type[SchemaManager]":
    # Whoever has SQLite need not wait until an engine for PostgreSQL is loaded.
    from procrastinate.schema import SchemaManager  # noqa: PLC0415

    return SchemaManager


def _missing(database: Database) -> list[Path]:
    with database.engine.connect() as connection:
        applied = _mark(connection)
    return [step for step in _steps() if applied is not None and step.name > applied]


def _mark(connection: Connection) -> str | None:
    found: str | None = connection.scalar(
        text("SELECT value FROM marks WHERE name = :name"), {"name": MARK}
    )
    return found


def _set_mark(connection: Connection, value: str) -> None:
    connection.execute(
        text(
            "INSERT INTO marks (name, value) VALUES (:name, :value)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"name": MARK, "value": value},
    )


def _run(connection: Connection, script: str) -> None:
    """Run many statements at once, as they stand: the driver does so when it is given no values."""
    driver: Any = connection.connection.driver_connection
    driver.execute(script)
