"""Two web processes and two workers behind nginx; one is ended every few seconds, in turn.

By `kill -9`, or as an upgrade does it. Meanwhile people poll, sign up and upload, and lessons fall
due. Counted: polls that failed, sign-ups that were taken and never led to a mail, mails that came
again (one for each kill is allowed), unlocks that were written down twice or never.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from app.clock import system_clock
from app.db.models import OutboxMail, Unlock
from tests.bench.figures import Measure, none, say
from tests.bench.houses import parts_for
from tests.bench.life import Polls, SignUps, Uploads, going_on
from tests.bench.town import People, Town, a_town, count_uploaded, kill, start_web
from tests.parts.rgw import S3Server
from tests.parts.server import Installation
from tests.parts.smtp import MailServer

BENCH = "many"
SETTLED = 1_000
DUE_A_SECOND = 5
POLLERS = 4
LEAST = 3
PATIENCE_SECONDS = 240
# Nothing happened for so long: what is left is leased to somebody who is dead.
STILL_SECONDS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What was found once all was quiet again."""

    kills: int
    restarts: int
    polls: int
    polls_failed: int
    sign_ups: int
    sign_ups_tried_again: int
    sign_ups_lost: int
    mails: int
    mails_again: int
    most_of_one: int
    due: int
    unlocks: int
    unlocks_twice: int
    uploads: int
    uploads_failed: int
    lessons: int
    seconds: float
    words: tuple[str, ...]


def run(*, seconds: int) -> list[Measure]:
    """End processes for so long, on parts of our own."""
    with parts_for("many") as own:
        found = end_one_by_one(own.url, own.folder, own.s3_server, own.mail_server, seconds)
    for words in found.words:
        say(words)
    after = f"after {found.kills} kills and {found.restarts} restarts"
    return [
        none(BENCH, f"of {found.polls:,} polls failed", found.polls_failed),
        none(BENCH, f"of {found.sign_ups:,} sign-ups lost", found.sign_ups_lost),
        none(BENCH, f"of {found.due:,} unlocks never written down", found.due - found.unlocks),
        none(BENCH, "unlocks written down twice", found.unlocks_twice),
        none(BENCH, f"of {found.uploads:,} uploads failed", found.uploads_failed),
        none(BENCH, "uploads without a lesson", found.uploads - found.lessons),
        Measure(
            bench=BENCH,
            name=f"mails that came again, {after}",
            value=found.mails_again,
            unit=f"of {found.mails:,}",
            target=found.kills,
            is_at_most=True,
            facts={
                "most_of_one_message_id": found.most_of_one,
                "sign_ups_tried_again": found.sign_ups_tried_again,
                "seconds": round(found.seconds),
            },
        ),
    ]


def end_one_by_one(
    url: str, folder: Path, s3_server: S3Server, mail_server: MailServer, seconds: int
) -> Aftermath:
    """Live in a town for so long while its processes are ended; then look what became of it all."""
    people = People(settled=SETTLED, due_a_second=DUE_A_SECOND, seconds=seconds)
    with a_town(url, folder, s3_server, mail_server, people) as town:
        town.start()
        begun = time.monotonic()
        polls = [Polls(town, every=0.01) for _ in range(POLLERS)]
        sign_ups = SignUps(town, every=0.2)
        uploads = Uploads(town, folder / "sounds", every=1)
        with going_on(*polls, sign_ups, uploads):
            kills, restarts = _end_in_turn(town, begun + seconds)
        say(f"many: {kills} killed, {restarts} restarted; the rest finishes …")
        _wait_until_quiet(town, sign_ups.taken)
        return _look(town, polls, sign_ups, uploads, (kills, restarts, time.monotonic() - begun))


def _end_in_turn(town: Town, until: float) -> tuple[int, int]:
    """End one after the other, and start it again before the next; answer how many, and how."""
    turns: list[tuple[Callable[[Installation], None], Installation]] = [
        (kill, town.webs[0]),
        (kill, town.workers[0]),
        (Installation.stop, town.webs[1]),
        (Installation.stop, town.workers[1]),
        (kill, town.webs[1]),
        (kill, town.workers[1]),
        (Installation.stop, town.webs[0]),
        (Installation.stop, town.workers[0]),
    ]
    ended: Counter[bool] = Counter()
    # On a machine that is slow today too, one of each at least.
    while time.monotonic() < until or ended.total() < LEAST:
        end, member = turns[ended.total() % len(turns)]
        end(member)
        ended[end is kill] += 1
        if member in town.webs:
            start_web(member)
        else:
            member.start("worker")
        time.sleep(1)
    return ended[True], ended[False]


def _wait_until_quiet(town: Town, sign_ups: list[str]) -> None:
    """Wait until everybody has her mail; those of the dead are handed on without their lease."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    before, since = -1, time.monotonic()
    while time.monotonic() < give_up_at:
        came = len({each.message["Message-ID"] for each in town.mail_server.received})
        if came >= town.people.due + len(sign_ups):
            return
        if came != before:
            before, since = came, time.monotonic()
        if time.monotonic() - since > STILL_SECONDS:
            with town.database.writing() as session:
                session.execute(update(OutboxMail).values(leased_until=None))
            since = time.monotonic()
        time.sleep(0.2)


def _look(
    town: Town,
    polls: list[Polls],
    sign_ups: SignUps,
    uploads: Uploads,
    how: tuple[int, int, float],
) -> Aftermath:
    kills, restarts, seconds = how
    with town.database.reading() as session:
        lessons = count_uploaded(session)
    came = Counter(each.message["Message-ID"] for each in town.mail_server.received)
    told = {each.recipients[0] for each in town.mail_server.received}
    pairs = _unlocks(town)
    lives = (*polls, sign_ups, uploads)
    return Aftermath(
        kills=kills,
        restarts=restarts,
        polls=sum(each.done for each in polls),
        polls_failed=sum(each.went_wrong.total() for each in polls),
        sign_ups=len(sign_ups.taken),
        sign_ups_tried_again=sign_ups.tried_again,
        sign_ups_lost=len(set(sign_ups.taken) - told) + sign_ups.went_wrong.total(),
        mails=len(came),
        mails_again=sum(came.values()) - len(came),
        most_of_one=max(came.values(), default=0),
        due=town.people.due,
        unlocks=len(pairs),
        unlocks_twice=sum(pairs.values()) - len(pairs),
        uploads=uploads.done,
        uploads_failed=uploads.went_wrong.total(),
        lessons=lessons,
        seconds=seconds,
        words=tuple(
            f"{words} ({n} times)" for each in lives for words, n in each.went_wrong.items()
        ),
    )


def _unlocks(town: Town) -> Counter[tuple[int, int]]:
    """How often each unlock of today was written down."""
    with town.database.reading() as session:
        rows = session.execute(
            select(Unlock.subscription_id, Unlock.lesson_id).where(
                Unlock.recorded_at > system_clock() - timedelta(days=1),
                Unlock.subscription_id > town.people.settled,
            )
        ).all()
    return Counter((row.subscription_id, row.lesson_id) for row in rows)
