"""The database of the house: it answers, has the tables of this release, and can be written."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.clock import system_clock
from app.db import migrate
from app.db.models import Mark
from app.db.session import Database
from app.doctor.report import Check, Grade
from app.services import backlog

MARK: Final = "doctor"
# Two machines whose clocks differ by more than this disagree about what is unlocked.
CLOCK_MAY_DIFFER: Final = timedelta(seconds=5)


class _TakenBack(Exception):
    """Ends the transaction that was only tried."""


def look_at_database(database: Database) -> list[Check]:
    """Look whether it answers, is at the newest tables, can be written, and tells our time."""
    url = database.engine.url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return [_fail("database", "There is no database yet.", "Run `cadans db upgrade`.")]
    try:
        version = _version(database)
    except DBAPIError as error:
        words = f"The database does not let us in ({_first_line(error)})."
        return [_fail("database", words, "See that it runs and mend CADANS_DATABASE_URL.")]
    is_there = Check(code="database", grade=Grade.OK, message=f"The database answers: {version}.")
    return [is_there, _migrations(database), _write(database), _clock(database)]


def look_at_workers(database: Database) -> list[Check]:
    """Look whether a worker was seen lately, and whether mail waits that should be gone."""
    now = system_clock()
    with database.reading() as session:
        found = backlog.of_house(session, now=now)
    seen = found.worker_seen_at
    waiting = f"{len(found.jobs)} jobs and {found.mails.due} mails are due"
    if seen is None or seen < now - backlog.SILENCE:
        last = "ever" if seen is None else f"since {seen:%Y-%m-%d %H:%M} UTC"
        words = f"No worker was seen {last}; {waiting}."
        return [_fail("worker", words, "Start `cadans worker` (`cadans serve` alone with SQLite).")]
    return [Check(code="worker", grade=Grade.OK, message=f"A worker is at work; {waiting}.")]


def _version(database: Database) -> str:
    with database.engine.connect() as connection:
        version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
        return f"{connection.dialect.name} {version}".strip()


def _migrations(database: Database) -> Check:
    here, needed = migrate.current_revision(database), migrate.newest_revision()
    if migrate.is_ready(database):
        return Check(code="migrations", grade=Grade.OK, message=f"The tables are at {here}.")
    return _fail(
        "migrations",
        f"The tables are at {here or 'nothing'}, this release needs {needed}.",
        "Run `cadans db upgrade`; where the tables are newer, install the newer release.",
    )


def _write(database: Database) -> Check:
    try:
        with suppress(_TakenBack), database.writing() as session:
            session.add(Mark(name=MARK, value="tried"))
            session.flush()
            raise _TakenBack
    except DBAPIError as error:
        return _fail(
            "database_write",
            f"The database cannot be written ({_first_line(error)}).",
            "Give our user the right to write, and see that it is neither a replica nor full.",
        )
    return Check(code="database_write", grade=Grade.OK, message="The database can be written.")


def _clock(database: Database) -> Check:
    if database.engine.dialect.name != "postgresql":
        words = "The database lives by the clock of this machine."
        return Check(code="clock", grade=Grade.OK, message=words)
    with database.reading() as session:
        theirs: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return judge_clock("clock", "the database", system_clock() - theirs.astimezone(UTC))


def judge_clock(code: str, whose: str, apart: timedelta) -> Check:
    """Judge how far our clock is ahead of another one."""
    seconds = abs(apart.total_seconds())
    if abs(apart) <= CLOCK_MAY_DIFFER:
        return Check(code=code, grade=Grade.OK, message=f"Our clock agrees with that of {whose}.")
    return _fail(
        code,
        f"Our clock and that of {whose} are {seconds:.0f} seconds apart.",
        "Let a time service set the clocks of both machines, such as systemd-timesyncd.",
    )


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def _fail(code: str, message: str, remedy: str) -> Check:
    return Check(code=code, grade=Grade.FAIL, message=message, remedy=remedy)
