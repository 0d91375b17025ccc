"""The command `cadans`."""

import sys

import click

from app.commands.accounts import accounts
from app.commands.backup import backup, restore
from app.commands.database import database
from app.commands.doctor import doctor
from app.commands.doctor_house import house as doctor_house
from app.commands.doctor_mail import mail
from app.commands.erasures import erasure_log
from app.commands.jobs import jobs
from app.commands.privacy import privacy
from app.commands.serving import demo, serve, worker
from app.commands.tokens import tokens
from app.errors import CadansError, SettingsInvalid
from app.log import set_up_logging
from app.setting_watch import LogFormat
from app.settings import Settings
from app.upload.cli import upload
from app.version import __version__
from app.wiring import open_house
from media.errors import MediaError

# These need no settings of a server.
WITHOUT_HOUSE = {"upload", "doctor", "restore"}

# These go on for long, and others ask how they do.
COUNTING = {"serve", "worker"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cadans", message="%(prog)s %(version)s")
@click.pass_context
def cadans(context: click.Context) -> None:
    """Self-hosted audio courses and podcasts with a private feed for every listener.

    Settings come from the environment (CADANS_…); the README has the table.
    """
    set_up_logging()
    is_asking_help = {"-h", "--help"} & set(sys.argv[1:])
    if context.invoked_subcommand not in WITHOUT_HOUSE and not is_asking_help:
        settings = Settings.from_env()
        set_up_logging(is_json=settings.log is LogFormat.JSON)
        house = open_house(settings, is_counting=context.invoked_subcommand in COUNTING)
        context.obj = house
        context.call_on_close(house.close)


_COMMANDS = (
    serve, worker, jobs, database, backup, restore, accounts, tokens, privacy, erasure_log, demo,
    upload, doctor,
)  # fmt: skip
for command in _COMMANDS:
    cadans.add_command(command)
doctor.add_command(mail)
doctor.add_command(doctor_house)


def main() -> None:
    """Run the command; say what went wrong in words, never as a stack trace."""
    try:
        cadans.main(prog_name="cadans")
    except SettingsInvalid as error:
        click.echo(f"cadans cannot start; these settings need mending:\n{error}", err=True)
        sys.exit(2)
    except (CadansError, MediaError) as error:
        click.echo(f"cadans: {error}", err=True)
        sys.exit(1)
