"""Random lives of a course and its listeners, through the services, on both databases.

Whatever owners, listeners, workers and the clock do, in whatever order: what was visible stays
visible, dates strictly increase, nothing lies ahead, what a feed says of itself keeps its date too,
each unlock is written down once and told in at most one mail; and it is what the plain model says
(`tests/parts/plain_model.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.db.asking import StandingReader
from app.db.models import FeedAddress, OutboxMail, PendingPlan, Subscription, Unlock
from app.errors import InvalidInput, NotAllowed
from app.house import House
from app.jobs.plans import carry_out
from app.kinds import LessonState
from app.services import (
    courses,
    lessons,
    paces,
    pauses,
    plans,
    publishing,
    subscriptions,
    unlocking,
    unlocks,
)
from app.services.feeds import load_served
from app.services.paces import Wish
from app.services.polls import look
from app.services.publishing import Direction
from feeds.rhythm import Rhythm, RhythmKind
from tests.builders import a_course, a_lesson, a_subscription
from tests.parts.house import SettableClock, environ_on
from tests.parts.plain_model import plain_unlocks

HOST = "cursus.example"
BASE_URL = f"https://{HOST}"
ZONES = ("Europe/Amsterdam", "Asia/Kathmandu", "Australia/Eucla")
ELSEWHERE = (*ZONES, "Pacific/Honolulu", "Pacific/Kiritimati")
DAY = timedelta(days=1)
RHYTHMS = st.sampled_from(
    [
        Rhythm(),
        Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=2),
        Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=30),
        Rhythm(kind=RhythmKind.WEEKDAY, weekday=6, hour=2),
        Rhythm(kind=RhythmKind.AT_ONCE),
    ]
)
# A few seconds before the weeks in which clocks change, in both directions, and any other time.
STARTS = st.one_of(
    st.sampled_from([datetime(2026, 3, 22, 1, 30), datetime(2026, 10, 18, 0, 30)]),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1)),
).map(lambda wall: wall.replace(tzinfo=UTC))
WHO, WHICH = st.integers(0, len(ZONES) - 1), st.integers(0, 4)
Step = tuple[str, object, object]


def step(name: str, one: object = None, other: object = None) -> st.SearchStrategy[Step]:
    """A step by its name, with what it is about."""
    parts = [
        each if isinstance(each, st.SearchStrategy) else st.just(each) for each in (one, other)
    ]
    return st.tuples(st.just(name), *parts)


STEPS = st.lists(
    st.one_of(
        step("wait", st.timedeltas(timedelta(0), 12 * DAY)),
        step("wait", st.timedeltas(timedelta(0), timedelta(seconds=2))),
        step("step_back", st.timedeltas(timedelta(0), 3 * DAY)),
        step("work"),
        step("carry_out"),
        step("edit", RHYTHMS),
        step("publish", WHICH),
        step("withdraw", WHICH),
        step("move", WHICH, st.sampled_from(list(Direction))),
        step("pause", WHO, st.one_of(st.none(), st.integers(1, 9), st.just(3_652))),
        step("resume", WHO),
        step("hurry", WHO),
        step("travel", WHO, st.sampled_from(ELSEWHERE)),
        step("leave", WHO),
    ),
    min_size=5,
    max_size=25,
)

# What one listener does within a few days, hours apart.
HERS = st.lists(
    st.one_of(
        step("wait", st.timedeltas(timedelta(0), timedelta(hours=12))),
        step("pause", 0, st.one_of(st.none(), st.integers(1, 3))),
        step("resume", 0),
        step("hurry", 0),
        step("travel", 0, st.sampled_from(ELSEWHERE)),
    ),
    min_size=6,
    max_size=16,
)


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return environ_on(database_url, tmp_path)


@dataclass(kw_only=True)
class Lives:
    """One course, a listener in each of three zones, and what each has seen so far."""

    house: House
    clock: SettableClock
    course_id: int
    people: list[int]
    latest: datetime
    seen: dict[int, dict[int, datetime]] = field(default_factory=dict)
    said: dict[tuple[int, str, int], datetime] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Take a step; what the services refuse is no step."""
        name, one, other = step
        do: Callable[[object, object], None] = getattr(self, f"_{name}")
        try:
            do(one, other)
        except (InvalidInput, NotAllowed):
            return

    def look(self) -> None:
        """Look at what everybody may hear, and hold it against all that is promised."""
        with self.house.database.reading() as session:
            for number in self.people:
                self._look_at(session, number)
            self._look_at_mail(session)
        self.look_at_feeds()

    def _look_at(self, session: Session, number: int) -> None:
        now = self.clock()
        plan = unlocks.get_plan(session, number)
        heard = plan.unlocked(now)
        dates = [each.pub_at for each in heard]
        assert dates == sorted(set(dates))
        assert all(each <= self.latest for each in dates)
        assert all(each.pub_at <= now for each in heard if not each.is_recorded)
        visible = {each.lesson_id: each.pub_at for each in heard}
        assert self.seen.get(number, {}).items() <= visible.items()
        self.seen[number] = visible
        plain = plain_unlocks(plan.life, plan.open_lessons, now)
        instants = {each.lesson_id: each.unlocked_at for each in heard}
        assert instants.items() <= plain.items()
        pushed_on = now - len(plain) * timedelta(seconds=1)
        assert all(plain[missing] > pushed_on for missing in plain.keys() - instants.keys())

    def look_at_feeds(self) -> None:
        """What a feed says of itself has one date for ever, never ahead."""
        with self.house.database.reading() as session:
            served = load_served(session, self.course_id, BASE_URL)
            addresses = session.scalars(
                select(FeedAddress).where(FeedAddress.subscription_id.in_(self.people))
            ).all()
        with StandingReader(self.house.database.engine) as reader:
            for address in addresses:
                standing = reader.find(address.random_id)
                assert standing is not None
                for message in look(standing, served, self.clock()).messages:
                    name = (address.subscription_id, message.kind.value, message.number)
                    assert self.said.setdefault(name, message.pub_at) == message.pub_at
                    assert message.pub_at <= self.latest

    def _look_at_mail(self, session: Session) -> None:
        mails = session.scalars(
            select(OutboxMail).where(OutboxMail.template == unlocking.NOTICE_TEMPLATE)
        ).all()
        told = [
            (mail.subscription_id, int(lesson))
            for mail in mails
            for lesson in str(mail.ids["lessons"]).split(",")
        ]
        assert len(told) == len(set(told))
        rows = session.scalars(select(Unlock)).all()
        pairs = [(row.subscription_id, row.lesson_id) for row in rows]
        assert len(pairs) == len(set(pairs))
        assert set(told) == {
            pair for pair, row in zip(pairs, rows, strict=True) if row.notice_id is not None
        }

    def _wait(self, by: object, _: object) -> None:
        assert isinstance(by, timedelta)
        self.clock.advance(by)
        self.latest = max(self.latest, self.clock())

    def _step_back(self, by: object, _: object) -> None:
        """Only what is written down outlives a clock that runs backwards."""
        assert isinstance(by, timedelta)
        self.clock.advance(-by)
        with self.house.database.reading() as session:
            for number in self.people:
                recorded = session.scalars(select(Unlock).where(Unlock.subscription_id == number))
                self.seen[number] = {row.lesson_id: row.pub_at for row in recorded}

    def _work(self, *_: object) -> None:
        with self.house.database.writing() as session:
            unlocking.record_due(session, now=self.clock(), limit=2, host=HOST)

    def _carry_out(self, *_: object) -> None:
        while carry_out(self.house):
            pass

    def _edit(self, rhythm: object, _: object) -> None:
        with self.house.database.writing() as session:
            course = courses.get(session, self.course_id)
            fields = replace(courses.fields_of(session, course), rhythm=rhythm)  # type: ignore[arg-type] # one of RHYTHMS
            courses.edit(session, self.course_id, fields, version=course.version, now=self.clock())

    def _publish(self, which: object, _: object) -> None:
        self._with_lesson(which, publishing.publish)

    def _withdraw(self, which: object, _: object) -> None:
        self._with_lesson(which, publishing.withdraw)

    def _move(self, which: object, direction: object) -> None:
        self._with_lesson(which, publishing.move, direction)

    def _pause(self, who: object, days: object) -> None:
        until = None if days is None else self.clock().date() + int(str(days)) * DAY
        with self.house.database.writing() as session:
            pauses.pause(session, self._one(who), until=until, host=HOST, now=self.clock())

    def _resume(self, who: object, _: object) -> None:
        with self.house.database.writing() as session:
            pauses.resume(session, self._one(who), host=HOST, now=self.clock())

    def _hurry(self, who: object, _: object) -> None:
        with self.house.database.writing() as session:
            paces.hurry(session, self._one(who), host=HOST, now=self.clock())

    def _travel(self, who: object, zone: object) -> None:
        """Move to another zone; where lessons come at an hour of her clock, she stays."""
        with self.house.database.writing() as session:
            course = courses.get(session, self.course_id)
            if course.rhythm_kind is not RhythmKind.WEEKDAY:
                wish = Wish(rhythm=None, zone=str(zone))
                paces.set_pace(session, self._one(who), wish, host=HOST, now=self.clock())

    def _leave(self, who: object, _: object) -> None:
        with self.house.database.writing() as session:
            subscriptions.leave(session, self._one(who), host=HOST, now=self.clock())

    def _one(self, who: object) -> int:
        return self.people[int(str(who))]

    def _with_lesson(self, which: object, do: Callable[..., object], *more: object) -> None:
        with self.house.database.writing() as session:
            lesson = lessons.of_course(session, self.course_id)[int(str(which))]
            do(session, lesson, *more, now=self.clock())


def begin(house: House, clock: SettableClock, start: datetime, rhythm: Rhythm) -> Lives:
    """Three published lessons and two drafts; nobody else is in the house."""
    clock.instant = start
    with house.database.writing() as session:
        for table in (Unlock, OutboxMail, PendingPlan, Subscription):
            session.execute(delete(table))
        course = a_course(
            session,
            lessons=0,
            may_hurry=True,
            rhythm_kind=rhythm.kind,
            rhythm_every_days=rhythm.every_days,
            rhythm_weekday=rhythm.weekday,
            rhythm_hour=rhythm.hour,
        )
        before = start - 30 * DAY
        for position in range(1, 6):
            is_draft = position > 3
            a_lesson(
                session,
                course,
                position=position,
                state=LessonState.DRAFT if is_draft else LessonState.PUBLISHED,
                published_at=None if is_draft else before,
                placed_at=None if is_draft else before,
            )
        people = [
            a_subscription(session, course, zone=zone, started_at=start, next_unlock_at=start).id
            for zone in ZONES
        ]
    return Lives(house=house, clock=clock, course_id=course.id, people=people, latest=start)


@pytest.mark.parametrize("few", [0, 500])
def test_whatever_happens_what_was_visible_stays_and_is_told_once(
    house: House, clock: SettableClock, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(plans, "FEW", few)
    is_postgres = house.database.engine.dialect.name == "postgresql"

    @settings(
        max_examples=4 if is_postgres else 12,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.explicit, Phase.generate),
    )
    @given(start=STARTS, rhythm=RHYTHMS, steps=STEPS)
    def live(start: datetime, rhythm: Rhythm, steps: Sequence[Step]) -> None:
        lives = begin(house, clock, start, rhythm)
        lives.look()
        for each in steps:
            lives.take(each)
            lives.look()

    live()


def test_whatever_she_does_within_days_nothing_moves_that_her_feed_said_of_itself(
    house: House, clock: SettableClock
) -> None:
    is_postgres = house.database.engine.dialect.name == "postgresql"

    @settings(
        max_examples=4 if is_postgres else 24,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.explicit, Phase.generate),
    )
    @given(start=STARTS, steps=HERS)
    def live(start: datetime, steps: Sequence[Step]) -> None:
        lives = begin(house, clock, start, Rhythm())
        for each in steps:
            lives.take(each)
            lives.look_at_feeds()

    live()
