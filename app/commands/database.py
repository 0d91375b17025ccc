"""`cadans db …`: the tables."""

import click

from app.db import migrate
from app.house import House


@click.group("db")
def database() -> None:
    """Look after the tables."""


@database.command()
@click.pass_obj
def upgrade(house: House) -> None:
    """Bring the tables to this release. Safe to run twice."""
    before = migrate.current_revision(house.database)
    migrate.upgrade(house.database)
    after = migrate.current_revision(house.database)
    click.echo(
        f"tables are at {after}" if before == after else f"tables went from {before} to {after}"
    )


@database.command()
@click.pass_obj
def status(house: House) -> None:
    """Say where the tables stand and what this release needs."""
    here, needed = migrate.current_revision(house.database), migrate.newest_revision()
    click.echo(f"tables: {here or 'none yet'}; this release: {needed}")
    if not migrate.is_ready(house.database):
        raise click.ClickException("run `cadans db upgrade`")
