"""Courses: the list, a new one, the room of one, and its turns (open, close, finish …)."""

from typing import Final

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as AnyResponse

from app import policy
from app.db.models import Course
from app.errors import InvalidInput
from app.policy import Access
from app.services import courses, lessons, openings, plans, suppressions, unlocks
from app.services.courses import CourseFields
from app.web import access
from app.web.admin import doors, waiting, words
from app.web.admin.face import (
    SEE_OTHER,
    account,
    admin,
    get_course,
    in_room,
    may,
    needs,
    role,
    worker,
)
from app.web.admin.turns import TURNS
from app.web.babel import current_language
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.rhythms import say_rhythm
from app.words import LANGUAGES

UNPROCESSABLE: Final = 422


@admin.get("/admin/")
@access.for_(Access.ACCOUNT)
def course_list() -> str:
    """List the courses of whoever is signed in."""
    with house().database.reading() as session:
        lines = courses.of_worker(session, worker())
    return render_template("admin/courses.html", lines=lines, words=words, rhythm=_rhythm)


@admin.get("/admin/courses/new")
@access.for_(Access.ACCOUNT)
def new_course() -> Response:
    """Ask what a new course is called."""
    # Who gave no name is called by her address, which is not for the world.
    author = account().name if account().name != account().email else ""
    return _new_course_form({"language": current_language(), "author": author}, {})


@admin.post("/admin/courses/new")
@access.for_(Access.ACCOUNT)
def make_course() -> AnyResponse:
    """Make it, owned by whoever is signed in."""
    typed = {name: request.form.get(name, "") for name in ("title", "author", "language")}
    if typed["language"] not in LANGUAGES:
        typed["language"] = current_language()
    if not typed["title"].strip():
        return _new_course_form(typed, {"title": _("Give the course a title.")})
    try:
        with house().database.writing() as session:
            fields = CourseFields(
                title=typed["title"], author=typed["author"], language=typed["language"]
            )
            course = courses.create(session, fields, account_id=account().id, now=now())
    except InvalidInput as error:
        return _new_course_form(typed, words.refusal(error))
    flash(_("The course is made. Nobody but you sees it yet."), "good")
    return redirect(url_for("admin.course_room", course_id=course.id), SEE_OTHER)


@admin.get("/admin/courses/<int:course_id>/")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def course_room(course_id: int) -> str:
    """Show the lessons in order, and how the course stands."""
    with house().database.reading() as session:
        course = get_course(session, course_id)
        return render_template("admin/course.html", **_room(session, course))


@admin.get(f"/admin/courses/<int:course_id>/<any({','.join(TURNS)}):turn>")
@access.for_(Access.COURSE)
@needs(policy.may_open_course)
def ask_turn(course_id: int, turn: str) -> str:
    """Say what a turn means before it is taken."""
    return _turn_page(course_id, turn, {})


@admin.post(f"/admin/courses/<int:course_id>/<any({','.join(TURNS)}):turn>")
@access.for_(Access.COURSE)
@needs(policy.may_open_course)
def take_turn(course_id: int, turn: str) -> AnyResponse:
    """Take it."""
    try:
        with house().database.writing() as session:
            TURNS[turn].carry_out(session, course_id, now=now())
    except InvalidInput as error:
        page = _turn_page(course_id, turn, words.refusal(error))
        return make_response(page, UNPROCESSABLE)
    flash(str(TURNS[turn].done), "good")
    return redirect(url_for("admin.course_room", course_id=course_id), SEE_OTHER)


def _room(session: Session, course: Course) -> dict[str, object]:
    rows = {row.id: row for row in lessons.of_course(session, course.id)}
    order = plans.new_order(session, course.id, list(rows))
    return {
        "course": course,
        "waiting": waiting.find_waiting(session, course),
        "lines": [
            {
                "lesson": row,
                "recording": row.recording or lessons.newest_recording(session, row.id),
            }
            for row in (rows[lesson_id] for lesson_id in order)
        ],
        "published": openings.count_published(session, course.id),
        "page_url": f"{house().settings.base_url}/{course.slug}",
        "may_open": may(policy.may_open_course),
        "silences": _silences(session, course),
        "doors": doors.doors_of(course.id, role()),
        "rhythm": _rhythm(course),
        "words": words,
    }


def _silences(session: Session, course: Course) -> int | None:
    """Count whose mail does not arrive; None: not for the one who asks."""
    if not may(policy.may_see_listeners):
        return None
    return suppressions.count_in_course(session, course.id)


def _rhythm(course: Course) -> str:
    return say_rhythm(unlocks.course_rhythm(course))


def _new_course_form(values: dict[str, str], errors: dict[str, str]) -> Response:
    page = render_template("admin/new_course.html", values=values, errors=errors)
    return make_response(page, UNPROCESSABLE if errors else 200)


def _turn_page(course_id: int, name: str, errors: dict[str, str]) -> str:
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
    turn = TURNS[name]
    return render_template(
        "admin/ask.html",
        course=course,
        title=str(turn.question) % {"name": course.title},
        meaning=turn.meanings,
        label=turn.label,
        is_danger=turn.is_danger,
        errors=errors,
        action=url_for("admin.take_turn", course_id=course.id, turn=name),
        back=url_for("admin.course_room", course_id=course.id),
    )
