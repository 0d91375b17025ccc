"""`cadans erasures …`: how many people were erased and at whose word, never who."""

import json
from urllib.parse import urlsplit

import click

from app.db.models import ErasureDay
from app.house import House
from app.kinds import ErasureBy
from app.services import erasing, erasures
from app.services.email_addresses import AddressInvalid

WORDS = {
    ErasureBy.HERSELF: "by themselves",
    ErasureBy.OPERATOR: "by who runs the house",
    ErasureBy.AGE: "because they left long ago",
}


@click.group("erasures", invoke_without_command=True)
@click.option("--json", "is_json", is_flag=True, help="For programs.")
@click.pass_context
def erasure_log(context: click.Context, *, is_json: bool) -> None:
    """Say on which days (UTC) how many people were erased, and at whose word; never who."""
    if context.invoked_subcommand is not None:
        return
    house: House = context.obj
    with house.database.reading() as session:
        days, waiting = erasing.days(session), erasures.count_waiting(session)
    if is_json:
        click.echo(json.dumps({"waiting": waiting, "days": [_plain(day) for day in days]}))
        return
    for day in days:
        said = ", ".join(f"{count} {WORDS[by]}" for by, count in _shares(day).items() if count)
        click.echo(f"{day.erased_on}\t{day.count}\t{said}")
    if not days:
        click.echo("Nobody was erased.")
    if waiting:
        click.echo(f"{waiting} asked for it and may still undo it, for at most a day.")


@erasure_log.command("now")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def erase_now(house: House, email: str, *, yes: bool) -> None:
    """Erase the listener with the address EMAIL, who asked you for it; at once and for good.

    She can do it herself, with a day to undo it. This is for who cannot: make sure that it is her
    who asks. She gets the last mail that says so.
    """
    if not yes:
        click.confirm(f"Erase {email} for good, from every course of this house?", abort=True)
    host = urlsplit(house.settings.base_url).hostname or "localhost"
    try:
        with house.database.writing() as session:
            is_done = erasing.carry_out_for(session, email, host=host, now=house.clock())
    except AddressInvalid as error:
        raise click.ClickException(f"{email} is no e-mail address") from error
    if not is_done:
        raise click.ClickException(f"nobody here has the address {email}")
    click.echo("She is erased. Her apps are told that her feed is gone.")


def _shares(day: ErasureDay) -> dict[ErasureBy, int]:
    return {
        ErasureBy.HERSELF: day.count - day.by_operator - day.by_age,
        ErasureBy.OPERATOR: day.by_operator,
        ErasureBy.AGE: day.by_age,
    }


def _plain(day: ErasureDay) -> dict[str, object]:
    shares = {by.value: count for by, count in _shares(day).items()}
    return {"erased_on": day.erased_on.isoformat(), "count": day.count, "by": shares}
