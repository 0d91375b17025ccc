from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import ImpossibleValue
from feeds.slots import Pause, Rhythm, RhythmKind, Timetable, first_instant, known_zone
from tests.unit.feeds.builders import START, WEEK, at

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
ZONES = ["Europe/Amsterdam", "Asia/Kathmandu", "Australia/Eucla", "Pacific/Chatham", "UTC"]


def a_timetable(
    started_at: datetime = START,
    *,
    rhythm: Rhythm | None = None,
    zone: str = "Europe/Amsterdam",
    pauses: tuple[Pause, ...] = (),
) -> Timetable:
    return Timetable(
        rhythm=rhythm or Rhythm(), zone=ZoneInfo(zone), started_at=started_at, pauses=pauses
    )


def paused(first: str, resumed: str | None = None) -> Pause:
    return Pause(
        starts_on=date.fromisoformat(first),
        ends_on=date.fromisoformat(resumed) if resumed else None,
    )


def on_weekday(weekday: int, hour: int) -> Rhythm:
    return Rhythm(kind=RhythmKind.WEEKDAY, weekday=weekday, hour=hour)


def wall(instants: list[datetime | None], zone: ZoneInfo = AMSTERDAM) -> list[str]:
    return [f"{i.astimezone(zone):%a %d %b %H:%M}" if i else "-" for i in instants]


def test_weekly_slots_are_seven_days_apart() -> None:
    assert a_timetable().slots(4) == [START + n * WEEK for n in range(4)]


def test_every_n_days_slots_are_n_days_apart() -> None:
    rhythm = Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=3)
    slots = a_timetable(rhythm=rhythm).slots(3)
    assert slots == [START + timedelta(days=n) for n in (0, 3, 6)]


def test_all_at_once_gives_every_place_the_start() -> None:
    rhythm = Rhythm(kind=RhythmKind.AT_ONCE)
    assert a_timetable(rhythm=rhythm).slots(3) == [START] * 3


def test_weekly_keeps_the_wall_time_when_summer_time_ends() -> None:
    slots = a_timetable(at("2026-10-22T19:30:00+02:00")).slots(2)
    assert slots == [at("2026-10-22T17:30:00"), at("2026-10-29T18:30:00")]


def test_weekly_keeps_the_wall_time_when_summer_time_begins() -> None:
    slots = a_timetable(at("2026-03-26T06:00:00+01:00")).slots(2)
    assert slots == [at("2026-03-26T05:00:00"), at("2026-04-02T04:00:00")]


def test_slot_in_the_skipped_hour_becomes_the_first_instant_after_it() -> None:
    slots = a_timetable(at("2026-03-22T02:30:00+01:00")).slots(3)
    assert slots[1] == at("2026-03-29T03:00:00+02:00")
    assert slots[2] == at("2026-04-05T02:30:00+02:00")


def test_slot_in_the_doubled_hour_becomes_the_first_of_the_two() -> None:
    slots = a_timetable(at("2026-10-18T02:30:00+02:00")).slots(2)
    assert slots[1] == at("2026-10-25T02:30:00+02:00")


def test_start_in_the_second_of_a_doubled_hour_stays_where_it_is() -> None:
    start = at("2026-10-25T02:30:00+01:00")
    assert a_timetable(start).slots(1) == [start]


def test_skipped_hour_on_a_clock_with_odd_minutes() -> None:
    chatham = ZoneInfo("Pacific/Chatham")
    gap = first_instant(datetime(2026, 9, 27, 3, 0), chatham)
    assert gap == at("2026-09-26T14:00:00")
    assert gap.astimezone(chatham).replace(tzinfo=None) == datetime(2026, 9, 27, 3, 45)


def test_skipped_day_becomes_the_day_after_it() -> None:
    apia = ZoneInfo("Pacific/Apia")  # had no 30 December 2011
    assert first_instant(datetime(2011, 12, 30, 8, 0), apia) == at("2011-12-30T10:00:00")


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Eucla"])
def test_weekly_keeps_the_wall_time_with_offsets_of_45_minutes(zone: str) -> None:
    slots = a_timetable(at("2026-03-26T05:07:00"), zone=zone).slots(60)
    assert {f"{slot.astimezone(ZoneInfo(zone)):%H:%M}" for slot in slots if slot} == {
        f"{at('2026-03-26T05:07:00').astimezone(ZoneInfo(zone)):%H:%M}"
    }


@given(
    wall_time=st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)),
    zone=st.sampled_from([*ZONES, "America/St_Johns", "Africa/Casablanca", "Antarctica/Troll"]),
)
def test_first_instant_shows_that_time_or_the_next_one_there_is(
    wall_time: datetime, zone: str
) -> None:
    instant = first_instant(wall_time, ZoneInfo(zone))
    shown = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    just_before = (instant - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert shown >= wall_time
    assert just_before < wall_time


def test_chosen_weekday_comes_at_least_four_days_after_the_first_lesson() -> None:
    # 23 November 2026 is a Monday; 10:00 in Amsterdam.
    assert wall(a_timetable(rhythm=on_weekday(3, 6)).slots(3)) == [
        "Mon 23 Nov 10:00",
        "Thu 03 Dec 06:00",
        "Thu 10 Dec 06:00",
    ]


def test_chosen_moment_exactly_four_days_later_is_far_enough() -> None:
    assert wall(a_timetable(rhythm=on_weekday(4, 10)).slots(2))[1] == "Fri 27 Nov 10:00"


def test_chosen_moment_a_second_short_of_four_days_waits_a_week() -> None:
    late = START + timedelta(seconds=1)
    assert wall(a_timetable(late, rhythm=on_weekday(4, 10)).slots(2))[1] == "Fri 04 Dec 10:00"


def test_chosen_hour_in_the_skipped_hour_becomes_the_first_instant_after_it() -> None:
    slots = a_timetable(at("2026-03-20T08:00:00"), rhythm=on_weekday(6, 2)).slots(3)
    assert wall(slots)[1:] == ["Sun 29 Mar 03:00", "Sun 05 Apr 02:00"]


def test_pause_moves_later_slots_by_its_whole_days() -> None:
    slots = a_timetable(pauses=(paused("2026-11-28", "2026-12-08"),)).slots(3)
    assert wall(slots) == ["Mon 23 Nov 10:00", "Thu 10 Dec 10:00", "Thu 17 Dec 10:00"]


def test_pause_leaves_earlier_slots_alone() -> None:
    slots = a_timetable(pauses=(paused("2026-12-01", "2026-12-03"),)).slots(3)
    assert wall(slots) == ["Mon 23 Nov 10:00", "Mon 30 Nov 10:00", "Wed 09 Dec 10:00"]


def test_slot_on_the_first_day_of_a_pause_moves() -> None:
    slots = a_timetable(pauses=(paused("2026-11-30", "2026-12-01"),)).slots(2)
    assert wall(slots)[1] == "Tue 01 Dec 10:00"


def test_pause_lifted_on_its_first_day_moves_nothing() -> None:
    slots = a_timetable(pauses=(paused("2026-11-30", "2026-11-30"),)).slots(2)
    assert slots[1] == START + WEEK


def test_pause_without_an_end_leaves_later_slots_unknown() -> None:
    slots = a_timetable(pauses=(paused("2026-12-01"),)).slots(4)
    assert wall(slots) == ["Mon 23 Nov 10:00", "Mon 30 Nov 10:00", "-", "-"]


def test_overlapping_pauses_count_each_day_once() -> None:
    overlapping = (paused("2026-11-25", "2026-12-01"), paused("2026-11-27", "2026-12-02"))
    assert a_timetable(pauses=overlapping).slots(2)[1] == START + WEEK + timedelta(days=7)


def test_pause_that_lasts_swallows_one_that_ends_within_it() -> None:
    overlapping = (paused("2026-11-25"), paused("2026-11-27", "2026-12-02"))
    assert a_timetable(pauses=overlapping).slots(2)[1] is None


def test_pause_of_before_the_start_moves_nothing() -> None:
    slots = a_timetable(pauses=(paused("2026-11-01", "2026-11-20"),)).slots(2)
    assert slots[1] == START + WEEK


def test_two_pauses_add_up() -> None:
    two = (paused("2026-11-25", "2026-11-26"), paused("2026-12-01", "2026-12-03"))
    assert wall(a_timetable(pauses=two).slots(2))[1] == "Thu 03 Dec 10:00"


def test_pause_across_the_end_of_summer_time_keeps_the_wall_time() -> None:
    start = at("2026-10-20T18:30:00+02:00")
    slots = a_timetable(start, pauses=(paused("2026-10-21", "2026-10-28"),)).slots(2)
    assert slots[1] == at("2026-11-03T18:30:00+01:00")


def test_pause_keeps_the_chosen_weekday() -> None:
    timetable = a_timetable(rhythm=on_weekday(3, 6), pauses=(paused("2026-12-08", "2026-12-19"),))
    assert wall(timetable.slots(4))[1:] == [
        "Thu 03 Dec 06:00",
        "Thu 24 Dec 06:00",
        "Thu 31 Dec 06:00",
    ]


def test_pause_between_two_chosen_moments_moves_nothing() -> None:
    timetable = a_timetable(rhythm=on_weekday(3, 6), pauses=(paused("2026-12-04", "2026-12-10"),))
    assert wall(timetable.slots(3))[1:] == ["Thu 03 Dec 06:00", "Thu 10 Dec 06:00"]


def test_pause_without_an_end_leaves_later_chosen_moments_unknown() -> None:
    timetable = a_timetable(rhythm=on_weekday(3, 6), pauses=(paused("2026-12-04"),))
    assert wall(timetable.slots(4))[1:] == ["Thu 03 Dec 06:00", "-", "-"]


def test_instant_in_a_pause_waits_for_the_day_of_resuming() -> None:
    timetable = a_timetable(pauses=(paused("2026-12-01", "2026-12-05"),))
    assert timetable.after_pauses(at("2026-12-02T12:00:00")) == at("2026-12-05T00:00:00+01:00")


def test_instant_a_second_before_a_pause_stays() -> None:
    timetable = a_timetable(pauses=(paused("2026-12-01"),))
    before = at("2026-11-30T23:59:59+01:00")
    assert timetable.after_pauses(before) == before
    assert timetable.after_pauses(before + timedelta(seconds=1)) is None


@given(
    started_at=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    zone=st.sampled_from(ZONES),
    days=st.integers(1, 30),
    gaps=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=4),
)
def test_slots_come_in_order_and_never_on_a_paused_day(
    started_at: datetime, zone: str, days: int, gaps: list[tuple[int, int]]
) -> None:
    start = started_at.replace(tzinfo=UTC)
    day, pauses = start.astimezone(ZoneInfo(zone)).date(), []
    for before, length in gaps:
        first = day + timedelta(days=before + 1)
        day = first + timedelta(days=length)
        pauses.append(Pause(starts_on=first, ends_on=day))
    rhythm = Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=days)
    slots = a_timetable(start, rhythm=rhythm, zone=zone, pauses=tuple(pauses)).slots(8)
    known = [slot for slot in slots if slot is not None]
    assert len(known) == 8
    assert known == sorted(set(known))
    local_days = [slot.astimezone(ZoneInfo(zone)).date() for slot in known]
    assert not [d for d in local_days for p in pauses if p.ends_on and p.starts_on <= d < p.ends_on]


def test_zone_that_nobody_knows_gives_way_to_the_fallback() -> None:
    for unknown in ("Europe/Atlantis", "", "../../etc/passwd", "Europe", "a\0b"):
        assert known_zone(unknown, "Europe/Amsterdam").key == "Europe/Amsterdam"


def test_zone_and_fallback_that_nobody_knows_are_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        known_zone("Europe/Atlantis", "Europe/Utopia")


@pytest.mark.parametrize(
    ("kind", "every_days", "weekday", "hour"),
    [
        (RhythmKind.EVERY_DAYS, None, None, None),
        (RhythmKind.EVERY_DAYS, 0, None, None),
        (RhythmKind.EVERY_DAYS, 366, None, None),
        (RhythmKind.WEEKDAY, None, 7, 6),
        (RhythmKind.WEEKDAY, None, -1, 6),
        (RhythmKind.WEEKDAY, None, 3, 24),
        (RhythmKind.WEEKDAY, None, 3, None),
        (RhythmKind.WEEKLY, 7, None, None),
        (RhythmKind.AT_ONCE, None, None, 6),
    ],
)
def test_impossible_rhythm_is_refused(
    kind: RhythmKind, every_days: int | None, weekday: int | None, hour: int | None
) -> None:
    with pytest.raises(ImpossibleValue):
        Rhythm(kind=kind, every_days=every_days, weekday=weekday, hour=hour)


def test_pause_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ImpossibleValue):
        paused("2026-12-05", "2026-12-04")
