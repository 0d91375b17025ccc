"""The owner's face: who is signed in, what they may do, and the rooms beside every page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy.orm import Session
from werkzeug import Response

from app import policy
from app.db.models import Account, Course
from app.errors import CourseNotFound, NotAllowed
from app.kinds import Role
from app.policy import Access, Worker
from app.services import accounts, courses, memberships
from app.settings import Settings
from app.web import access, babel, outages
from app.web.babel import gettext as _
from app.web.current import house

admin = Blueprint("admin", __name__)

View = TypeVar("View", bound=Callable[..., Any])
Rule = Callable[[Role | None], bool]

SEE_OTHER = 303


class SignedIn(UserMixin):  # type: ignore[misc]  # (Flask-Login ships no types)
    """Who is signed in, as Flask-Login asks for it: the epoch ends sessions of an old password."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def get_id(self) -> str:
        """Answer what the session remembers."""
        return f"{self.account.id}.{self.account.session_epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One entry of the navigation."""

    label: str
    url: str
    icon: str
    current: bool


def account() -> Account:
    """Answer who is signed in; only behind a gate."""
    return cast("Account", current_user.account)


def worker() -> Worker:
    """Answer who is signed in, with their roles."""
    return cast("Worker", g.worker)


def role() -> Role | None:
    """Answer the role in the course of this address."""
    return worker().role_in(cast("dict[str, int]", request.view_args)["course_id"])


def may(rule: Rule) -> bool:
    """Tell whether a rule lets the one who is signed in, in this course."""
    return rule(role())


def needs(rule: Rule) -> Callable[[View], View]:
    """Name the rule of `app.policy` that a view of a course asks; without one nobody gets in."""

    def mark(view: View) -> View:
        view.rule = rule  # type: ignore[attr-defined]  # (functions take attributes; typing does not know)
        return view

    return mark


def takes_up_to(size: Callable[[Settings], int]) -> Callable[[View], View]:
    """Let a view take a larger body than a form: so many bytes."""

    def mark(view: View) -> View:
        view.body_size = size  # type: ignore[attr-defined]
        return view

    return mark


def get_course(session: Session, course_id: int) -> Course:
    """Answer the course of this address, and let the navigation know it."""
    course = courses.get(session, course_id)
    # Not the row: an error page is made after its transaction was rolled back.
    g.course_id = course.id
    return course


@admin.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Stand before the views of accounts."""
    app = cast("Flask", state.app)
    manager = LoginManager()
    # Phones change networks, and our own epoch ends sessions: the library's guess is not wanted.
    manager.session_protection = None
    manager.user_loader(_find_signed_in)
    manager.init_app(app)
    access.add_gate(app, Access.ACCOUNT, _let_accounts_in)
    access.add_gate(app, Access.COURSE, _let_course_workers_in)


@admin.context_processor
def _rooms() -> dict[str, object]:
    if not current_user.is_authenticated:
        return {"admin_nav": []}
    return {
        "admin_nav": [*_house_rooms(), *_course_rooms()],
        "account_name": account().name,
        "sign_out_url": url_for("admin.sign_out"),
    }


def _house_rooms() -> list[Room]:
    url = url_for("admin.course_list")
    return [Room(label=_("Courses"), url=url, icon="course", current="course_id" not in g)]


def _course_rooms() -> list[Room]:
    course_id: int | None = g.get("course_id")
    if course_id is None:
        return []
    doors = [
        ("admin.course_room", _("Lessons"), "play"),
        ("admin.listen_as", _("Listen"), "eye"),
        ("admin.edit_course", _("About"), "settings"),
    ]
    if policy.may_see_listeners(worker().role_in(course_id)):
        doors.append(("admin.under_way", _("Underway"), "clock"))
    return [
        Room(
            label=label,
            url=url_for(endpoint, course_id=course_id),
            icon=icon,
            current=g.get("room", request.endpoint) == endpoint,
        )
        for endpoint, label, icon in doors
    ]


def in_room(endpoint: str) -> None:
    """Say to which room of the navigation this page belongs, when it is not one itself."""
    g.room = endpoint


def _find_signed_in(remembered: str) -> SignedIn | None:
    if outages.goes_without():
        return None
    account_id, _dot, epoch = remembered.partition(".")
    if not account_id.isdecimal() or not epoch.isdecimal():
        return None
    if g.get("is_asked_in_vain"):
        # The page that says sorry asks who reads it, like any page; it must not break too.
        return None
    g.is_asked_in_vain = True
    with house().database.reading() as session:
        found = accounts.find_signed_in(session, int(account_id), int(epoch))
        if found is not None:
            g.worker = memberships.worker_of(session, found.id)
    g.is_asked_in_vain = False
    return SignedIn(found) if found else None


def _let_accounts_in() -> Response | None:
    if current_user.is_authenticated:
        babel.speak(account().language)
        return None
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("admin.sign_in", next=here), SEE_OTHER)


def _let_course_workers_in() -> Response | None:
    answer = _let_accounts_in()
    if answer is not None:
        return answer
    view = current_app.view_functions[request.endpoint or ""]
    rule: Rule | None = getattr(view, "rule", None)
    if role() is None or rule is None:
        raise CourseNotFound(request.view_args)
    if not may(rule):
        raise NotAllowed
    size = getattr(view, "body_size", None)
    if size is not None:
        request.max_content_length = size(house().settings)
    return None
