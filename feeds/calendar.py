"""Dates as a calendar that apps subscribe to: iCalendar text (RFC 5545). Pure and deterministic."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from feeds.errors import ImpossibleValue

CONTENT_TYPE: Final = "text/calendar; charset=utf-8"
MAX_LINE_OCTETS: Final = 75
"""RFC 5545 section 3.1: longer lines are folded, their line breaks not counted."""

REFRESH: Final = timedelta(hours=6)
"""Our own: how often an app should ask again. Calendar apps take it as a wish."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One moment. `uid` is the same for ever, whatever becomes of the date.

    `changed_at`: when its date or title was last changed.
    """

    uid: str
    title: str
    starts_at: datetime
    lasts: timedelta
    changed_at: datetime

    def __post_init__(self) -> None:
        for name in ("starts_at", "changed_at"):
            if getattr(self, name).tzinfo is None:
                raise ImpossibleValue("Event", name, "has no time zone")


def render_calendar(name: str, events: Sequence[Event]) -> bytes:
    """Return a calendar of these events, in the order given, read-only and published."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Cadans//Cadans//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        # RFC 7986 sections 5.1 and 5.7, and what apps read that are older than it.
        f"NAME:{_escaped(name)}",
        f"X-WR-CALNAME:{_escaped(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{_duration(REFRESH)}",
        f"X-PUBLISHED-TTL:{_duration(REFRESH)}",
    ]
    for event in events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return b"".join(part + b"\r\n" for line in lines for part in _folded(line))


def _event(event: Event) -> list[str]:
    return [
        "BEGIN:VEVENT",
        f"UID:{_escaped(event.uid)}",
        f"DTSTAMP:{_instant(event.changed_at)}",
        f"DTSTART:{_instant(event.starts_at)}",
        f"DURATION:{_duration(event.lasts)}",
        f"SUMMARY:{_escaped(event.title)}",
        # Nobody is busy because a lesson has arrived (RFC 5545 section 3.8.2.7).
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _duration(length: timedelta) -> str:
    """Write a length (RFC 5545 section 3.3.6)."""
    return f"PT{max(int(length.total_seconds()), 0)}S"


def _escaped(text: str) -> str:
    """Write a text value (RFC 5545 section 3.3.11), without control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    clean = _CONTROL.sub("", lines)
    for sign, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        clean = clean.replace(sign, written)
    return clean


def _folded(line: str) -> Iterator[bytes]:
    """Yield the parts of a line, none over 75 octets and no character cut in two."""
    part = b""
    for character in line:
        octets = character.encode("utf-8", "ignore")
        if len(part) + len(octets) > MAX_LINE_OCTETS:
            yield part
            # A space at its start says that this goes on with the line before.
            part = b" "
        part += octets
    yield part
