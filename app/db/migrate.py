"""Bring a database to the tables of this release, with Alembic, run from code.

The release before this one may go on serving meanwhile, and be started again: a migration only adds
(expand), or says in `needs` which release can do without what it takes away (contract).
"""

import time
from collections.abc import Callable
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.db import queue_tables, schema
from app.db.session import Database
from app.errors import CadansError

Step = Callable[[Config, str], None]

# The newest revision from before migrations only added; no release of that time asks what fits.
FLOOR: Final = "0010"
# Whoever waits for a table stands in front of all who only want to read it (PostgreSQL 15, section
# 13.3.1), so that is never for longer than a poll waits; then the others get their turn.
LOCK_SECONDS: Final = 3
REST_SECONDS: Final = 2.0
ATTEMPTS: Final = 20
# Any number: two upgrades at once wait for each other by it.
UPGRADE_LOCK: Final = 6_205_319
# SQLSTATE lock_not_available.
_NOT_LOCKED: Final = "55P03"


class TablesTooNew(CadansError):
    """A later release changed the tables so that this one cannot work with them."""

    def __init__(self, here: str) -> None:
        self.here = here
        super().__init__(f"the tables are at {here}, of a later release: install that release")


class TablesBusy(CadansError):
    """Others held the tables whenever they were to be changed."""

    def __init__(self) -> None:
        super().__init__(
            "the tables are in use all the time: nothing was changed;"
            " look for a long transaction (pg_stat_activity), and try again"
        )


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply what is missing, in one transaction; a second call changes nothing.

    At the newest tables those of the job engine follow, where the database has one. Tables of a
    later release stay as they are.

    Raises:
        TablesTooNew: they are of a later release that this one does not fit.
        TablesBusy: others held them.
    """
    here = schema.current_revision(database)
    if here is not None and not schema.is_known(here):
        if not schema.later_fits(database):
            raise TablesTooNew(here)
        return
    _run(database, command.upgrade, revision)
    if schema.current_revision(database) == schema.newest_revision():
        queue_tables.bring_up_to_date(database)
        _mark(database, needed_release())


def downgrade(database: Database, revision: str) -> None:
    """Take migrations back to `revision` ("base": all of them). For tests and for emergencies."""
    _run(database, command.downgrade, revision)


def needed_release() -> str:
    """Answer the revision that a release must know to work on the newest tables."""
    return max((_needs(script) for script in _scripts().walk_revisions()), default=FLOOR)


def is_contract(revision: str) -> bool:
    """Tell whether a migration takes away what releases before some other one need."""
    return any(
        script.revision == revision and _needs(script) > FLOOR
        for script in _scripts().walk_revisions()
    )


def _needs(script: Script) -> str:
    return str(getattr(script.module, "needs", FLOOR))


def _mark(database: Database, value: str) -> None:
    """Write down how new a release must be."""
    with database.connect_for_writing() as connection:
        connection.execute(
            text(
                "INSERT INTO marks (name, value) VALUES (:name, :value)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
            ),
            {"name": schema.NEEDS_MARK, "value": value},
        )


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS).replace("%", "%%"))
    return config


def _run(database: Database, step: Step, revision: str) -> None:
    """Take one step, again and again where others hold the tables."""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(REST_SECONDS)
        try:
            _try(database, step, revision)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _NOT_LOCKED:
                raise
        else:
            return
    raise TablesBusy


def _try(database: Database, step: Step, revision: str) -> None:
    config = _config()
    with database.connect_for_migrating() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})"))
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
        config.attributes["connection"] = connection
        step(config, revision)
