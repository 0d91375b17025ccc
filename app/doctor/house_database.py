"""The database of the house: it answers, has the tables of this release, and can be written."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app.clock import system_clock
from app.db import schema
from app.db.models import Mark
from app.db.session import Database
from app.doctor.house_clock import Moment, judge_clock
from app.doctor.report import Check, Grade
from app.services import key_marks
from feeds.tokens import FeedKeys

MARK: Final = "doctor"


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


def look_at_feed_keys(database: Database, keys: FeedKeys) -> list[Check]:
    """Look whether every feed address has the key it was made with, and count them by key."""
    with database.reading() as session:
        used = key_marks.addresses_by_key(session)
        changed = key_marks.changed_keys(session, keys)
    if changed:
        return [_lost(used, changed, "stands another key than they were made with")]
    missing = [number for number in used if number not in keys.secrets]
    if missing:
        return [_lost(used, missing, "CADANS_FEED_KEYS has no key")]
    counted = ", ".join(f"{used.get(number, 0)} on key {number}" for number in keys.secrets)
    words = f"Feed addresses by key: {counted}; key {keys.current} makes new ones."
    return [Check(code="feed_keys", grade=Grade.OK, message=words)]


def _lost(used: Mapping[int, int], numbers: Sequence[int], why: str) -> Check:
    count = sum(used[number] for number in numbers)
    named = ", ".join(map(str, numbers))
    words = f"Feed addresses that no longer work: {count}; under number {named} {why}."
    remedy = (
        f"Put key {named} back in CADANS_FEED_KEYS, from a backup (`cadans restore --print-keys`);"
        " a new key gets a number of its own."
    )
    return _fail("feed_keys", words, remedy)


def _version(database: Database) -> str:
    with database.engine.connect() as connection:
        version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
        return f"{connection.dialect.name} {version}".strip()


def _migrations(database: Database) -> Check:
    here, needed = schema.current_revision(database), schema.newest_revision()
    if schema.is_ready(database):
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
    begun_at = system_clock()
    with database.reading() as session:
        theirs: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    moment = Moment(begun_at=begun_at, ended_at=system_clock())
    return judge_clock("clock", "the database", moment.apart_from(theirs.astimezone(UTC)))


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().partition("\n")[0]


def _fail(code: str, message: str, remedy: str) -> Check:
    return Check(code=code, grade=Grade.FAIL, message=message, remedy=remedy)
