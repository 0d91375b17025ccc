from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.mail_times import EVENING_HOUR, human_instant

ZONES = ("Europe/Amsterdam", "Asia/Kathmandu", "America/St_Johns", "Australia/Eucla")


def when(text: str, *, hour: int | None = 8, zone: str = "Europe/Amsterdam") -> str:
    clock = ZoneInfo(zone)
    at = datetime.fromisoformat(text).replace(tzinfo=clock)
    found = human_instant(at, zone=zone, course_zone="Europe/Amsterdam", hour=hour)
    return found.astimezone(clock).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("at", "goes"),
    [
        ("2026-06-01T06:00", "2026-06-01T08:00"),
        ("2026-06-01T07:59", "2026-06-01T08:00"),
        ("2026-06-01T08:00", "2026-06-01T08:00"),
        ("2026-06-01T14:30", "2026-06-01T14:30"),
        ("2026-06-01T20:59", "2026-06-01T20:59"),
        ("2026-06-01T21:00", "2026-06-02T08:00"),
        ("2026-06-01T03:00", "2026-06-01T08:00"),
        ("2026-12-31T23:00", "2027-01-01T08:00"),
    ],
)
def test_news_waits_for_the_morning_and_not_longer(at: str, goes: str) -> None:
    assert when(at) == goes


def test_at_any_hour_means_at_once() -> None:
    assert when("2026-06-01T03:00", hour=None) == "2026-06-01T03:00"


def test_an_hour_that_daylight_saving_skips_becomes_the_first_after_it() -> None:
    # Sunday 28 March 2027: 02:00 becomes 03:00.
    assert when("2027-03-28T01:00", hour=2) == "2027-03-28T03:00"


def test_an_unknown_zone_is_that_of_the_course() -> None:
    at = datetime(2026, 6, 1, 3, tzinfo=UTC)
    found = human_instant(at, zone="Mars/Olympus", course_zone="Europe/Amsterdam", hour=8)

    assert found == datetime(2026, 6, 1, 6, tzinfo=UTC)


@given(
    at=st.datetimes(
        min_value=datetime(2026, 1, 1),
        max_value=datetime(2027, 12, 31),
        timezones=st.just(UTC),
    ),
    zone=st.sampled_from(ZONES),
    hour=st.integers(min_value=0, max_value=20),
)
def test_news_comes_within_a_day_at_a_human_hour_and_never_earlier(
    at: datetime, zone: str, hour: int
) -> None:
    found = human_instant(at, zone=zone, course_zone="UTC", hour=hour)

    local = found.astimezone(ZoneInfo(zone))
    assert at <= found <= at + timedelta(hours=25)
    assert hour <= local.hour < EVENING_HOUR
