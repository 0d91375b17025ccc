"""When lessons come, in the reader's words."""

from datetime import date, time, timedelta

from app.web.babel import format_date, format_time, ngettext
from app.web.babel import gettext as _
from feeds.rhythm import Rhythm, RhythmKind

A_MONDAY = date(2024, 1, 1)


def say_rhythm(rhythm: Rhythm) -> str:
    """Say a rhythm so that it can stand after "4 lessons, "."""
    if rhythm.kind is RhythmKind.EVERY_DAYS:
        days = rhythm.every_days or 1
        return str(ngettext("one lesson every day", "one lesson every %(num)s days", days))
    if rhythm.kind is RhythmKind.WEEKDAY:
        return str(
            _(
                "one lesson a week, on %(weekday)s at %(hour)s",
                weekday=format_date(A_MONDAY + timedelta(days=rhythm.weekday or 0), "EEEE"),
                hour=format_time(time(rhythm.hour or 0), "HH:mm"),
            )
        )
    if rhythm.kind is RhythmKind.AT_ONCE:
        return str(_("all lessons at once"))
    if rhythm.kind is RhythmKind.FIXED_DATES:
        return str(_("on fixed dates"))
    return str(_("one lesson a week"))
