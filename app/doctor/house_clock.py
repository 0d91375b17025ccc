"""Clocks: two machines that disagree about the time disagree about what is unlocked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from app.doctor.report import Check, Grade

MAY_DIFFER: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """From when on and until when, by our clock, another one was read."""

    begun_at: datetime
    ended_at: datetime

    def apart_from(self, theirs: datetime) -> timedelta:
        """Answer how far we are surely ahead of another clock (negative: behind)."""
        if theirs < self.begun_at:
            return self.begun_at - theirs
        return self.ended_at - theirs if theirs > self.ended_at else timedelta(0)


def judge_clock(code: str, whose: str, apart: timedelta) -> Check:
    """Judge how far our clock is ahead of another one."""
    if abs(apart) <= MAY_DIFFER:
        words = f"Our clock agrees with that of {whose}."
        return Check(code=code, grade=Grade.OK, message=words)
    way = "ahead of" if apart > timedelta(0) else "behind"
    return Check(
        code=code,
        grade=Grade.FAIL,
        message=f"Our clock is {abs(apart).total_seconds():.0f} seconds {way} that of {whose}.",
        remedy="Let a time service set the clocks of both machines, such as systemd-timesyncd.",
    )


def find_date(headers: Mapping[str, str]) -> datetime | None:
    """Answer the instant in a Date header, in whole seconds; None: there is none, or no date."""
    try:
        found = parsedate_to_datetime(headers["date"])
    except (KeyError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
