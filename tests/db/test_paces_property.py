"""Whatever a listener changes, and in whatever order: what she could hear, she can still hear."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.db.asking import StandingReader
from app.db.models import FeedAddress, Subscription
from app.db.session import Database
from app.db.standing import read_instant
from app.errors import CadansError
from app.services import paces, pauses, renewals, unlocking, unlocks
from app.services.addresses import FeedAddresses
from app.services.delivery import hear
from app.services.feeds import load_served
from app.services.paces import Wish
from feeds.rhythm import Rhythm, RhythmKind
from feeds.tokens import FeedKeys
from tests.builders import a_course, a_lesson, a_subscription

HOST = "cursus.example"
ADDRESSES = FeedAddresses(
    base_url="https://cursus.example", keys=FeedKeys(secrets={1: b"k" * 32}, current=1)
)
ZONES = ("Europe/Amsterdam", "Asia/Kathmandu", "America/New_York", "Pacific/Chatham")
RHYTHMS = st.one_of(
    st.none(),
    st.builds(Rhythm, kind=st.just(RhythmKind.EVERY_DAYS), every_days=st.integers(1, 30)),
    st.builds(
        Rhythm,
        kind=st.just(RhythmKind.WEEKDAY),
        weekday=st.integers(0, 6),
        hour=st.integers(0, 23),
    ),
)
COURSES = st.one_of(st.just(Rhythm()), RHYTHMS.filter(bool))
Act = Callable[["Her", datetime], None]


class Her:
    """One listener in one course, who changes her mind through the services."""

    def __init__(self, database: Database, rhythm: Rhythm, zone: str, start: datetime) -> None:
        self.database = database
        with database.writing() as session:
            course = a_course(
                session,
                lessons=0,
                may_hurry=True,
                rhythm_kind=rhythm.kind,
                rhythm_every_days=rhythm.every_days,
                rhythm_weekday=rhythm.weekday,
                rhythm_hour=rhythm.hour,
            )
            for position in range(1, 7):
                a_lesson(session, course, position=position, published_at=start - timedelta(days=9))
            self.course_id = course.id
            self.id = a_subscription(
                session, course, started_at=start, zone=zone, next_unlock_at=start
            ).id
        # What was heard of each subscription, by lesson: its date.
        self.heard: dict[int, dict[int, datetime]] = {}

    def do(self, act: Act, now: datetime) -> None:
        with suppress(CadansError):
            act(self, now)

    def look(self, now: datetime, reader: StandingReader) -> None:
        """Look at every feed she ever had; nothing may be gone, moved or from the future."""
        with self.database.reading() as session:
            served = load_served(session, self.course_id, "https://cursus.example")
            own = session.execute(
                select(FeedAddress.random_id, Subscription.id)
                .join(Subscription, Subscription.id == FeedAddress.subscription_id)
                .where(Subscription.course_id == self.course_id, FeedAddress.retired_at.is_(None))
            ).all()
            planned = {
                number: [
                    (each.lesson_id, each.pub_at)
                    for each in unlocks.unlocked_now(session, number, now)
                ]
                for _, number in own
            }
        for random_id, number in own:
            standing = reader.find(random_id)
            assert standing is not None
            shown = [(lesson, read_instant(at)) for at, lesson in hear(standing, served, now)]
            # The hot path and the pages say the same.
            assert shown == planned[number]
            dates = [at for _, at in shown]
            assert dates == sorted(set(dates))
            assert all(at <= now for at in dates)
            before = self.heard.get(number, {})
            assert before.items() <= dict(shown).items()
            self.heard[number] = dict(shown)


def pause(days: int | None) -> Act:
    def act(her: Her, now: datetime) -> None:
        with her.database.writing() as session:
            today = pauses.today_of(session, her.id, now)
            until = None if days is None else today + timedelta(days=days)
            pauses.pause(session, her.id, until=until, host=HOST, now=now)

    return act


def resume(her: Her, now: datetime) -> None:
    with her.database.writing() as session:
        pauses.resume(session, her.id, host=HOST, now=now)


def pace(rhythm: Rhythm | None, zone: str) -> Act:
    def act(her: Her, now: datetime) -> None:
        with her.database.writing() as session:
            paces.set_pace(session, her.id, Wish(rhythm=rhythm, zone=zone), host=HOST, now=now)

    return act


def hurry(her: Her, now: datetime) -> None:
    with her.database.writing() as session:
        paces.hurry(session, her.id, host=HOST, now=now)


def restart(her: Her, now: datetime) -> None:
    with her.database.writing() as session:
        new = renewals.restart(session, her.id, addresses=ADDRESSES, host=HOST, now=now)
    her.id = new.id


def work(her: Her, now: datetime) -> None:
    """The worker comes by."""
    with her.database.writing() as session:
        unlocking.record_due(session, now=now, limit=100, host=HOST)


ACTS = st.one_of(
    st.builds(pause, st.one_of(st.none(), st.integers(0, 40))),
    st.just(resume),
    st.builds(pace, RHYTHMS, st.sampled_from(ZONES)),
    st.just(hurry),
    st.just(restart),
    st.just(work),
)
STEPS = st.one_of(
    st.timedeltas(timedelta(0), timedelta(seconds=2)),
    st.timedeltas(timedelta(0), timedelta(days=12)),
)
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    begun=st.tuples(COURSES, st.sampled_from(ZONES), STARTS),
    days=st.lists(st.tuples(STEPS, ACTS), max_size=12),
)
def test_what_was_visible_stays_visible_whatever_she_changes(
    sqlite_url: str,
    open_test_database: Callable[[str], Database],
    begun: tuple[Rhythm, str, datetime],
    days: list[tuple[timedelta, Act]],
) -> None:
    database = open_test_database(sqlite_url)
    rhythm, zone, start = begun
    with StandingReader(database.engine) as reader:
        her, now = Her(database, rhythm, zone, start), start
        her.look(now, reader)
        for step, act in days:
            now += step
            her.look(now, reader)
            her.do(act, now)
            her.look(now, reader)
        her.look(now + timedelta(days=400), reader)
