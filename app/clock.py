"""The only place that reads the time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Answers the present instant as an aware datetime in UTC."""


def system_clock() -> datetime:
    """Answer the present instant, aware and in UTC."""
    return datetime.now(UTC)


def clock_ahead(offset: timedelta) -> Clock:
    """Make a clock that runs `offset` ahead, so that anybody can see week three today."""
    return lambda: system_clock() + offset
