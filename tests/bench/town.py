"""A house as large as they get: web processes and workers on one PostgreSQL and one S3, and nginx.

Everything is real and started as an operator starts it. What goes on in it (polls, sign-ups,
uploads) stands in `tests.bench.life`.
"""

import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.clock import system_clock
from app.db import migrate
from app.db.models import Course, FeedAddress, Lesson
from app.db.session import Database, open_database
from app.kinds import Role
from app.services import api_tokens
from app.services.api_tokens import TokenFields
from app.setting_values import parse_feed_keys
from feeds.tokens import FeedToken, build_token
from tests.bench.houses import KEY, SECRET
from tests.bench.unlocks import WEEK, open_lessons, waiting
from tests.builders import a_course, a_membership, an_account
from tests.parts.crowds import Crowd, add_crowd, analyse
from tests.parts.nginx import Nginx, nginx_before
from tests.parts.rgw import S3Server, environ_of, url_of
from tests.parts.server import Installation, free_port
from tests.parts.smtp import MailServer

PATIENCE_SECONDS = 90
# What a worker says when it has begun.
READY = "Cadans works"
WEB = 2
WORKERS = 2
SLUG = "many"
UPLOADS = "uploads"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """How many there are: who has everything, and who falls due in each second to come."""

    settled: int
    due_a_second: int
    seconds: int

    @property
    def due(self) -> int:
        return self.due_a_second * self.seconds


@dataclass(kw_only=True)
class Town:
    """All that runs, and how to reach it."""

    database: Database
    nginx: Nginx
    mail_server: MailServer
    webs: list[Installation]
    workers: list[Installation]
    tokens: Sequence[FeedToken]
    api_token: str
    people: People

    def start(self) -> None:
        for web in self.webs:
            start_web(web)
        for worker in self.workers:
            worker.start("worker")
        # Else what is taken away next may be missing when it begins, and that ends it.
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while not all(READY in worker.log for worker in self.workers):
            assert time.monotonic() < give_up_at
            time.sleep(0.1)

    def stop(self) -> None:
        for each in (*self.webs, *self.workers):
            each.stop()

    @property
    def pids(self) -> list[int]:
        """Every process of ours that runs now, and those that they started."""
        own = [process.pid for each in (*self.webs, *self.workers) for process in each.processes]
        return [pid for leader in own for pid in _session_of(leader)]


def start_web(web: Installation) -> None:
    web.serve("--workers", "1")


def kill(member: Installation) -> None:
    """End one without a word, whatever it does: it and all that it started."""
    [process] = member.processes
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    member.processes.clear()


@contextmanager
def a_town(
    url: str, folder: Path, s3_server: S3Server, mail_server: MailServer, people: People
) -> Iterator[Town]:
    """A town on the database at `url`, which is empty; nothing of it runs yet."""
    with ExitStack() as stack:
        database = open_database(url)
        stack.callback(database.close)
        migrate.upgrade(database)
        tokens, api_token = _settle(database, people)
        ports = [free_port() for _ in range(WEB)]
        gateway = int(s3_server.endpoint.rpartition(":")[2])
        nginx = stack.enter_context(nginx_before(*ports, gateway=gateway))
        environ = _environ(url, nginx, s3_server, mail_server)
        webs = [
            Installation(folder=folder / f"web-{port}", environ=environ, port=port)
            for port in ports
        ]
        workers = [
            Installation(folder=folder / f"worker-{number}", environ=environ)
            for number in range(WORKERS)
        ]
        town = Town(
            database=database,
            nginx=nginx,
            mail_server=mail_server,
            webs=webs,
            workers=workers,
            tokens=tokens,
            api_token=api_token,
            people=people,
        )
        stack.callback(town.stop)
        yield town


def _environ(
    url: str, nginx: Nginx, s3_server: S3Server, mail_server: MailServer
) -> dict[str, str]:
    bucket = s3_server.make_bucket()
    return {
        **environ_of(bucket),
        "CADANS_STORE": f"{url_of(bucket)}&public_endpoint={nginx.store_url}",
        "CADANS_DATABASE_URL": url,
        "CADANS_FEED_KEYS": KEY,
        "CADANS_SECRET_KEYS": SECRET,
        "CADANS_BASE_URL": nginx.url,
        "CADANS_TRUSTED_PROXIES": "127.0.0.1",
        "CADANS_MAIL": mail_server.url,
        "CADANS_MAIL_PACE": "100000",
    }


def _settle(database: Database, people: People) -> tuple[list[FeedToken], str]:
    """Fill the tables; answer the tokens of those who have everything, and one for the API."""
    now = system_clock().replace(microsecond=0)
    with database.writing() as session:
        course = a_course(session, slug=SLUG, zone="UTC", created_at=now - 9 * WEEK)
        # Mail goes out at any hour (None in the row's making would be the default).
        session.execute(update(Course).values(mail_hour=None))
        heard = open_lessons(session, now - 8 * WEEK)
        add_crowd(session, course, _settled(session, people.settled, now - 5 * WEEK))
        for second in range(people.seconds if people.due_a_second else 0):
            first = 1 + people.settled + second * people.due_a_second
            next_at = now + timedelta(seconds=second)
            add_crowd(session, course, waiting(people.due_a_second, first, next_at, heard))
        if people.settled > 10_000:
            analyse(session)
        return _tokens(session, people.settled), _teacher(session)


def _settled(session: Session, count: int, started_at: datetime) -> Crowd:
    """So many who have every lesson, week by week."""
    lessons = session.scalars(select(Lesson.id).order_by(Lesson.position)).all()
    return Crowd(
        count=count,
        first_id=1,
        started_at=started_at,
        next_unlock_at=None,
        heard=[(lesson, started_at + week * WEEK) for week, lesson in enumerate(lessons)],
    )


def _tokens(session: Session, count: int) -> list[FeedToken]:
    keys = parse_feed_keys(KEY)
    rows = session.scalars(
        select(FeedAddress.random_id).where(FeedAddress.subscription_id <= count)
    )
    return [build_token(keys, 1, random_id) for random_id in rows]


def _teacher(session: Session) -> str:
    account = an_account(session)
    course = a_course(session, lessons=0, slug=UPLOADS)
    a_membership(session, account, course, Role.OWNER)
    fields = TokenFields(account_id=account.id, label="bench")
    return api_tokens.create(session, fields, now=system_clock()).text


def count_uploaded(session: Session) -> int:
    """How many lessons the uploads of the teacher became."""
    query = select(func.count(Lesson.id)).join(Course, Course.id == Lesson.course_id)
    return session.scalar(query.where(Course.slug == UPLOADS)) or 0


def _session_of(leader: int) -> list[int]:
    """The processes of a session that was begun for `leader` (proc(5), the sixth field)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        fields = re.sub(r"^(\d+) \(.*\) ", r"\1 ", text, flags=re.DOTALL).split()
        if int(fields[4]) == leader:
            found.append(int(fields[0]))
    return found
