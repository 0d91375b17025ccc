"""iCalendar text, read back with somebody else's parser."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from feeds.calendar import MAX_LINE_OCTETS, Event, render_calendar
from feeds.errors import ImpossibleValue
from tests.unit.feeds.builders import START

HOUR = timedelta(hours=1)


def an_event(title: str = "Les 2", **more: datetime) -> Event:
    fields: dict[str, datetime] = {"starts_at": START, "changed_at": START - HOUR} | more
    return Event(uid="one", title=title, lasts=timedelta(minutes=14), **fields)


def read_back(content: bytes) -> Any:  # (the library's values have no common type)
    return Calendar.from_ical(content)


def test_calendar_says_what_rfc_5545_wants_of_it() -> None:
    calendar = read_back(render_calendar("Bloei", [an_event()]))
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    assert calendar["X-WR-CALNAME"] == "Bloei"
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=6)
    assert calendar.walk("VEVENT")[0].errors == []


def test_event_has_its_title_its_moment_and_its_length() -> None:
    (event,) = read_back(render_calendar("Bloei", [an_event()])).walk("VEVENT")
    assert (event["SUMMARY"], event["UID"]) == ("Les 2", "one")
    assert event["DTSTART"].dt == START
    assert event["DURATION"].dt == timedelta(minutes=14)
    assert event["DTSTAMP"].dt == START - HOUR
    assert event["TRANSP"] == "TRANSPARENT"


def test_every_line_ends_as_it_must() -> None:
    content = render_calendar("Bloei", [an_event()])
    assert content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert content.count(b"\n") == content.count(b"\r\n")


@pytest.mark.parametrize(
    "title", ["Eén; twee, drie\\vier", 'Ze zei "ja"', "é" * 100, "👩‍🎤" * 40, "regel\nen regel", ""]
)
def test_title_comes_back_as_it_was(title: str) -> None:
    (event,) = read_back(render_calendar("Bloei", [an_event(title)])).walk("VEVENT")
    assert event["SUMMARY"] == title


def test_title_makes_no_property_of_its_own() -> None:
    nasty = "Les\r\nEND:VEVENT\r\nATTACH:https://evil.example"
    calendar = read_back(render_calendar("Bloei", [an_event(nasty)]))
    assert len(calendar.walk("VEVENT")) == 1
    assert "ATTACH" not in calendar.walk("VEVENT")[0]


@given(st.text(max_size=300))
def test_no_line_is_longer_than_75_octets_and_no_character_is_cut(title: str) -> None:
    content = render_calendar(title, [an_event(title)])
    for line in content.split(b"\r\n"):
        assert len(line) <= MAX_LINE_OCTETS
        line.decode()
    read_back(content)


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ImpossibleValue):
        an_event(starts_at=datetime(2026, 1, 1))
    assert an_event(starts_at=datetime(2026, 1, 1, tzinfo=UTC)).starts_at.year == 2026
