"""Four workers on PostgreSQL are killed one by one, while lessons fall due and mail goes out.

Real processes (`cadans worker`), `kill -9`, a real SMTP server. Counted from the tables and from
what the mail server took: unlocks that were written down twice or never, mails that were never
written or never sent, and mails that came again. A kill between the server's 250 and our commit may
make one come again, the same by its Message-ID.
"""

import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import ColumnElement, func, select, update

from app.clock import system_clock
from app.db import migrate
from app.db.models import Course, OutboxMail, Unlock
from app.db.session import Database, open_database
from tests.bench.figures import Measure, none, say
from tests.bench.houses import cluster, environ_of, socket_url, start_worker, working
from tests.bench.unlocks import open_lessons, waiting
from tests.builders import a_course
from tests.parts.crowds import add_crowd
from tests.parts.smtp import MailServer, receiving

BENCH = "kills"
BASE = "https://cursus.example"
WEEK = timedelta(days=7)
WORKERS = 4
KILL_EVERY_SECONDS = 3
A_SECOND = 40
PATIENCE_SECONDS = 240
STILL_SECONDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What was found once all was quiet again."""

    kills: int
    listeners: int
    unlocks: int
    unlocks_twice: int
    notices: int
    unlocks_without_notice: int
    mails: int
    never_sent: int
    resent: int
    most_of_one: int
    seconds: float


def run(*, seconds: int) -> list[Measure]:
    """Kill workers for so long on a PostgreSQL of our own."""
    with cluster() as (postgres, socket), tempfile.TemporaryDirectory() as folder:
        postgres.run("CREATE DATABASE kills")
        with receiving() as server:
            url = socket_url(postgres.port, socket, "kills")
            found = kill_workers(url, Path(folder), server, seconds)
    return [
        none(BENCH, "unlocks written down twice", found.unlocks_twice),
        none(BENCH, "unlocks never written down", found.listeners - found.unlocks),
        none(BENCH, "unlocks without a mail of their own", found.unlocks_without_notice),
        none(BENCH, "mails never sent", found.never_sent),
        Measure(
            bench=BENCH,
            name=f"mails that came again, after {found.kills} kills",
            value=found.resent,
            unit=f"of {found.mails:,}",
            target=found.kills,
            is_at_most=True,
            facts={"most_of_one_message_id": found.most_of_one, "seconds": round(found.seconds)},
        ),
    ]


def kill_workers(url: str, folder: Path, server: MailServer, seconds: int) -> Aftermath:
    """Let lessons fall due for so long and kill a worker now and then; then let them finish."""
    database = open_database(url)
    migrate.upgrade(database)
    listeners = fill(database, seconds)
    environ = environ_of(
        folder, url, CADANS_MAIL=server.url, CADANS_MAIL_PACE="100000", CADANS_BASE_URL=BASE
    )
    begun, kills = time.monotonic(), 0
    with working(environ, WORKERS) as workers:
        while time.monotonic() - begun < seconds:
            time.sleep(KILL_EVERY_SECONDS)
            victim = workers.pop(0)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            workers.append(start_worker(environ))
            kills += 1
        say(f"kills: {kills} workers were killed; the rest finishes …")
        wait_until_quiet(database, listeners)
    found = look(database, server, kills, listeners, time.monotonic() - begun)
    database.close()
    return found


def fill(database: Database, seconds: int) -> int:
    """So many listeners fall due in every second to come; answer how many there are."""
    now = system_clock().replace(microsecond=0)
    with database.writing() as session:
        course = a_course(session, zone="UTC", created_at=now - 9 * WEEK)
        # Mail goes out at any hour (None in the row's making would be the default).
        session.execute(update(Course).values(mail_hour=None))
        heard = open_lessons(session, now - 8 * WEEK)
        for second in range(seconds):
            next_at = now + timedelta(seconds=second)
            add_crowd(session, course, waiting(A_SECOND, 1 + second * A_SECOND, next_at, heard))
    return seconds * A_SECOND


def wait_until_quiet(database: Database, listeners: int) -> None:
    """Wait until everybody was told and no mail that is due is left; gives up in the end.

    Mail that a killed worker had in hand is another's once its lease is over, after minutes; when
    nothing else happened for a while, those minutes are over here.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    before, since = (0, 0), time.monotonic()
    while time.monotonic() < give_up_at:
        with database.reading() as session:
            told = session.scalar(select(func.count()).select_from(OutboxMail)) or 0
            left = session.scalar(select(func.count(OutboxMail.id)).where(*_unsent())) or 0
        if told >= listeners and not left:
            return
        if (told, left) != before:
            before, since = (told, left), time.monotonic()
        if time.monotonic() - since > STILL_SECONDS:
            with database.writing() as session:
                session.execute(update(OutboxMail).where(*_unsent()).values(leased_until=None))
            since = time.monotonic()
        time.sleep(0.5)


def look(
    database: Database, server: MailServer, kills: int, listeners: int, seconds: float
) -> Aftermath:
    """Count, in the tables and at the mail server."""
    came = Counter(each.message["Message-ID"] for each in server.received)
    with database.reading() as session:
        new = session.execute(
            select(Unlock.subscription_id, Unlock.lesson_id, Unlock.notice_id).where(
                # What they had heard before stands there as recorded a week ago.
                Unlock.recorded_at > system_clock() - timedelta(days=1)
            )
        ).all()
        notices = session.scalar(select(func.count()).select_from(OutboxMail)) or 0
        never_sent = session.scalar(select(func.count(OutboxMail.id)).where(*_unsent())) or 0
    pairs = Counter((row.subscription_id, row.lesson_id) for row in new)
    mails = {row.notice_id for row in new if row.notice_id is not None}
    return Aftermath(
        kills=kills,
        listeners=listeners,
        unlocks=len(pairs),
        unlocks_twice=sum(pairs.values()) - len(pairs),
        notices=notices,
        unlocks_without_notice=len(new) - len(mails),
        mails=len(came),
        never_sent=never_sent,
        resent=sum(came.values()) - len(came),
        most_of_one=max(came.values(), default=0),
        seconds=seconds,
    )


def _unsent() -> list[ColumnElement[bool]]:
    return [
        OutboxMail.sent_at.is_(None),
        OutboxMail.failed_at.is_(None),
        OutboxMail.due_at <= system_clock(),
    ]
