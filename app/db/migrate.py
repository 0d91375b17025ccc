"""Bring a database to the tables of this release, with Alembic, run from code."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.db import queue_tables
from app.db.session import Database

Step = Callable[[Config, str], None]

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply what is missing, in one transaction; a second call changes nothing.

    At the newest tables those of the job engine follow, where the database has one.
    """
    _run(database, command.upgrade, revision)
    if current_revision(database) == newest_revision():
        queue_tables.bring_up_to_date(database)


def downgrade(database: Database, revision: str) -> None:
    """Take migrations back to `revision` ("base": all of them). For tests and for emergencies."""
    _run(database, command.downgrade, revision)


def current_revision(database: Database) -> str | None:
    """Answer where the database stands; None: it has no tables of ours."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def is_ready(database: Database) -> bool:
    """Tell whether the tables are those that this release needs."""
    is_newest = current_revision(database) == newest_revision()
    return is_newest and queue_tables.are_up_to_date(database)


def newest_revision() -> str:
    """Answer the revision that this release needs."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise LookupError(MIGRATIONS)
    return revision


def is_known(revision: str) -> bool:
    """Tell whether this release knows a revision; one that a later release made it does not."""
    return revision in all_revisions()


def all_revisions() -> list[str]:
    """Answer the revisions that this release knows, the oldest first."""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return [script.revision for script in known][::-1]


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _run(database: Database, step: Step, revision: str) -> None:
    config = _config()
    with database.connect_for_migrating() as connection:
        config.attributes["connection"] = connection
        step(config, revision)
