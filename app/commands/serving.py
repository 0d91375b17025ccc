"""`cadans serve` and `cadans worker`: the two kinds of process."""

import multiprocessing
import os
import signal
import socket
import threading
from contextlib import suppress

import click
from granian import Granian
from granian.constants import Interfaces
from sqlalchemy.exc import IntegrityError

from app.commands.watching import open_watch_door
from app.db import schema
from app.errors import CadansError
from app.house import House
from app.jobs.tasks import ERRANDS, TASKS
from app.jobs.worker import Worker
from app.services import key_marks
from app.services.demo import refuse_clock_stepping_back, set_up_demo
from app.services.key_marks import FeedKeyChanged
from app.setting_values import Bind
from app.web.threads import THREADS

# A process that streams bytes needs this many threads, or slow readers hold up polls.
BLOCKING_THREADS = 16
# A web process that was told to stop finishes what it answers; one that is stuck is ended (Granian
# waits for ever: its issue 875, read 2026-11).
STOP_SECONDS = 30
# At a reload an old process stays this long beside the new one, which needs a few seconds to load
# the program. (Granian waits for the time, not for the process.)
RELOAD_SECONDS = 10


class TablesNotReady(CadansError):
    """The database is older (or newer) than this release."""


class PlaceTaken(CadansError):
    """Nobody can listen where CADANS_BIND says."""


@click.command()
@click.option("--workers", default=1, show_default=True, help="Web processes; SQLite wants one.")
@click.option(
    "--threads",
    default=BLOCKING_THREADS,
    show_default=True,
    help="Requests at once in each process.",
)
@click.pass_obj
def serve(house: House, workers: int, threads: int) -> None:
    """Serve pages, feeds and audio.

    With SQLite and a folder store the worker runs along; otherwise run `cadans worker` beside it.
    """
    _check(house)
    _refuse_taken(house.settings.bind)
    # A web process that was forked while a thread of ours is inside SQLite waits for it for ever.
    multiprocessing.set_start_method("spawn")
    # So that each of them knows how many threads it has.
    os.environ[THREADS] = str(threads)  # noqa: TID251 (written, for the processes to come)
    jobs = Worker(house, TASKS, ERRANDS) if house.settings.is_embedded else None
    if jobs:
        jobs.start()
    bind = house.settings.bind
    click.echo(f"Cadans serves {house.settings.base_url}", err=True)
    Granian(
        "app.wsgi:application",
        address=bind.host,
        port=bind.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        # Addresses hold tokens: never an access log of ours.
        log_access=False,
        log_enabled=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        respawn_interval=RELOAD_SECONDS,
    ).serve()
    if jobs:
        _finish(jobs)


@click.command()
@click.pass_obj
def worker(house: House) -> None:
    """Send mail, record unlocks, judge recordings: what must happen outside a request.

    Start as many as you like, on as many hosts as you like, with PostgreSQL: they share the work.
    A signal to end lets each job finish; a second one ends at once, and another worker takes over.
    """
    _check(house)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    open_watch_door(house)
    jobs = Worker(house, TASKS, ERRANDS)
    jobs.start()
    click.echo("Cadans works", err=True)
    stop.wait()
    _finish(jobs)


@click.command()
@click.pass_obj
def demo(house: House) -> None:
    """Make the demo course and its owner; a second call changes nothing."""
    _check(house)
    for line in set_up_demo(house):
        click.echo(line)


def _finish(jobs: Worker) -> None:
    """Wait for what runs, unless somebody asks a second time."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    jobs.stop(None)


def _refuse_taken(bind: Bind) -> None:
    """Say in words what Granian says with a stack trace."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    with socket.socket(family) as probe:
        # What was answered there a minute ago is no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind.host, bind.port))
        except OSError as error:
            raise PlaceTaken(
                f"CADANS_BIND says {bind}, where nobody can listen ({error.strerror}): stop what"
                " answers there, or name another port."
            ) from error


def _check(house: House) -> None:
    here, needed = schema.current_revision(house.database), schema.newest_revision()
    if not schema.is_ready(house.database):
        raise TablesNotReady(
            f"the tables are at {here}, this release needs {needed}: {schema.remedy(here)}"
        )
    refuse_clock_stepping_back(house)
    _refuse_other_feed_keys(house)


def _refuse_other_feed_keys(house: House) -> None:
    """Start with no key in the place of one that addresses were made with: it would shut them."""
    keys = house.settings.feed_keys
    with house.database.reading() as session:
        changed = key_marks.changed_keys(session, keys)
    if changed:
        raise FeedKeyChanged(changed)
    # Another process that starts just now remembers the same.
    with suppress(IntegrityError), house.database.writing() as session:
        key_marks.remember(session, keys)
