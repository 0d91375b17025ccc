"""A listener's own pages: in by a link from a mail, out by a button."""

from app.web.my import (
    course,
    entering,
    following,
    fresh,
    leaving,
    listening,
    stopping,
)
from app.web.my.face import my

__all__ = [
    "course",
    "entering",
    "following",
    "fresh",
    "leaving",
    "listening",
    "my",
    "stopping",
]
