"""Courses, for scripts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

from flask import Response

from app import policy
from app.db.models import Account, Course
from app.errors import InvalidInput
from app.services import courses
from app.services.courses import CourseFields
from app.web.api.face import (
    Operation,
    bearer,
    body,
    check_may_create,
    check_role,
    course,
    does,
    give,
    give_list,
)
from app.web.current import house, now

# What a service calls otherwise than a body does.
SENT: Final = {"target": "target_seconds", "tolerance": "tolerance_seconds"}
# Over a year: no lesson is so long.
ENDLESS_SECONDS: Final = 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCourse:
    """A course to be made, in draft. `slug` null or left out: made out of the title.

    `language` null or left out: that of the account whose token this is.
    `may_hurry`: listeners may take their next lesson now, once a day.
    """

    title: str
    slug: str | None = None
    author: str = ""
    language: str | None = None
    summary: str = ""
    story: str = ""
    may_hurry: bool = False
    target_seconds: int = 15 * 60
    tolerance_seconds: int = 5 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseEdit:
    """What is to change; null or left out: stays. `version` is the one that was read.

    A slug that was ever shown to people keeps leading to the course.
    """

    version: int
    title: str | None = None
    slug: str | None = None
    author: str | None = None
    language: str | None = None
    summary: str | None = None
    story: str | None = None
    may_hurry: bool | None = None
    target_seconds: int | None = None
    tolerance_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFacts:
    """A course. `target_seconds` ± `tolerance_seconds` is how long its lessons should be.

    `may_hurry`: listeners may take their next lesson now, once a day. `version` is sent back with
    an edit, so that nobody overwrites another's words.
    """

    slug: str
    title: str
    author: str
    language: str
    summary: str
    story: str
    state: str
    visibility: str
    may_hurry: bool
    target_seconds: int
    tolerance_seconds: int
    max_upload_bytes: int
    version: int


@does(
    Operation(
        method="GET",
        path="/courses",
        summary="The courses that this token opens, newest first",
        gives=CourseFacts,
        is_list=True,
    )
)
def list_courses() -> Response:
    """List the courses that the one who asks works on."""
    with house().database.reading() as session:
        lines = courses.of_worker(session, bearer().worker)
        return give_list([_facts(line.course) for line in lines])


@does(
    Operation(
        method="POST",
        path="/courses",
        summary="Make a course in draft; the token must not be of one course",
        takes=NewCourse,
        gives=CourseFacts,
        status=HTTPStatus.CREATED,
    )
)
def create_course() -> Response:
    """Make a course that the one who asks owns."""
    check_may_create()
    wanted, account_id = body(NewCourse), bearer().worker.account_id
    with _as_sent(), house().database.writing() as session:
        fields = CourseFields(
            title=wanted.title,
            slug=wanted.slug,
            author=wanted.author,
            language=wanted.language or session.get_one(Account, account_id).language,
            summary=wanted.summary,
            story=wanted.story,
            may_hurry=wanted.may_hurry,
            target=_length(wanted.target_seconds),
            tolerance=_length(wanted.tolerance_seconds),
        )
        made = courses.create(session, fields, account_id=account_id, now=now())
        return give(_facts(made), HTTPStatus.CREATED)


@does(Operation(method="GET", path="/courses/<slug>", summary="One course", gives=CourseFacts))
def get_course(slug: str) -> Response:
    """Answer one course."""
    with house().database.reading() as session:
        return give(_facts(course(session, slug)))


@does(
    Operation(
        method="PATCH",
        path="/courses/<slug>",
        summary="Change what people set on a course; 409 when somebody else saved first",
        takes=CourseEdit,
        gives=CourseFacts,
    )
)
def edit_course(slug: str) -> Response:
    """Change what people set on a course; its rhythm stays."""
    wanted = body(CourseEdit)
    with _as_sent(), house().database.writing() as session:
        found = course(session, slug)
        check_role(found.id, policy.may_edit_course)
        fields = replace(courses.fields_of(session, found), **_changes(wanted))
        saved = courses.edit(session, found.id, fields, version=wanted.version, now=now())
        return give(_facts(saved))


def _changes(wanted: CourseEdit) -> dict[str, Any]:
    """Answer the fields of a course that are to change."""
    seconds = {"target": wanted.target_seconds, "tolerance": wanted.tolerance_seconds}
    lengths = {name: _length(value) for name, value in seconds.items() if value is not None}
    names = ("title", "slug", "author", "language", "summary", "story", "may_hurry")
    given = {name: getattr(wanted, name) for name in names}
    return lengths | {name: value for name, value in given.items() if value is not None}


@contextmanager
def _as_sent() -> Iterator[None]:
    """Name a field that cannot be used as the body named it."""
    try:
        yield
    except InvalidInput as error:
        if not error.fields.keys() & SENT.keys():
            raise
        fields = {SENT.get(name, name): why for name, why in error.fields.items()}
        raise InvalidInput(fields) from error


def _length(seconds: int) -> timedelta:
    """Answer a length; one that no service takes stands for all that no timedelta can hold."""
    return timedelta(seconds=max(-1, min(seconds, ENDLESS_SECONDS)))


def _facts(found: Course) -> CourseFacts:
    return CourseFacts(
        slug=found.slug,
        title=found.title,
        author=found.author,
        language=found.language,
        summary=found.summary or "",
        story=found.story,
        state=found.state.value,
        visibility=found.visibility.value,
        may_hurry=found.may_hurry,
        target_seconds=found.target_ms // 1000,
        tolerance_seconds=found.tolerance_ms // 1000,
        max_upload_bytes=house().settings.max_upload,
        version=found.version,
    )
