"""A listener's own pages: in by a link from a mail, out by a button."""

from app.web.my import (
    calendar,
    changing,
    course,
    details,
    entering,
    erasing,
    export,
    following,
    fresh,
    leaving,
    listening,
    pacing,
    pausing,
    renewing,
    stopping,
)
from app.web.my.face import my

__all__ = [
    "calendar",
    "changing",
    "course",
    "details",
    "entering",
    "erasing",
    "export",
    "following",
    "fresh",
    "leaving",
    "listening",
    "my",
    "pacing",
    "pausing",
    "renewing",
    "stopping",
]
