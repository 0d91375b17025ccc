"""Who may do what: pure predicates, and the answer is no unless one of them says yes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from app.kinds import CourseState, Role


class Access(StrEnum):
    """The kind of caller a view is for; every view names one, or answers nobody."""

    ANYONE = "anyone"
    # The signed link in the address is the authority (mail links), or the feed token.
    LINK = "link"
    # A listener who came by a mail link.
    LISTENER = "listener"
    # A person with a password.
    ACCOUNT = "account"
    # An account with a role in the course that the address names.
    COURSE = "course"
    # A script with an API token.
    SCRIPT = "script"
    # A mail provider that proves who it is in each message.
    PROVIDER = "provider"
    # `cadans doctor` of this very house, which signs its question with the secret keys.
    DOCTOR = "doctor"
    # A machine that watches the house, with the token of its setting.
    MONITOR = "monitor"
    # Demo on this machine alone.
    DEMO = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """An account as the rules see it: its role in each course it works on."""

    account_id: int
    roles: Mapping[int, Role] = field(default_factory=lambda: MappingProxyType({}))

    def role_in(self, course_id: int) -> Role | None:
        """Answer the role in a course; None: no business there."""
        return self.roles.get(course_id)


def may_see_course_page(state: CourseState, role: Role | None) -> bool:
    """Open and closed courses have a page for everybody; drafts and archives for their makers."""
    return role is not None or state in {CourseState.OPEN, CourseState.CLOSED}


def may_sign_up(state: CourseState) -> bool:
    """People sign up only while a course is open."""
    return state is CourseState.OPEN


def may_restart(state: CourseState) -> bool:
    """Who takes part may begin again, also once nobody new can; not when the course is put away."""
    return state in {CourseState.OPEN, CourseState.CLOSED}


def may_edit_lessons(role: Role | None) -> bool:
    """Everybody who works on a course edits and publishes its lessons."""
    return role is not None


def may_edit_course(role: Role | None) -> bool:
    """Owners and editors change the course itself."""
    return role in {Role.OWNER, Role.EDITOR}


def may_open_course(role: Role | None) -> bool:
    """Only owners open, close and archive."""
    return role is Role.OWNER


def may_see_listeners(role: Role | None) -> bool:
    """Only owners see who listens."""
    return role is Role.OWNER
