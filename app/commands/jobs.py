"""`cadans jobs …`: what waits, runs and failed, and trying it again."""

import json
from collections.abc import Iterator
from datetime import datetime

import click

from app.clock import system_clock
from app.db import queue
from app.house import House
from app.services import backlog
from app.services.backlog import HouseBacklog

MAIL_PREFIX = "mail:"


@click.group("jobs", invoke_without_command=True)
@click.option("--json", "is_json", is_flag=True, help="For programs.")
@click.pass_context
def jobs(context: click.Context, *, is_json: bool) -> None:
    """Say what waits, runs and failed, mails counted; without a command, list it."""
    if context.invoked_subcommand is not None:
        return
    house: House = context.obj
    with house.database.reading() as session:
        found = backlog.of_house(session, now=house.clock())
    if is_json:
        click.echo(json.dumps(_plain(found), indent=2))
    else:
        for line in _lines(found):
            click.echo(line)


@jobs.command()
@click.argument("what")
@click.pass_obj
def retry(house: House, what: str) -> None:
    """Try WHAT again now: the number of a job, the name of a task, or mail:NUMBER."""
    number = what.removeprefix(MAIL_PREFIX)
    is_mail = what.startswith(MAIL_PREFIX)
    if is_mail and not number.isdecimal():
        raise click.ClickException(f"{what} is no mail: write {MAIL_PREFIX} and its number")
    with house.database.writing() as session:
        if is_mail:
            backlog.retry_mail(session, int(number), now=house.clock())
        elif number.isdecimal():
            queue.retry(session, int(number))
        else:
            backlog.retry_task(session, what, true_now=system_clock())
    click.echo(f"{what} is tried again as soon as a worker is free")


def _lines(found: HouseBacklog) -> Iterator[str]:
    for job in found.jobs:
        due = f"not before {_minute(job.due_at)}" if job.due_at else "at once"
        stands = f"{job.state}\t{job.name}\t{_tries(job.attempts)}\t{due}"
        yield f"{job.id}\t{stands}\t{job.reason or ''}"
    for trouble in found.troubles:
        yield (
            f"{trouble.name}\tgoes wrong\t{_tries(trouble.failures)} since"
            f" {_minute(trouble.since_at)}\tnext {_minute(trouble.rests_until)}\t{trouble.reason}"
        )
    if not found.jobs and not found.troubles:
        yield "no job waits, runs or failed"
    mails = found.mails
    yield f"mails: {mails.waiting} wait, {mails.due} of them are due; {mails.failed} failed"
    seen = found.worker_seen_at
    yield f"a worker was last seen at {_minute(seen)}" if seen else "no worker is at work"


def _plain(found: HouseBacklog) -> dict[str, object]:
    return {
        "jobs": [
            {
                "id": job.id,
                "name": job.name,
                "state": job.state.value,
                "attempts": job.attempts,
                "created_at": job.created_at.isoformat(),
                "due_at": job.due_at.isoformat() if job.due_at else None,
                "reason": job.reason,
                "args": dict(job.args),
            }
            for job in found.jobs
        ],
        "tasks": [
            {
                "name": trouble.name,
                "failures": trouble.failures,
                "since_at": trouble.since_at.isoformat(),
                "rests_until": trouble.rests_until.isoformat(),
                "reason": trouble.reason,
            }
            for trouble in found.troubles
        ],
        "mails": {
            "waiting": found.mails.waiting,
            "due": found.mails.due,
            "failed": found.mails.failed,
        },
        "worker_seen_at": found.worker_seen_at.isoformat() if found.worker_seen_at else None,
    }


def _minute(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"
