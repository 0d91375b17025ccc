"""`cadans db …`: the tables."""

import click
from sqlalchemy.exc import ProgrammingError

from app.db import migrate, schema
from app.errors import CadansError
from app.house import House

# PostgreSQL's own number for it, appendix A of its manual
INSUFFICIENT_PRIVILEGE = "42501"


class TablesNotOurs(CadansError):
    """The role that CADANS_DATABASE_URL names may not make or change tables."""


@click.group("db")
def database() -> None:
    """Look after the tables."""


@database.command()
@click.pass_obj
def upgrade(house: House) -> None:
    """Bring the tables to this release. Safe to run twice."""
    before = schema.current_revision(house.database)
    try:
        migrate.upgrade(house.database)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) == INSUFFICIENT_PRIVILEGE:
            raise TablesNotOurs(
                "CADANS_DATABASE_URL names a role that may not change tables:"
                " name the role that owns the tables for this one command."
            ) from error
        raise
    after = schema.current_revision(house.database)
    if after != before:
        click.echo(f"tables went from {before} to {after}")
    elif after is not None and not schema.is_known(after):
        click.echo(f"tables are at {after}, of a later release; this one can work with them")
    else:
        click.echo(f"tables are at {after}")


@database.command()
@click.pass_obj
def status(house: House) -> None:
    """Say where the tables stand and what this release needs."""
    here, needed = schema.current_revision(house.database), schema.newest_revision()
    click.echo(f"tables: {here or 'none yet'}; this release: {needed}")
    if not schema.is_ready(house.database):
        raise click.ClickException(schema.remedy(here))
