from collections.abc import Callable
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from app.db import migrate
from app.db.base import Base
from app.db.session import Database


def test_models_and_migrated_tables_do_not_differ(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_every_migration_goes_down_and_up_again(database: Database) -> None:
    before = set(inspect(database.engine).get_table_names())

    migrate.downgrade(database, "base")
    assert set(inspect(database.engine).get_table_names()) <= {"alembic_version"}
    migrate.upgrade(database)

    assert set(inspect(database.engine).get_table_names()) == before


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    migrate.upgrade(database)

    assert migrate.current_revision(database) == migrate.newest_revision()


def test_a_database_without_tables_has_no_revision(
    tmp_path: Path, open_test_database: Callable[[str], Database]
) -> None:
    assert migrate.current_revision(open_test_database(f"sqlite:///{tmp_path}/empty")) is None
