"""`cadans account …`: who may sign in."""

import click

from app.house import House
from app.kinds import Role
from app.services import accounts as service
from app.services import courses, memberships, passwords


@click.group("account")
def accounts() -> None:
    """Say who may sign in to work on courses."""


@accounts.command()
@click.argument("email")
@click.option("--name", default="", help="Shown on pages; the address when left out.")
@click.option(
    "--language", type=click.Choice(["nl", "en"]), default="nl", show_default=True, help="Of mails."
)
@click.option("--ask", is_flag=True, help="Ask for a password instead of making one up.")
@click.pass_obj
def add(house: House, email: str, name: str, language: str, *, ask: bool) -> None:
    """Make an account and print its password once."""
    password = _password(ask=ask)
    new = service.NewAccount(email=email, name=name, language=language, password=password)
    with house.database.writing() as session:
        account = service.add(session, new, now=house.clock())
    _say(account.email, password, is_made_up=not ask)


@accounts.command()
@click.argument("email")
@click.option("--ask", is_flag=True, help="Ask for a password instead of making one up.")
@click.pass_obj
def password(house: House, email: str, *, ask: bool) -> None:
    """Set another password; whoever is signed in with the old one is signed out."""
    fresh = _password(ask=ask)
    with house.database.writing() as session:
        account = service.get(session, email)
        service.change_password(session, account.id, fresh)
    _say(account.email, fresh, is_made_up=not ask)


@accounts.command("list")
@click.pass_obj
def list_all(house: House) -> None:
    """List every account."""
    with house.database.reading() as session:
        for account in service.all_accounts(session):
            state = "disabled" if account.disabled_at else "may sign in"
            click.echo(f"{account.email}\t{account.name}\t{state}")


@accounts.command()
@click.argument("email")
@click.argument("slug")
@click.argument("role", type=click.Choice([role.value for role in Role]))
@click.pass_obj
def role(house: House, email: str, slug: str, role: str) -> None:
    """Give an account a ROLE in the course SLUG."""
    with house.database.writing() as session:
        account = service.get(session, email)
        course = courses.get_by_slug(session, slug)
        memberships.give(
            session,
            account_id=account.id,
            course_id=course.id,
            role=Role(role),
            now=house.clock(),
        )
    click.echo(f"{account.email} is {role} of {course.slug}")


def _password(*, ask: bool) -> str:
    if not ask:
        return passwords.new_password()
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if not passwords.MIN_CHARS <= len(typed) <= passwords.MAX_CHARS:
        raise click.ClickException(f"use at least {passwords.MIN_CHARS} characters")
    return typed


def _say(email: str, password: str, *, is_made_up: bool) -> None:
    if is_made_up:
        click.echo(f"{email} signs in with this password, which is shown only now: {password}")
    else:
        click.echo(f"{email} signs in with the password you typed")
