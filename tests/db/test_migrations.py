from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from app.db import migrate, queue_tables
from app.db.base import Base
from app.db.session import Database, open_database
from tests.parts.postgres import Postgres


def test_models_and_migrated_tables_do_not_differ(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "include_name": is_ours}
        )
        assert compare_metadata(context, Base.metadata) == []


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """The job engine on PostgreSQL keeps tables of its own."""
    del parents
    return kind != "table" or name is None or not name.startswith(queue_tables.PREFIX)


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


@pytest.mark.postgres
def test_tables_of_an_older_procrastinate_are_renewed(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        database = open_database(url)
        take_back_to(database, "03.03.00_01_pre_priority_lock_fetch_job.sql")
        assert not migrate.is_ready(database)

        migrate.upgrade(database)

        assert migrate.is_ready(database)
        with database.engine.connect() as connection:
            assert connection.scalar(text("SELECT 'procrastinate_retry_job_v2'::regproc::text"))
        database.close()


def take_back_to(database: Database, step: str) -> None:
    with database.connect_for_writing() as connection:
        connection.execute(text("UPDATE marks SET value = :step"), {"step": step})
        connection.execute(text("DROP FUNCTION procrastinate_retry_job_v2"))
        connection.execute(text("DELETE FROM pg_enum WHERE enumlabel = 'retried'"))
