"""`cadans doctor …`: looks at this house, or a feed, or its mail, and says what is wrong."""

import sys

import click

from app.clock import system_clock
from app.commands.lazy import LazyGroup
from app.doctor.addresses import check_address
from app.doctor.errors import AddressRefused, FeedUnreachable
from app.doctor.examine import examine
from app.doctor.fetch import Fetcher
from app.doctor.limits import NEWEST_ENCLOSURES, REQUEST_SECONDS
from app.doctor.look import Wanted
from app.doctor.report import exit_code
from app.doctor.screen import Screen

UNREACHABLE = 2
HELP_WORDS = {"-h", "--help"}


class DoctorGroup(LazyGroup):
    """A group in which an address needs no command before it: `cadans doctor https://…`.

    Whatever does not begin with the name of a command is meant for `feed`; without an address it
    is about this house.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `feed` before an address and its options, `house` where there is no address."""
        if not args or (args[0].startswith("-") and not any("://" in arg for arg in args)):
            args = args if HELP_WORDS & set(args) else ["house", *args]
        elif args and args[0] not in self.list_commands(ctx) and args[0] not in HELP_WORDS:
            args = ["feed", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=DoctorGroup,
    places={
        "house": "app.commands.doctor_house:house",
        "mail": "app.commands.doctor_mail:mail",
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
def doctor() -> None:
    """Say in words what is wrong with this house, a feed or mail, and what to do.

    \b
    cadans doctor                                 whether all is well with this house
    cadans doctor https://example.org/feed.xml    a feed of any host, as podcast apps see it
    cadans doctor mail                            whether mail of this house is likely to arrive
    """  # noqa: D301 (click reads \b as: leave these lines as they are)


@doctor.command()
@click.argument("address")
@click.option(
    "--newest",
    default=NEWEST_ENCLOSURES,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many recordings to look at, beside the first and the last.",
)
@click.option("--all", "is_all", is_flag=True, help="Look at every recording.")
@click.option(
    "--timeout",
    "seconds",
    default=REQUEST_SECONDS,
    show_default=True,
    type=click.FloatRange(min=1, max=600),
    help="How many seconds each answer may take.",
)
@click.option(
    "--show-address",
    "is_shown",
    is_flag=True,
    help="Print the address in full. That of a private feed is a key: it is cut short otherwise.",
)
@click.option("--json", "is_json", is_flag=True, help="One JSON object instead of words.")
def feed(*, address: str, newest: int, is_all: bool, seconds: float, **shown: bool) -> None:
    """Look at the feed at ADDRESS, of any host, as the known podcast apps would.

    It is fetched by this machine alone, with every condition and range that apps use; of each
    recording only small pieces. Then follows what is wrong, what to do, and a verdict per app.

    Exit code: 0 it works (perhaps with remarks), 1 something does not work, 2 wrong arguments, or
    nobody answers at the address.
    """
    screen = Screen(is_json=shown["is_json"])
    try:
        wanted = Wanted(
            address=check_address(address), newest=newest, is_all=is_all, now=system_clock()
        )
        with Fetcher(request_seconds=seconds) as fetcher, screen.looking() as tell:
            report = examine(fetcher, wanted, tell, is_address_shown=shown["is_shown"])
    except (AddressRefused, FeedUnreachable) as problem:
        screen.problem(str(problem))
        sys.exit(UNREACHABLE)
    screen.report(report)
    sys.exit(exit_code(report.checks))
