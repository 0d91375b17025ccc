"""`cadans doctor` alone: is all well with this house?"""

import json
import sys
from contextlib import closing

import click
from rich.console import Console
from rich.markup import escape

from app.clock import system_clock
from app.doctor.house import Look, look_around
from app.doctor.house_database import look_at_database, look_at_feed_keys
from app.doctor.house_disk import look_at_disks
from app.doctor.house_mail import look_at_mail
from app.doctor.house_names import look_at_name
from app.doctor.house_rights import look_at_privacy, look_at_source
from app.doctor.house_secrets import secrets_of, without_secrets
from app.doctor.house_store import look_at_store
from app.doctor.house_tls import look_at_tls
from app.doctor.house_web import look_at_address
from app.doctor.house_work import look_at_work
from app.doctor.report import Check, Grade, exit_code
from app.doctor.screen import SIGNS
from app.errors import SettingsInvalid
from app.house import House
from app.setting_values import Problem, parse_sender, parse_size
from app.settings import Settings, environment
from app.wiring import open_house


def _size(_context: click.Context, _option: click.Parameter, text: str) -> int:
    try:
        return parse_size(text)
    except Problem as problem:
        raise click.BadParameter(str(problem)) from problem


def _address(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    try:
        return None if text is None else parse_sender(text)
    except Problem as problem:
        raise click.BadParameter(str(problem)) from problem


@click.command("house")
@click.option("--send-to", metavar="ADDRESS", callback=_address, help="Send one test mail there.")
@click.option(
    "--least-free",
    metavar="SIZE",
    default="1 GB",
    show_default=True,
    callback=_size,
    help="How much room the disk must have.",
)
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of words.")
def house(*, send_to: str | None, least_free: int, is_json: bool) -> None:
    """Look whether all is well with this house, part by part, with the remedy of what is not.

    Run it where `cadans serve` runs, with its settings and as its user. It writes to the database
    and the store and takes it back; it asks the house by CADANS_BASE_URL, through whatever stands
    in front. An authority of your own is trusted when SSL_CERT_FILE names it.

    Exit code: 0 all works (perhaps with remarks), 1 something does not work, 2 wrong arguments.
    """
    settings, checks = _look(send_to, least_free)
    found = without_secrets(checks, secrets_of(environment(), settings))
    _say(found, is_json=is_json)
    sys.exit(exit_code(found))


def _look(send_to: str | None, least_free: int) -> tuple[Settings | None, list[Check]]:
    """Answer what was found, and the settings where they can be used."""
    try:
        settings = Settings.from_env()
    except SettingsInvalid as error:
        return None, [_invalid(problem) for problem in error.problems]
    except OSError as error:
        return None, [_unusable(error)]
    try:
        here = open_house(settings)
    except OSError as error:
        return settings, [_unusable(error)]
    with closing(here):
        found = look_around(_looks(here, send_to, least_free))
    return settings, [*_settings_are_fine(settings), *found]


def _looks(here: House, send_to: str | None, least_free: int) -> list[Look]:
    settings = here.settings
    return [
        Look(code="database", look=lambda: look_at_database(here.database)),
        Look(code="feed_keys", look=lambda: look_at_feed_keys(here.database, settings.feed_keys)),
        Look(code="store", look=lambda: look_at_store(here.store, settings.base_url)),
        Look(code="mail", look=lambda: look_at_mail(here, send_to)),
        Look(code="disk", look=lambda: look_at_disks(settings, least_free)),
        Look(code="name", look=lambda: look_at_name(settings.base_url)),
        Look(code="tls", look=lambda: look_at_tls(settings.base_url)),
        Look(code="address", look=lambda: look_at_address(settings, here.store)),
        Look(code="work", look=lambda: _look_at_work(here)),
        Look(code="privacy", look=lambda: look_at_privacy(settings)),
        Look(code="source", look=lambda: look_at_source(settings)),
    ]


def _look_at_work(here: House) -> list[Check]:
    return look_at_work(here.database, now=here.clock(), true_now=system_clock())


def _settings_are_fine(settings: Settings) -> list[Check]:
    feed, secret = len(settings.feed_keys.secrets), len(settings.secret_keys)
    words = f"The keys are there (of feeds {feed}, of sessions and links {secret})."
    return [
        Check(code="settings", grade=Grade.OK, message="The settings can be used."),
        Check(code="keys", grade=Grade.OK, message=words),
    ]


def _unusable(error: OSError) -> Check:
    words = f"CADANS_VAR cannot be used ({error.strerror}): let our user write it."
    return Check(code="settings", grade=Grade.FAIL, message=words)


def _invalid(problem: str) -> Check:
    code = "keys" if "_KEYS" in problem.partition(" ")[0] else "settings"
    return Check(code=code, grade=Grade.FAIL, message=problem)


def _say(checks: list[Check], *, is_json: bool) -> None:
    if is_json:
        found = {"checks": [dict(check.as_json()) for check in checks]}
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    out = Console(highlight=False, soft_wrap=True)
    for check in checks:
        colour, sign = SIGNS[check.grade]
        out.print(f"[{colour}]{sign}[/{colour}]  {escape(check.message)}")
        if check.remedy and check.grade is not Grade.OK:
            out.print(f"      {escape(check.remedy)}")
