"""`cadans token …`: keys for scripts."""

from datetime import timedelta

import click

from app.db.models import ApiToken
from app.house import House
from app.services import accounts, api_tokens, courses
from app.services.api_tokens import TokenFields

DEFAULT_DAYS = 365


@click.group("token")
def tokens() -> None:
    """Look after the keys that scripts use, such as `cadans upload`."""


@tokens.command()
@click.argument("email")
@click.option("--course", "slug", help="Only for the course with this slug; else for all of them.")
@click.option("--label", default="upload", show_default=True, help="What it is for.")
@click.option(
    "--days",
    default=DEFAULT_DAYS,
    show_default=True,
    type=click.IntRange(min=0),
    help="How long it works; 0: for ever.",
)
@click.pass_obj
def create(house: House, email: str, slug: str | None, label: str, days: int) -> None:
    """Make a token for the account with this e-mail address. It is shown once, here."""
    now = house.clock()
    with house.database.writing() as session:
        fields = TokenFields(
            account_id=accounts.get(session, email).id,
            course_id=courses.get_by_slug(session, slug).id if slug else None,
            label=label,
            expires_at=now + timedelta(days=days) if days else None,
        )
        made = api_tokens.create(session, fields, now=now)
    click.echo("This token is shown only now; keep it like a password:", err=True)
    click.echo(made.text)


@tokens.command("list")
@click.option("--email", help="Only those of this account.")
@click.pass_obj
def list_tokens(house: House, email: str | None) -> None:
    """List the tokens, without the tokens themselves."""
    with house.database.reading() as session:
        account_id = accounts.get(session, email).id if email else None
        for token in api_tokens.of_account(session, account_id):
            click.echo(_line(token))


@tokens.command()
@click.argument("number", type=int)
@click.pass_obj
def revoke(house: House, number: int) -> None:
    """Let the token with this number (see `cadans token list`) open nothing from now on."""
    with house.database.writing() as session:
        token = api_tokens.revoke(session, number, now=house.clock())
    click.echo(f"token {token.id} ({token.label}) opens nothing any more")


def _line(token: ApiToken) -> str:
    scope = f"course {token.course_id}" if token.course_id else "all courses"
    until = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "for ever"
    used = f"last used {token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never used"
    state = "revoked" if token.revoked_at else until
    return f"{token.id}\taccount {token.account_id}\t{token.label}\t{scope}\t{state}\t{used}"
