"""The fields of a rhythm, for owners and listeners: what can be chosen, and what was."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import available_timezones

from app.web.babel import format_date
from app.web.babel import gettext as _
from app.web.rhythms import A_MONDAY
from feeds.limits import MAX_EVERY_DAYS
from feeds.rhythm import Rhythm, RhythmKind

Choices = list[tuple[str, str]]

# More digits are no number of anything here.
MAX_DIGITS: Final = 9


def zone_choices() -> Choices:
    """Answer every zone with its name as people read it."""
    return [(name, name.replace("_", " ")) for name in _zones()]


def weekday_choices() -> Choices:
    """Answer the days of the week, Monday first."""
    days = [format_date(A_MONDAY + timedelta(days=number), "EEEE") for number in range(7)]
    return [(str(number), name) for number, name in enumerate(days)]


def hour_choices() -> Choices:
    """Answer the hours of a day."""
    return [(str(hour), f"{hour:02}:00") for hour in range(24)]


def whole_number(text: str) -> int | None:
    """Read a whole number; None: it is none, or no sensible one."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else None


def read_rhythm(values: Mapping[str, str], errors: dict[str, str]) -> Rhythm:
    """Read a rhythm; what is wrong goes into `errors`, and then the answer means nothing."""
    kind = values.get("rhythm", "")
    if kind not in set(RhythmKind):
        errors["rhythm"] = _("Choose when lessons come.")
        return Rhythm()
    if kind == RhythmKind.EVERY_DAYS:
        days = whole_number(values.get("every_days", "")) or 0
        if not 1 <= days <= MAX_EVERY_DAYS:
            errors["every_days"] = _("Write a number of days from 1 to 365.")
            return Rhythm()
        return Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=days)
    if kind == RhythmKind.WEEKDAY:
        return _weekday(values, errors)
    return Rhythm(kind=RhythmKind(kind))


def _weekday(values: Mapping[str, str], errors: dict[str, str]) -> Rhythm:
    weekday, hour = (whole_number(values.get(name, "")) for name in ("weekday", "hour"))
    if weekday not in range(7):
        errors["weekday"] = _("Choose a day of the week.")
    if hour not in range(24):
        errors["hour"] = _("Choose an hour.")
    if {"weekday", "hour"} & errors.keys():
        return Rhythm()
    return Rhythm(kind=RhythmKind.WEEKDAY, weekday=weekday, hour=hour)


@lru_cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(name for name in available_timezones() if "/" in name))
