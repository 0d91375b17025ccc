"""The doors in a course's own room: to the rooms that stand in no navigation."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import url_for

from app import policy
from app.kinds import Role
from app.web.babel import gettext as _


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A link to a room, and in one line what the room is for."""

    label: str
    purpose: str
    url: str
    icon: str


def doors_of(course_id: int, role: Role | None) -> list[Door]:
    """Answer the doors that somebody in this role may open."""
    return [
        Door(
            label=label,
            purpose=purpose,
            url=url_for(endpoint, course_id=course_id),
            icon=icon,
        )
        for may_open, endpoint, icon, label, purpose in _all()
        if may_open(role)
    ]


def _all() -> list[tuple[Callable[[Role | None], bool], str, str, str, str]]:
    edit, see = policy.may_edit_course, policy.may_see_listeners
    return [
        (
            edit, "admin.mail_room", "mail",
            _("Mails of this course"),
            _("See what listeners get, add a line of your own, send yourself a test."),
        ),
        (
            edit, "admin.spoken_turns", "play",
            _("Spoken turns"),
            _("What her app says aloud when she begins, pauses or has it all."),
        ),
        (
            see, "admin.listener_list", "people",
            _("Listeners"),
            _("Who takes part, since when and how far; another mailbox for who lost the old one."),
        ),
        (
            see, "admin.mail_trouble", "warning",
            _("Mail that does not arrive"),
            _("Whose mailbox sends our mail back, and how to try again."),
        ),
        (
            see, "admin.leak_room", "lock",
            _("Addresses in other hands"),
            _("Signs that others use a listener's address, and what the house may do."),
        ),
    ]  # fmt: skip
