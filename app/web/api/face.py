"""The API's face: who asks, and how an operation is declared once, for routing and description."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar, cast

from flask import Blueprint, Flask, Response, g, jsonify, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy.orm import Session

from app import policy
from app.db.models import Course
from app.errors import CourseNotFound, NotAllowed, TokenInvalid
from app.kinds import Role
from app.policy import Access
from app.services import api_tokens, courses
from app.services.api_tokens import Bearer
from app.web import access, bounds, errors
from app.web.api import shapes
from app.web.current import house, now
from app.web.security import csrf

PREFIX = "/api/v1"

api = Blueprint("api", __name__, url_prefix=PREFIX)
# Nobody's browser sends a token by itself, so that there is nothing to forge.
csrf.exempt(api)

View = TypeVar("View", bound=Callable[..., Any])
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One thing that the API does.

    `path` is written as Flask does. `takes` and `gives` are shapes; None: no body. `is_list`: it
    gives several, under "items". `takes_bytes`: the body is no JSON but the bytes themselves.
    """

    method: str
    path: str
    summary: str
    takes: type | None = None
    gives: type | None = None
    status: HTTPStatus = HTTPStatus.OK
    is_list: bool = False
    takes_bytes: bool = False
    access: Access = Access.SCRIPT


OPERATIONS: dict[str, Operation] = {}
"""Every operation by the name of its view: what `/api/v1/openapi.json` describes."""


def does(operation: Operation) -> Callable[[View], View]:
    """Declare what a view does; that routes it, guards it and describes it."""

    def declare(view: View) -> View:
        OPERATIONS[view.__name__] = operation
        api.add_url_rule(
            operation.path,
            endpoint=view.__name__,
            view_func=access.for_(operation.access)(view),
            methods=[operation.method],
        )
        return view

    return declare


def body(shape: type[T]) -> T:
    """Answer the body as a value of this shape; no body is an empty object.

    Raises:
        InvalidInput: it is no JSON, or has another shape.
    """
    return shapes.parse(bounds.read_json() if bounds.read_body() else {}, shape)


def give(value: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Answer a value of one of our shapes."""
    response = jsonify(shapes.render(value))
    response.status_code = status
    return response


def give_list(values: list[Any]) -> Response:
    """Answer several values."""
    return jsonify({"items": [shapes.render(value) for value in values]})


def bearer() -> Bearer:
    """Answer who asks; only behind the gate."""
    return cast("Bearer", g.bearer)


def course(session: Session, slug: str) -> Course:
    """Answer the course of this address, when the one who asks works on it.

    Raises:
        CourseNotFound: there is none, or it is not for this token: both look the same.
    """
    found = courses.get_by_slug(session, slug)
    check_course(found.id)
    return found


def check_course(course_id: int) -> None:
    """Return when the one who asks works on the lessons of this course.

    Raises:
        CourseNotFound: no business there.
    """
    if not policy.may_edit_lessons(bearer().worker.role_in(course_id)):
        raise CourseNotFound(course_id)


def check_role(course_id: int, allows: Callable[[Role | None], bool]) -> None:
    """Return when the one who asks has a role in this course that allows it.

    Raises:
        NotAllowed: works on the course, but may not do this.
    """
    if not allows(bearer().worker.role_in(course_id)):
        raise NotAllowed


def check_may_create() -> None:
    """Return when the one who asks may make courses: not with a token of one course.

    Raises:
        NotAllowed: it is such a token.
    """
    if bearer().course_id is not None:
        raise NotAllowed


def language() -> str:
    """Answer in which language findings are said: as the script asks by Accept-Language."""
    return request.accept_languages.best_match(("nl", "en")) or "en"


@api.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Stand before the views of scripts."""
    access.add_gate(cast("Flask", state.app), Access.SCRIPT, _let_bearers_in)


def _let_bearers_in() -> Response | None:
    """Let in who brings a good token; tell nobody what is wrong with another one."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise TokenInvalid  # noqa: TRY301 (one answer for every way of having none)
        with house().database.reading() as session:
            g.bearer = api_tokens.check(session, text.strip(), now=now())
            is_to_note = api_tokens.is_use_to_note(session, g.bearer.token_id, now=now())
    except TokenInvalid:
        response = errors.problem(HTTPStatus.UNAUTHORIZED)
        # RFC 6750 §3
        response.headers["WWW-Authenticate"] = 'Bearer realm="cadans"'
        return response
    if is_to_note:
        with house().database.writing() as session:
            api_tokens.note_use(session, g.bearer.token_id, now=now())
    return None
