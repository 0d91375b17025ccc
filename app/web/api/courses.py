"""Courses, for scripts."""

from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from flask import Response

from app.db.models import Course
from app.services import courses
from app.services.courses import CourseFields
from app.web.api.face import (
    Operation,
    bearer,
    body,
    check_may_create,
    course,
    does,
    give,
    give_list,
)
from app.web.current import house, now


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCourse:
    """A course to be made, in draft. `slug` null or left out: made out of the title."""

    title: str
    slug: str | None = None
    author: str = ""
    language: str = "nl"
    summary: str = ""
    story: str = ""
    target_seconds: int = 15 * 60
    tolerance_seconds: int = 5 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseFacts:
    """A course. `target_seconds` ± `tolerance_seconds` is how long its lessons should be."""

    slug: str
    title: str
    author: str
    language: str
    state: str
    visibility: str
    target_seconds: int
    tolerance_seconds: int
    max_upload_bytes: int


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
    wanted = body(NewCourse)
    fields = CourseFields(
        title=wanted.title,
        slug=wanted.slug,
        author=wanted.author,
        language=wanted.language,
        summary=wanted.summary,
        story=wanted.story,
        target=timedelta(seconds=wanted.target_seconds),
        tolerance=timedelta(seconds=wanted.tolerance_seconds),
    )
    with house().database.writing() as session:
        made = courses.create(session, fields, account_id=bearer().worker.account_id, now=now())
        return give(_facts(made), HTTPStatus.CREATED)


@does(Operation(method="GET", path="/courses/<slug>", summary="One course", gives=CourseFacts))
def get_course(slug: str) -> Response:
    """Answer one course."""
    with house().database.reading() as session:
        return give(_facts(course(session, slug)))


def _facts(found: Course) -> CourseFacts:
    return CourseFacts(
        slug=found.slug,
        title=found.title,
        author=found.author,
        language=found.language,
        state=found.state.value,
        visibility=found.visibility.value,
        target_seconds=found.target_ms // 1000,
        tolerance_seconds=found.tolerance_ms // 1000,
        max_upload_bytes=house().settings.max_upload,
    )
