"""Properties of unlocking, under everything that may happen to a subscription and its course."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from feeds.rhythm import (
    Override,
    Pause,
    PlannedLesson,
    Rhythm,
    RhythmKind,
    Unlock,
    due_and_next,
    next_unlock_at,
    unlocked,
    upcoming,
)
from tests.parts.plain_model import plain_unlocks
from tests.unit.feeds.builders import LONG_AGO, a_lesson, a_life, with_recorded

RHYTHMS = st.one_of(
    st.just(Rhythm()),
    st.builds(Rhythm, kind=st.just(RhythmKind.EVERY_DAYS), every_days=st.integers(1, 9)),
    st.builds(
        Rhythm,
        kind=st.just(RhythmKind.WEEKDAY),
        weekday=st.integers(0, 6),
        hour=st.integers(0, 23),
    ),
    st.just(Rhythm(kind=RhythmKind.AT_ONCE)),
    st.just(Rhythm(kind=RhythmKind.FIXED_DATES)),
)
ZONES = ("Europe/Amsterdam", "Asia/Kathmandu", "Australia/Eucla", "Pacific/Chatham")
STARTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(
    lambda naive: naive.replace(tzinfo=UTC)
)
STEPS = st.one_of(
    st.timedeltas(timedelta(0), timedelta(seconds=3)),
    st.timedeltas(timedelta(0), timedelta(days=20)),
)


class ACourseIsFollowed(RuleBasedStateMachine):
    """Time passes, a worker records now and then, and people change their minds.

    As the application promises: what is unlocked is recorded before anything changes.
    """

    @initialize(rhythm=RHYTHMS, zone=st.sampled_from(ZONES), start=STARTS, count=st.integers(1, 7))
    def sign_up(self, rhythm: Rhythm, zone: str, start: datetime, count: int) -> None:
        self.life = a_life(start, rhythm=rhythm, zone=zone)
        self.now = start
        self.course = [
            a_lesson(n, release_at=start + timedelta(days=3 * n)) for n in range(1, count + 1)
        ]
        self.seen: dict[int, Unlock] = {}

    @rule(step=STEPS)
    def time_passes(self, step: timedelta) -> None:
        self.now += step

    @rule()
    def the_next_unlock_comes(self) -> None:
        moment = next_unlock_at(self.life, self.course, self.now)
        if moment is None:
            assert upcoming(self.life, self.course, self.now) == ()
            return
        just_before = unlocked(self.life, self.course, moment - timedelta(microseconds=1))
        self.now = max(self.now, moment - timedelta(microseconds=1))
        self.what_was_visible_stays_visible()
        self.now = moment
        assert len(unlocked(self.life, self.course, moment)) > len(just_before)

    @rule()
    def worker_comes_by(self) -> None:
        self.life = with_recorded(self.life, self.course, self.now)

    @rule(position=st.integers(-1, 8), delay=STEPS)
    def lesson_is_published(self, position: int, delay: timedelta) -> None:
        self.worker_comes_by()
        self.course.append(
            a_lesson(
                len(self.course) + 1,
                position=position,
                published_at=self.now + delay,
                placed_at=self.now,
                release_at=self.now,
            )
        )

    @rule(choice=st.integers(0, 99), position=st.integers(-1, 8))
    def lesson_is_moved(self, choice: int, position: int) -> None:
        self._change_lesson(choice, position=position, placed_at=self.now)

    @rule(choice=st.integers(0, 99), is_withdrawn=st.booleans())
    def lesson_is_withdrawn_or_put_back(self, choice: int, *, is_withdrawn: bool) -> None:
        self._change_lesson(choice, is_withdrawn=is_withdrawn, placed_at=self.now)

    @rule(choice=st.integers(0, 99), is_draft=st.booleans())
    def lesson_becomes_a_draft_or_not(self, choice: int, *, is_draft: bool) -> None:
        self._change_lesson(choice, published_at=None if is_draft else LONG_AGO)

    @rule(days=st.integers(0, 15), wait=st.integers(0, 9))
    def holiday_is_planned(self, days: int, wait: int) -> None:
        self.worker_comes_by()
        first = self._today() + timedelta(days=wait)
        pause = Pause(starts_on=first, ends_on=first + timedelta(days=days))
        self.life = replace(self.life, pauses=(*self.life.pauses, pause))

    @rule()
    def she_pauses(self) -> None:
        self.worker_comes_by()
        pause = Pause(starts_on=self._today())
        self.life = replace(self.life, pauses=(*self.life.pauses, pause))

    @rule()
    def she_resumes(self) -> None:
        self.worker_comes_by()
        pauses = tuple(
            Pause(starts_on=p.starts_on, ends_on=max(p.starts_on, p.ends_on or self._today()))
            for p in self.life.pauses
        )
        self.life = replace(self.life, pauses=pauses)

    @rule(rhythm=RHYTHMS)
    def she_takes_another_pace(self, rhythm: Rhythm) -> None:
        self.worker_comes_by()
        self.life = replace(self.life, rhythm=rhythm)

    @rule(choice=st.integers(0, 99))
    def she_wants_a_lesson_now(self, choice: int) -> None:
        self.worker_comes_by()
        lesson_id = self.course[choice % len(self.course)].id
        override = Override(lesson_id=lesson_id, unlock_at=self.now)
        self.life = replace(self.life, overrides=(override, *self.life.overrides))

    @rule()
    def she_leaves(self) -> None:
        self.worker_comes_by()
        self.life = replace(self.life, ended_at=self.life.ended_at or self.now)

    @invariant()
    def what_was_visible_stays_visible(self) -> None:
        visible = {u.lesson_id: u for u in unlocked(self.life, self.course, self.now)}
        for lesson_id, before in self.seen.items():
            assert replace(visible[lesson_id], is_recorded=False) == before
        self.seen = {n: replace(u, is_recorded=False) for n, u in visible.items()}

    @invariant()
    def dates_strictly_increase_and_never_lie_ahead(self) -> None:
        dates = [u.pub_at for u in unlocked(self.life, self.course, self.now)]
        assert dates == sorted(set(dates))
        assert all(date <= self.now for date in dates)
        assert all(date.microsecond == 0 for date in dates)

    @invariant()
    def each_lesson_is_open_or_to_come_but_never_both(self) -> None:
        open_ids = {u.lesson_id for u in unlocked(self.life, self.course, self.now)}
        plans = upcoming(self.life, self.course, self.now)
        assert open_ids.isdisjoint(plan.lesson_id for plan in plans)
        assert all(plan.planned_at > self.now for plan in plans)

    @invariant()
    def plain_model_says_the_same(self) -> None:
        visible = unlocked(self.life, self.course, self.now)
        heard = {each.lesson_id: each.unlocked_at for each in visible}
        plain = plain_unlocks(self.life, self.course, self.now)
        assert heard.items() <= plain.items()
        # A lesson shows with its date, which dates given before may push on by some seconds.
        pushed_on = self.now - len(plain) * timedelta(seconds=1)
        last_date = max((each.pub_at for each in visible), default=pushed_on)
        missing = plain.keys() - heard.keys()
        assert all(max(plain[lesson_id], last_date) > pushed_on for lesson_id in missing)

    @invariant()
    def worker_is_told_the_same_as_everybody(self) -> None:
        due, next_at = due_and_next(self.life, self.course, self.now)
        heard = unlocked(self.life, self.course, self.now)
        assert list(due) == sorted(
            (each for each in heard if not each.is_recorded), key=lambda each: each.pub_at
        )
        assert next_at == next_unlock_at(self.life, self.course, self.now)

    @invariant()
    def nothing_opens_unpublished(self) -> None:
        published = {lesson.id: lesson.published_at for lesson in self.course}
        for unlock in unlocked(self.life, self.course, self.now):
            if not unlock.is_recorded:
                published_at = published[unlock.lesson_id]
                assert published_at is not None
                assert unlock.unlocked_at >= max(published_at, self.life.started_at)

    def _change_lesson(self, choice: int, **changes: object) -> None:
        self.worker_comes_by()
        place = choice % len(self.course)
        changed: PlannedLesson = replace(self.course[place], **changes)  # type: ignore[arg-type] # any field
        self.course[place] = changed

    def _today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.life.zone)).date()


TestACourseIsFollowed = ACourseIsFollowed.TestCase
