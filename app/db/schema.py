"""Where a database stands among the migrations that this release knows.

Every process asks when it starts, and needs no Alembic for it: a migration's file is called after
its revision.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import inspect, text

from app.db import queue_tables
from app.db.session import Database

MIGRATIONS = Path(__file__).parent / "migrations"
# The mark that says how new a release must be for these tables: the revision that it needs.
NEEDS_MARK: Final = "needs_release"


def current_revision(database: Database) -> str | None:
    """Answer where the database stands; None: it has no tables of ours."""
    with database.engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return revision


def is_ready(database: Database) -> bool:
    """Tell whether this release can work on these tables: they are its own, or newer and fit."""
    here = current_revision(database)
    if here is not None and not is_known(here):
        return later_fits(database)
    return here == newest_revision() and queue_tables.are_up_to_date(database)


def is_own(database: Database) -> bool:
    """Tell whether the tables are exactly those of this release."""
    return current_revision(database) == newest_revision() and is_ready(database)


def later_fits(database: Database) -> bool:
    """Tell whether the later release that changed these tables left what this one needs."""
    with database.engine.connect() as connection:
        needed = connection.scalar(
            text("SELECT value FROM marks WHERE name = :name"), {"name": NEEDS_MARK}
        )
    return needed is not None and str(needed) <= newest_revision()


def newest_revision() -> str:
    """Answer the revision that this release needs."""
    return all_revisions()[-1]


def is_known(revision: str) -> bool:
    """Tell whether this release knows a revision; one that a later release made it does not."""
    return revision in all_revisions()


def all_revisions() -> list[str]:
    """Answer the revisions that this release knows, numbers of four digits, the oldest first."""
    files = (MIGRATIONS / "versions").glob("[0-9]*.py")
    return sorted(file.name.partition("_")[0] for file in files)


def remedy(here: str | None) -> str:
    """Answer what to do about tables that this release cannot work with."""
    if here is not None and not is_known(here):
        return "the tables are of a later release that this one does not fit: install that release"
    return "run `cadans db upgrade`"
