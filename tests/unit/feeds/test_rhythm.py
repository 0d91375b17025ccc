from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from feeds.errors import ImpossibleValue
from feeds.rhythm import (
    Override,
    Pause,
    PlannedUnlock,
    RecordedUnlock,
    Rhythm,
    RhythmKind,
    is_everything_unlocked,
    next_unlock_at,
    unlocked,
    upcoming,
)
from tests.unit.feeds.builders import (
    START,
    WEEK,
    a_lesson,
    a_life,
    at,
    ids,
    lessons,
    with_recorded,
)

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
AT_ONCE = Rhythm(kind=RhythmKind.AT_ONCE)
FIXED = Rhythm(kind=RhythmKind.FIXED_DATES)


def recorded(lesson_id: int, instant: datetime) -> RecordedUnlock:
    return RecordedUnlock(lesson_id=lesson_id, unlocked_at=instant, pub_at=instant)


def test_first_lesson_is_there_at_the_start() -> None:
    assert ids(unlocked(a_life(), lessons(4), START)) == [1]


def test_second_lesson_opens_on_the_second_a_week_later() -> None:
    assert ids(unlocked(a_life(), lessons(4), START + WEEK - SECOND)) == [1]
    assert ids(unlocked(a_life(), lessons(4), START + WEEK)) == [1, 2]


def test_lesson_opens_at_the_planned_instant_whoever_notices_first() -> None:
    late = unlocked(a_life(), lessons(4), START + 3 * WEEK)
    assert [unlock.unlocked_at for unlock in late] == [START + n * WEEK for n in range(4)]
    assert [unlock.pub_at for unlock in late] == [START + n * WEEK for n in range(4)]


def test_nothing_is_unlocked_before_the_start() -> None:
    assert unlocked(a_life(), lessons(4), START - SECOND) == ()


def test_order_of_lessons_is_their_position_whatever_their_ids() -> None:
    course = [a_lesson(9, position=1), a_lesson(4, position=2)]
    assert ids(unlocked(a_life(), course, START + WEEK)) == [9, 4]


def test_unknown_zone_follows_the_clock_of_the_course() -> None:
    life = a_life(at("2026-10-22T17:30:00"), zone="Europe/Atlantis")
    assert unlocked(life, lessons(2), at("2026-10-29T18:29:59"))[-1].lesson_id == 1
    assert unlocked(life, lessons(2), at("2026-10-29T18:30:00"))[-1].lesson_id == 2


# --- drafts, publication, place ---


def test_draft_takes_no_place_and_is_never_heard() -> None:
    course = [a_lesson(1), a_lesson(2, published_at=None), a_lesson(3)]
    assert ids(unlocked(a_life(), course, START + WEEK)) == [1, 3]


def test_lesson_published_after_its_slot_opens_when_published() -> None:
    published = START + WEEK + timedelta(days=3)
    course = [a_lesson(1), a_lesson(2, published_at=published)]
    assert ids(unlocked(a_life(), course, published - SECOND)) == [1]
    assert unlocked(a_life(), course, published)[-1].unlocked_at == published


def test_lesson_to_be_published_later_holds_its_place() -> None:
    course = [a_lesson(1), a_lesson(2, published_at=START + 10 * WEEK), a_lesson(3)]
    assert ids(unlocked(a_life(), course, START + WEEK)) == [1]
    assert ids(unlocked(a_life(), course, START + 2 * WEEK)) == [1, 3]


def test_lesson_moved_into_a_place_already_passed_opens_at_that_move() -> None:
    moved = START + 3 * WEEK - timedelta(days=1)
    before = with_recorded(a_life(), lessons(9), moved)
    course = [a_lesson(9, position=0, placed_at=moved), *lessons(8)]
    assert ids(unlocked(before, course, moved - SECOND)) == [1, 2, 3]
    assert ids(unlocked(before, course, moved)) == [1, 2, 3, 9]


def test_lesson_moved_to_a_place_still_ahead_waits_for_its_slot() -> None:
    course = [a_lesson(1), a_lesson(5, position=2, placed_at=START + SECOND)]
    assert next_unlock_at(a_life(), course, START) == START + WEEK


# --- several at once: dates ---


def test_lessons_that_open_together_are_dated_a_minute_apart_up_to_that_instant() -> None:
    dates = [u.pub_at for u in unlocked(a_life(rhythm=AT_ONCE), lessons(3), START)]
    assert dates == [START - 2 * MINUTE, START - MINUTE, START]


def test_lessons_are_dated_a_second_apart_where_minutes_would_reach_the_last_date() -> None:
    published = START + 2 * MINUTE
    course = [a_lesson(1), *(a_lesson(n, published_at=published) for n in (2, 3, 4))]
    life = a_life(rhythm=AT_ONCE)
    dates = [u.pub_at for u in unlocked(life, course, published)]
    assert dates == [START, published - 2 * SECOND, published - SECOND, published]


def test_minutes_that_come_just_after_the_last_date_stay_minutes() -> None:
    published = START + 2 * MINUTE + SECOND
    course = [a_lesson(1), *(a_lesson(n, published_at=published) for n in (2, 3, 4))]
    dates = [u.pub_at for u in unlocked(a_life(rhythm=AT_ONCE), course, published)]
    assert dates[1:] == [published - 2 * MINUTE, published - MINUTE, published]


def test_lesson_that_opens_within_the_same_second_waits_for_a_date_of_its_own() -> None:
    course = [a_lesson(1), a_lesson(2, published_at=START + timedelta(microseconds=5))]
    life = a_life(rhythm=AT_ONCE)
    assert ids(unlocked(life, course, START + timedelta(microseconds=999_999))) == [1]
    assert [u.pub_at for u in unlocked(life, course, START + SECOND)] == [START, START + SECOND]


def test_dates_have_whole_seconds_and_none_is_ahead_of_a_start_between_two_seconds() -> None:
    start = START + timedelta(microseconds=700_000)
    (first,) = unlocked(a_life(start), lessons(1), start)
    assert first.pub_at == START
    assert first.unlocked_at == start


def test_lesson_that_slips_in_between_is_dated_after_what_was_there() -> None:
    life = a_life(recorded=(recorded(1, START), recorded(2, START + WEEK)))
    moved = [a_lesson(1), a_lesson(3, position=1), a_lesson(2, position=2)]
    now = START + WEEK
    assert ids(unlocked(life, moved, now)) == [1, 2]
    assert unlocked(life, moved, now + SECOND)[-1].pub_at == now + SECOND


# --- what was recorded ---


def test_recorded_unlock_stays_whatever_the_clock_says() -> None:
    life = a_life(recorded=(recorded(1, START), recorded(2, START + WEEK)))
    assert ids(unlocked(life, lessons(4), START)) == [1, 2]


def test_recorded_date_never_moves() -> None:
    odd = RecordedUnlock(lesson_id=1, unlocked_at=START, pub_at=START - 7 * MINUTE)
    assert unlocked(a_life(recorded=(odd,)), lessons(1), START)[0].pub_at == odd.pub_at


def test_recorded_unlock_says_so() -> None:
    both = unlocked(a_life(recorded=(recorded(1, START),)), lessons(2), START + WEEK)
    assert [u.is_recorded for u in both] == [True, False]


def test_recording_changes_nothing_that_can_be_seen() -> None:
    life, now = a_life(rhythm=AT_ONCE), START + WEEK
    noted = with_recorded(life, lessons(4), now)
    seen = [replace(u, is_recorded=True) for u in unlocked(life, lessons(4), now)]
    assert list(unlocked(noted, lessons(4), now)) == seen


# --- withdrawn ---


def test_withdrawn_lesson_is_not_unlocked_any_more_and_leaves_no_silent_week() -> None:
    course = [a_lesson(1), a_lesson(2, is_withdrawn=True), a_lesson(3)]
    assert ids(unlocked(a_life(), course, START + WEEK)) == [1, 3]


def test_withdrawn_lesson_stays_with_who_has_it_and_nothing_comes_early() -> None:
    life = a_life(recorded=(recorded(1, START), recorded(2, START + WEEK)))
    course = [a_lesson(1), a_lesson(2, is_withdrawn=True), a_lesson(3)]
    assert ids(unlocked(life, course, START + 2 * WEEK - SECOND)) == [1, 2]
    assert ids(unlocked(life, course, START + 2 * WEEK)) == [1, 2, 3]


# --- pauses, overrides, end ---


def test_pause_holds_back_the_next_lesson_by_its_days() -> None:
    pause = Pause(starts_on=date(2026, 11, 25), ends_on=date(2026, 12, 5))
    life = a_life(pauses=(pause,))
    assert next_unlock_at(life, lessons(2), START) == START + WEEK + timedelta(days=10)


def test_pause_without_an_end_leaves_nothing_planned() -> None:
    life = a_life(pauses=(Pause(starts_on=date(2026, 11, 25)),))
    assert next_unlock_at(life, lessons(4), START) is None
    assert upcoming(life, lessons(4), START) == ()
    assert ids(unlocked(life, lessons(4), START + 9 * WEEK)) == [1]


def test_first_lesson_is_there_even_if_she_pauses_on_the_first_day() -> None:
    life = a_life(pauses=(Pause(starts_on=date(2026, 11, 23)),))
    assert ids(unlocked(life, lessons(4), START)) == [1]


def test_lesson_published_during_a_pause_opens_on_the_day_of_resuming() -> None:
    pause = Pause(starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 9))
    course = [a_lesson(1), a_lesson(2, published_at=at("2026-12-03T12:00:00"))]
    assert next_unlock_at(a_life(pauses=(pause,)), course, START) == at("2026-12-09T00:00:00+01:00")


def test_next_lesson_now_opens_now_and_leaves_the_others_in_their_slots() -> None:
    now = START + timedelta(days=2)
    life = a_life(overrides=(Override(lesson_id=2, unlock_at=now),))
    assert ids(unlocked(life, lessons(3), now - SECOND)) == [1]
    assert ids(unlocked(life, lessons(3), now)) == [1, 2]
    assert next_unlock_at(life, lessons(3), now) == START + 2 * WEEK


def test_next_lesson_now_works_during_a_pause_too() -> None:
    now = at("2026-11-26T12:00:00")
    life = a_life(
        pauses=(Pause(starts_on=date(2026, 11, 25)),),
        overrides=(Override(lesson_id=2, unlock_at=now),),
    )
    assert ids(unlocked(life, lessons(3), now)) == [1, 2]


def test_next_lesson_now_never_opens_what_is_not_published() -> None:
    course = [a_lesson(1), a_lesson(2, published_at=START + WEEK)]
    life = a_life(overrides=(Override(lesson_id=2, unlock_at=START),))
    assert next_unlock_at(life, course, START) == START + WEEK


def test_ended_subscription_keeps_what_it_has_and_gets_nothing_more() -> None:
    life = a_life(ended_at=START + WEEK)
    assert ids(unlocked(life, lessons(4), START + 9 * WEEK)) == [1, 2]
    assert next_unlock_at(life, lessons(4), START + WEEK) is None


# --- fixed dates ---


def test_fixed_dates_open_on_their_dates() -> None:
    course = [a_lesson(1, release_at=START + WEEK), a_lesson(2, release_at=START + 3 * WEEK)]
    life = a_life(rhythm=FIXED)
    assert unlocked(life, course, START + WEEK - SECOND) == ()
    assert ids(unlocked(life, course, START + WEEK)) == [1]
    assert next_unlock_at(life, course, START + WEEK) == START + 3 * WEEK


def test_fixed_dates_that_are_past_open_together_at_the_start() -> None:
    course = [a_lesson(n, release_at=START - WEEK) for n in (1, 2)]
    dates = [u.pub_at for u in unlocked(a_life(rhythm=FIXED), course, START)]
    assert dates == [START - MINUTE, START]


def test_lesson_without_its_date_stays_closed() -> None:
    life = a_life(rhythm=FIXED)
    assert unlocked(life, lessons(1), START + 9 * WEEK) == ()
    assert next_unlock_at(life, lessons(1), START) is None


def test_fixed_dates_do_not_shift_in_a_pause_but_wait_for_its_end() -> None:
    pause = Pause(starts_on=date(2026, 11, 25), ends_on=date(2026, 12, 5))
    course = [
        a_lesson(1, release_at=at("2026-11-30T08:00:00")),
        a_lesson(2, release_at=at("2026-12-07T08:00:00")),
    ]
    life = a_life(rhythm=FIXED, pauses=(pause,))
    assert [plan.planned_at for plan in upcoming(life, course, START)] == [
        at("2026-12-05T00:00:00+01:00"),
        at("2026-12-07T08:00:00"),
    ]


# --- what comes when ---


def test_upcoming_tells_what_comes_when_soonest_first() -> None:
    assert upcoming(a_life(), lessons(3), START) == (
        PlannedUnlock(lesson_id=2, planned_at=START + WEEK),
        PlannedUnlock(lesson_id=3, planned_at=START + 2 * WEEK),
    )


def test_next_unlock_is_none_when_all_are_open() -> None:
    assert next_unlock_at(a_life(), lessons(2), START + WEEK) is None


def test_listener_of_day_fifteen_hears_three_lessons() -> None:
    as_if = a_life(START)
    assert ids(unlocked(as_if, lessons(4), START + timedelta(days=15))) == [1, 2, 3]


def test_everything_is_unlocked_from_the_last_unlock_on() -> None:
    assert not is_everything_unlocked(a_life(), lessons(2), START + WEEK - SECOND)
    assert is_everything_unlocked(a_life(), lessons(2), START + WEEK)


def test_drafts_and_withdrawn_lessons_do_not_keep_a_course_from_being_complete() -> None:
    course = [a_lesson(1), a_lesson(2, published_at=None), a_lesson(3, is_withdrawn=True)]
    assert is_everything_unlocked(a_life(), course, START)


def test_published_lesson_without_a_date_keeps_a_course_from_being_complete() -> None:
    course = [a_lesson(1, release_at=START), a_lesson(2)]
    assert not is_everything_unlocked(a_life(rhythm=FIXED), course, START + 9 * WEEK)


def test_instants_without_a_zone_are_refused() -> None:
    naive = datetime(2026, 11, 23, 9, 0)
    with pytest.raises(ImpossibleValue):
        a_life(naive)
    with pytest.raises(ImpossibleValue):
        a_lesson(1, published_at=naive)
    with pytest.raises(ImpossibleValue):
        recorded(1, naive)
    with pytest.raises(ImpossibleValue):
        Override(lesson_id=1, unlock_at=naive)
