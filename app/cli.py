"""The command `cadans`."""

import sys

import click

from app.commands.lazy import LazyGroup
from app.errors import CadansError, SettingsInvalid
from app.faults import open_faults
from app.log import set_up_logging
from app.setting_watch import LogFormat
from app.settings import Settings
from app.version import __version__
from media.errors import MediaError

# These need no settings of a server.
WITHOUT_HOUSE = {"upload", "doctor", "restore"}

# These go on for long, and others ask how they do.
COUNTING = {"serve", "worker"}


PLACES = {
    "account": "app.commands.accounts:accounts",
    "backup": "app.commands.backup:backup",
    "db": "app.commands.database:database",
    "demo": "app.commands.serving:demo",
    "doctor": "app.commands.doctor:doctor",
    "erasures": "app.commands.erasures:erasure_log",
    "jobs": "app.commands.jobs:jobs",
    "privacy": "app.commands.privacy:privacy",
    "restore": "app.commands.backup:restore",
    "serve": "app.commands.serving:serve",
    "token": "app.commands.tokens:tokens",
    "upload": "app.upload.cli:upload",
    "worker": "app.commands.serving:worker",
}


@click.group(cls=LazyGroup, places=PLACES, context_settings={"help_option_names": ["-h", "--help"]})
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
        report = open_faults(settings.sentry_dsn)
        set_up_logging(is_json=settings.log is LogFormat.JSON, report=report)
        # All that a house is made of; whoever asks for help or the version need not wait for it.
        from app.wiring import open_house  # noqa: PLC0415

        house = open_house(settings, is_counting=context.invoked_subcommand in COUNTING)
        context.obj = house
        context.call_on_close(house.close)


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
    except Exception as error:
        # Whoever raised one of these has loaded it.
        from sqlalchemy.exc import DBAPIError, TimeoutError  # noqa: A004, PLC0415

        if not isinstance(error, DBAPIError | TimeoutError):
            raise
        click.echo(f"cadans: {_say_refused(error)}", err=True)
        sys.exit(1)


def _say_refused(error: Exception) -> str:
    """Say that the database does not do its part, and what to look at."""
    first_line = str(getattr(error, "orig", error)).strip().partition("\n")[0]
    return (
        f"the database does not do what it is asked ({first_line}): see that it runs, that"
        " CADANS_DATABASE_URL names it, and that it has its tables (`cadans db upgrade`)"
    )
