import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from app.db import migrate, queue_tables, schema
from app.db.base import Base
from app.db.session import Database, open_database
from tests.parts.additive import shapes_of, taken_away
from tests.parts.postgres import Postgres
from tests.parts.releases import later_release


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


def test_a_house_that_is_lived_in_keeps_every_row_through_every_migration(
    database: Database,
) -> None:
    migrate.downgrade(database, "0001")
    with database.connect_for_writing() as connection:
        for table, row in LIVED_IN:
            columns = ", ".join(row)
            values = ", ".join(f":{name}" for name in row)
            connection.execute(text(f"INSERT INTO {table} ({columns}) VALUES ({values})"), row)  # noqa: S608 (our own words)
    for turn in (migrate.upgrade, back_to_the_first, migrate.upgrade):
        turn(database)
        assert counts(database) == {table: 1 for table, _ in LIVED_IN}


def back_to_the_first(database: Database) -> None:
    migrate.downgrade(database, "0001")


def counts(database: Database) -> dict[str, int]:
    with database.engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 (our own words)
            for table, _ in LIVED_IN
        }


# As both databases read it.
AT = "2026-06-01 06:00:00.000000"
# One row of each table that something hangs on, or that hangs on something, as of 0001.
LIVED_IN: list[tuple[str, dict[str, Any]]] = [
    (
        "courses",
        {"id": 1, "slug": "bloei", "title": "Bloei", "author": "Ada", "language": "nl"}
        | {"story": "", "category": "Education", "is_explicit": False, "visibility": "private"}
        | {"state": "open", "zone": "Europe/Amsterdam", "rhythm_kind": "weekly", "target_ms": 1}
        | {"tolerance_ms": 1, "created_at": AT, "revision": 1, "revised_at": AT}
        | {"plan_revision": 1, "version": 1},
    ),
    (
        "lessons",
        {"id": 1, "course_id": 1, "public_id": "abcdefgh", "guid": "0" * 32, "position": 1}
        | {"title": "One", "title_key": "one", "notes": "", "state": "draft", "created_at": AT}
        | {"version": 1},
    ),
    (
        "listeners",
        {"id": 1, "email": "kim@example.org", "email_key": "kim@example.org", "name": "Kim"}
        | {"created_at": AT},
    ),
    (
        "subscriptions",
        {"id": 1, "public_id": "1" * 32, "listener_id": 1, "course_id": 1, "started_at": AT}
        | {"zone": "Europe/Amsterdam", "language": "nl", "revision": 1, "revised_at": AT}
        | {"next_unlock_plan": 0, "consent_version": "1", "consented_at": AT},
    ),
    (
        "feed_addresses",
        {"id": 1, "random_id": b"r" * 16, "subscription_id": 1, "key_number": 1}
        | {"created_at": AT},
    ),
    (
        "confirmations",
        {"id": 1, "course_id": 1, "email": "eve@example.org", "email_key": "eve@example.org"}
        | {"name": "Eve", "language": "nl", "consent_version": "1", "consented_at": AT}
        | {"created_at": AT, "expires_at": AT},
    ),
    (
        "outbox",
        {"id": 1, "notice": "confirm:1", "template": "confirm", "language": "nl"}
        | {"address": "eve@example.org", "confirmation_id": 1, "ids": "{}"}
        | {"message_id": "<1@example.org>", "created_at": AT, "due_at": AT, "attempts": 0},
    ),
    (
        "unlocks",
        {"id": 1, "subscription_id": 1, "lesson_id": 1, "unlocked_at": AT, "pub_at": AT}
        | {"recorded_at": AT, "notice_id": 1},
    ),
]


def test_rows_that_a_server_of_the_release_before_still_writes_are_taken(
    database: Database,
) -> None:
    """It runs on beside the new tables for a while, and knows nothing of their new columns."""
    first, *later = schema.all_revisions()
    migrate.downgrade(database, first)
    refused = []
    for revision in later:
        before = columns_of(database)
        migrate.upgrade(database, revision)
        after = columns_of(database)
        refused += [
            f"{revision}: {table}.{name}"
            for table in before.keys() & after.keys()
            for name in after[table].keys() - before[table].keys()
            if not after[table][name]
        ]
    assert refused == []


def columns_of(database: Database) -> dict[str, dict[str, bool]]:
    """Each table's columns, and whether a row may leave them out."""
    found = inspect(database.engine)
    return {
        table: {
            column["name"]: column["nullable"] or column["default"] is not None
            for column in found.get_columns(table)
        }
        for table in found.get_table_names()
    }


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    migrate.upgrade(database)

    assert schema.current_revision(database) == schema.newest_revision()


def test_a_database_without_tables_has_no_revision(
    tmp_path: Path, open_test_database: Callable[[str], Database]
) -> None:
    assert schema.current_revision(open_test_database(f"sqlite:///{tmp_path}/empty")) is None


@pytest.mark.postgres
def test_tables_of_an_older_procrastinate_are_renewed(postgres: Postgres) -> None:
    with postgres.fresh() as url:
        database = open_database(url)
        take_back_to(database, "03.03.00_01_pre_priority_lock_fetch_job.sql")
        assert not schema.is_ready(database)

        migrate.upgrade(database)

        assert schema.is_ready(database)
        with database.engine.connect() as connection:
            assert connection.scalar(text("SELECT 'procrastinate_retry_job_v2'::regproc::text"))
        database.close()


def take_back_to(database: Database, step: str) -> None:
    with database.connect_for_writing() as connection:
        connection.execute(
            text("UPDATE marks SET value = :step WHERE name = :name"),
            {"step": step, "name": queue_tables.MARK},
        )
        connection.execute(text("DROP FUNCTION procrastinate_retry_job_v2"))
        connection.execute(text("DELETE FROM pg_enum WHERE enumlabel = 'retried'"))


def test_every_migration_leaves_the_release_before_it_what_it_needs(database: Database) -> None:
    """A migration that does not is named as a contract: CONTRIBUTING.md, "Two releases at once"."""
    migrate.downgrade(database, migrate.FLOOR)
    found: dict[str, list[str]] = {}
    for revision in [each for each in schema.all_revisions() if each > migrate.FLOOR]:
        before = shapes_of(database.engine)
        migrate.upgrade(database, revision)
        if not migrate.is_contract(revision):
            found[revision] = taken_away(before, shapes_of(database.engine))
    assert {revision: words for revision, words in found.items() if words} == {}


def test_file_of_a_migration_is_called_after_its_revision() -> None:
    """A process that starts goes by the files, Alembic by what is in them."""
    scripts = ScriptDirectory(str(schema.MIGRATIONS))
    steps = [script.revision for script in scripts.walk_revisions()]
    assert steps[::-1] == schema.all_revisions()
    assert scripts.get_current_head() == schema.newest_revision()


@pytest.mark.postgres
def test_migration_that_takes_something_away_is_found_out(
    postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.fresh() as url, later_release(tmp_path, *TAKING):
        database = open_database(url)
        before = shapes_of(database.engine)
        migrate.upgrade(database)
        found = taken_away(before, shapes_of(database.engine))
        database.close()
    assert sorted(found) == [
        "column courses.author is of another type",
        "column courses.since must be filled, and the old release does not know it",
        "column courses.story is gone",
        "column courses.words must be filled, and the old release does not know it",
        "column lessons.transcript may be empty no more",
        "column outbox.attempts is gone",
        "courses has another rule: uq_courses_author",
        "stars keeps rows of lessons from being deleted",
        "table limit_counts is gone",
    ]


TAKING = (
    'op.drop_table("limit_counts")',
    'op.drop_column("outbox", "attempts")',
    'op.execute("ALTER TABLE courses RENAME COLUMN story TO words")',
    'op.execute("ALTER TABLE lessons ALTER COLUMN transcript SET NOT NULL")',
    'op.alter_column("courses", "author", type_=sa.String(3))',
    'op.add_column("courses", sa.Column("since", sa.Integer(), nullable=False))',
    'op.create_unique_constraint("uq_courses_author", "courses", ["author"])',
    'op.create_table("stars", sa.Column("a", sa.BigInteger(), sa.ForeignKey("lessons.id")))',
)
ADDITIVE = (
    'op.add_column("subscriptions", sa.Column("mood", sa.String(8), nullable=True))',
    'op.add_column("outbox", sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))',
    (
        'op.create_table("stars", sa.Column("who", sa.BigInteger(), '
        'sa.ForeignKey("listeners.id", ondelete="CASCADE")))'
    ),
)


def test_release_works_on_tables_of_a_later_one_that_only_added(
    database: Database, tmp_path: Path
) -> None:
    before = shapes_of(database.engine)
    with later_release(tmp_path, *ADDITIVE) as revision:
        migrate.upgrade(database)
        assert schema.is_own(database)
    assert taken_away(before, shapes_of(database.engine)) == []
    assert schema.current_revision(database) == revision
    assert (schema.is_ready(database), schema.is_own(database)) == (True, False)
    migrate.upgrade(database)
    assert schema.current_revision(database) == revision


def test_release_refuses_tables_from_which_a_later_one_took_what_it_needs(
    database: Database, tmp_path: Path
) -> None:
    needed = f"{int(schema.newest_revision()) + 1:04}"
    with later_release(tmp_path, 'op.drop_table("limit_counts")', needs=needed) as revision:
        migrate.upgrade(database)
        assert migrate.is_contract(revision)
        assert schema.is_ready(database)
    assert not schema.is_ready(database)
    with pytest.raises(migrate.TablesTooNew, match="install that release"):
        migrate.upgrade(database)


def test_release_works_on_tables_from_which_something_went_that_it_did_not_need(
    database: Database, tmp_path: Path
) -> None:
    step = 'op.drop_table("limit_counts")'
    with later_release(tmp_path, step, needs=schema.newest_revision()):
        migrate.upgrade(database)
    assert schema.is_ready(database)


@pytest.mark.postgres
def test_upgrade_waits_for_a_table_in_use_without_keeping_others_from_it(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 1)
    monkeypatch.setattr(migrate, "REST_SECONDS", 0.2)
    with postgres.fresh() as url, later_release(tmp_path, ADDITIVE[0]) as revision:
        database = open_database(url)
        # Let go of first, whatever happens: the upgrade waits for it.
        with ThreadPoolExecutor(1) as thread, database.engine.connect() as holder:
            holder.execute(text("SELECT count(*) FROM subscriptions"))
            upgrading = thread.submit(migrate.upgrade, database)
            for _ in range(20):
                with database.engine.connect() as reader:
                    reader.execute(text("SET statement_timeout = '3s'"))
                    reader.execute(text("SELECT count(*) FROM subscriptions"))
                time.sleep(0.1)
            assert not upgrading.done()
            holder.rollback()
            upgrading.result(timeout=60)
        assert schema.current_revision(database) == revision
        database.close()


@pytest.mark.postgres
def test_upgrade_gives_up_in_words_when_a_table_is_never_free(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "LOCK_SECONDS", 1)
    monkeypatch.setattr(migrate, "ATTEMPTS", 1)
    with postgres.fresh() as url, later_release(tmp_path, ADDITIVE[0]):
        database = open_database(url)
        with database.engine.connect() as holder:
            holder.execute(text("SELECT count(*) FROM subscriptions"))
            with pytest.raises(migrate.TablesBusy, match="nothing was changed"):
                migrate.upgrade(database)
        database.close()
