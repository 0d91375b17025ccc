"""What a listener may change about her rhythm, and what a change means for each lesson."""

from datetime import date, timedelta

import pytest

from feeds.errors import ImpossibleValue
from feeds.lives import (
    Move,
    find_next,
    moves,
    settled,
    with_lesson_now,
    with_pause,
    with_rhythm,
    without_pause,
)
from feeds.rhythm import Anchor, Life, Rhythm, RhythmKind, unlocked, upcoming
from tests.unit.feeds.builders import START, WEEK, a_lesson, a_life, at, ids, lessons

DAY = timedelta(days=1)


def every(days: int) -> Rhythm:
    return Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=days)


def on(weekday: int, hour: int) -> Rhythm:
    return Rhythm(kind=RhythmKind.WEEKDAY, weekday=weekday, hour=hour)


def paced(life: Life, rhythm: Rhythm, now_in_days: float, count: int = 8, **more: str) -> Life:
    now = START + now_in_days * DAY
    zone = more.get("zone", life.zone)
    life = settled(life, lessons(count), now)
    return with_rhythm(life, lessons(count), rhythm=rhythm, zone=zone, now=now)


def dates(life: Life, now_in_days: float, count: int = 8) -> list[str]:
    coming = upcoming(life, lessons(count), START + now_in_days * DAY)
    return [f"{each.planned_at:%m-%d %H:%M}" for each in coming]


def test_faster_counts_on_from_the_last_lesson() -> None:
    # Two lessons are hers, the second since 30 November.
    assert dates(paced(a_life(), every(3), 8), 8)[:3] == [
        "12-03 09:00",
        "12-06 09:00",
        "12-09 09:00",
    ]


def test_much_faster_brings_one_lesson_at_a_time_and_none_at_once() -> None:
    slow = paced(a_life(), every(30), 0)
    fast = paced(slow, every(1), 20)
    now = START + 20 * DAY
    assert ids(unlocked(fast, lessons(8), now)) == [1]
    assert dates(fast, 20)[:3] == ["12-14 09:00", "12-15 09:00", "12-16 09:00"]


def test_slower_counts_from_the_last_lesson_and_not_from_the_start() -> None:
    assert dates(paced(a_life(), every(14), 15), 15)[:2] == ["12-21 09:00", "01-04 09:00"]


def test_a_chosen_day_and_hour_comes_next_on_her_clock() -> None:
    assert dates(paced(a_life(), on(3, 18), 8), 8)[:2] == ["12-03 17:00", "12-10 17:00"]


def test_a_chosen_hour_that_strikes_now_is_for_next_week() -> None:
    # Now is Thursday 3 December 18:00:00 in Amsterdam.
    now_in_days = (at("2026-12-03 17:00") - START) / DAY
    assert dates(paced(a_life(), on(3, 18), now_in_days), now_in_days)[0] == "12-10 17:00"


def test_an_hour_of_her_clock_is_kept_across_summer_time() -> None:
    begun = at("2027-03-20 11:00")
    life = paced(a_life(begun), every(5), (begun - START) / DAY)
    coming = upcoming(life, lessons(8), begun)
    assert [f"{each.planned_at:%m-%d %H:%M}" for each in coming[:2]] == [
        "03-25 11:00",
        "03-30 10:00",
    ]


def test_a_zone_with_three_quarters_of_an_hour_is_a_zone() -> None:
    kathmandu = paced(a_life(), on(5, 7), 8, zone="Asia/Kathmandu")
    assert dates(kathmandu, 8)[0] == "12-05 01:15"


def test_days_paused_before_a_change_of_pace_move_nothing_any_more() -> None:
    life = with_pause(settled(a_life(), lessons(8), START + DAY), date(2026, 11, 28), START + DAY)
    assert dates(life, 1)[0] == "12-04 09:00"
    changed = paced(life, every(2), 6)
    assert dates(changed, 6)[0] == "11-30 09:00"


def test_a_pause_that_lasts_still_holds_a_new_pace_back() -> None:
    life = with_pause(a_life(), date(2026, 12, 20), START + DAY)
    assert dates(paced(life, every(1), 2), 2)[0] >= "12-20"


def test_pausing_moves_what_is_to_come_by_whole_days() -> None:
    life = with_pause(a_life(), date(2026, 12, 4), START + 4 * DAY)
    assert dates(life, 4)[0] == "12-07 09:00"


def test_pausing_again_changes_the_day_and_adds_no_pause() -> None:
    once = with_pause(a_life(), date(2026, 12, 4), START + 4 * DAY)
    twice = with_pause(once, date(2026, 12, 1), START + 5 * DAY)
    assert [(p.starts_on.day, p.ends_on and p.ends_on.day) for p in twice.pauses] == [(27, 1)]


@pytest.mark.parametrize("until", [date(2026, 11, 22), date(2026, 11, 23)])
def test_a_pause_until_no_day_to_come_is_refused(until: date) -> None:
    with pytest.raises(ImpossibleValue):
        with_pause(a_life(), until, START)


def test_resuming_what_is_not_paused_changes_nothing() -> None:
    assert without_pause(a_life(), START) == a_life()


def test_a_pause_of_ten_years_ends() -> None:
    life = with_pause(a_life(), None, START + DAY)
    later = START + 3653 * DAY
    back = without_pause(settled(life, lessons(4), later), later)
    assert f"{upcoming(back, lessons(4), later)[0].planned_at:%Y-%m-%d}" == "2036-11-29"


def test_next_lesson_now_leaves_the_others_their_dates() -> None:
    life = settled(a_life(), lessons(4), START)
    hurried = with_lesson_now(life, 2, START + DAY)
    assert moves(life, hurried, lessons(4), START + DAY) == (
        Move(lesson_id=2, before=START + WEEK, after=START + DAY),
        Move(lesson_id=3, before=START + 2 * WEEK, after=START + 2 * WEEK),
        Move(lesson_id=4, before=START + 3 * WEEK, after=START + 3 * WEEK),
    )


def test_next_lesson_is_the_first_that_is_ready() -> None:
    course = [a_lesson(1), a_lesson(2, published_at=START + 9 * WEEK), a_lesson(3), a_lesson(4)]
    assert find_next(a_life(), course, START) == 3
    assert find_next(a_life(), course[:2], START) is None


def test_an_anchor_before_the_first_place_or_without_a_zone_is_refused() -> None:
    with pytest.raises(ImpossibleValue):
        Anchor(place=-1, slot_at=START, since=START)
    with pytest.raises(ImpossibleValue):
        Anchor(place=0, slot_at=START.replace(tzinfo=None), since=START)


def test_a_lesson_added_behind_her_comes_when_it_is_added() -> None:
    life = paced(a_life(), every(3), 8)
    added = START + 9 * DAY
    course = [a_lesson(9, position=0, published_at=added, placed_at=added), *lessons(8)]
    assert 9 in ids(unlocked(life, course, added))
