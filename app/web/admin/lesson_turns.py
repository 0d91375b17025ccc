"""What happens to lessons: published, withdrawn, deleted, put in order."""

from typing import Final

import structlog
from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug import Response as AnyResponse

from app import policy
from app.db.models import Lesson
from app.errors import InvalidInput
from app.policy import Access
from app.services import lessons, plans, publishing
from app.services.lessons import Trashed
from app.services.publishing import Direction
from app.web import access, rhythm_forms
from app.web.admin import lesson_rooms, words
from app.web.admin.face import SEE_OTHER, admin, get_course, in_room, needs
from app.web.admin.lesson_rooms import LESSON, UNPROCESSABLE, back_to
from app.web.babel import gettext as _
from app.web.current import house, now
from media.errors import StoreError

log = structlog.get_logger()

TURNS: Final = ("withdraw", "trash")


@admin.post(f"{LESSON}/publish")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def publish_lesson(course_id: int, lesson_id: int) -> AnyResponse:
    """Publish it, or say what must come first."""
    try:
        with house().database.writing() as session:
            lesson = lessons.get(session, course_id, lesson_id)
            is_done = publishing.publish(session, lesson, now=now())
    except InvalidInput as error:
        return lesson_rooms.page(course_id, lesson_id, errors=words.refusal(error))
    if is_done:
        flash(_("The lesson is published. Everybody gets it when it is its turn."), "good")
    return back_to(course_id, lesson_id)


@admin.get(f"{LESSON}/<any({','.join(TURNS)}):turn>")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def ask_lesson_turn(course_id: int, lesson_id: int, turn: str) -> str:
    """Say what a turn means before it is taken."""
    return _turn_page(course_id, lesson_id, turn, {})


@admin.post(f"{LESSON}/withdraw")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def withdraw_lesson(course_id: int, lesson_id: int) -> AnyResponse:
    """Give the lesson to nobody new."""
    try:
        with house().database.writing() as session:
            lesson = lessons.get(session, course_id, lesson_id)
            is_done = publishing.withdraw(session, lesson, now=now())
    except InvalidInput as error:
        return lesson_rooms.page(course_id, lesson_id, errors=words.refusal(error))
    if is_done:
        flash(_("The lesson is withdrawn. Who has it keeps it."), "good")
    return back_to(course_id, lesson_id)


@admin.post(f"{LESSON}/trash")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def trash_lesson(course_id: int, lesson_id: int) -> AnyResponse:
    """Delete a lesson that nobody has, with its audio."""
    try:
        with house().database.writing() as session:
            lesson = lessons.get(session, course_id, lesson_id)
            trashed = lessons.trash(session, lesson, now=now())
    except InvalidInput as error:
        page = _turn_page(course_id, lesson_id, "trash", words.refusal(error))
        return make_response(page, UNPROCESSABLE)
    _delete_objects(trashed)
    flash(_("The lesson is deleted."), "good")
    return redirect(url_for("admin.course_room", course_id=course_id), SEE_OTHER)


@admin.post(f"{LESSON}/move")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def move_lesson(course_id: int, lesson_id: int) -> AnyResponse:
    """Move it one place up or down."""
    direction = Direction.UP if request.form.get("direction") == "up" else Direction.DOWN
    with house().database.writing() as session:
        lesson = lessons.get(session, course_id, lesson_id)
        publishing.move(session, lesson, direction, now=now())
    there = url_for("admin.course_room", course_id=course_id)
    return redirect(f"{there}#lesson-{lesson_id}", SEE_OTHER)


@admin.get("/admin/courses/<int:course_id>/order")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def ask_order(course_id: int) -> Response:
    """Show all lessons with their places, to be renumbered at once."""
    return _order_page(course_id, {})


@admin.post("/admin/courses/<int:course_id>/order")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def save_order(course_id: int) -> AnyResponse:
    """Put the lessons in the order of the numbers that were typed; equal ones stay as they are."""
    places = {
        int(name.removeprefix("place-")): rhythm_forms.whole_number(text)
        for name, text in request.form.items()
        if name.startswith("place-") and name.removeprefix("place-").isdecimal()
    }
    wrong = {f"place-{number}": _("Write a number.") for number, at in places.items() if at is None}
    if wrong:
        return _order_page(course_id, wrong)
    ids = sorted(places, key=lambda lesson_id: places[lesson_id] or 0)
    try:
        with house().database.writing() as session:
            is_done = publishing.put_in_order(session, course_id, ids, now=now())
    except InvalidInput as error:
        return _order_page(course_id, words.refusal(error))
    if is_done:
        flash(_("The lessons are in order."), "good")
    return redirect(url_for("admin.course_room", course_id=course_id), SEE_OTHER)


def _turn_page(course_id: int, lesson_id: int, turn: str, errors: dict[str, str]) -> str:
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
        lesson = lessons.get(session, course_id, lesson_id)
    title, meaning, label = _turn_words(lesson, turn)
    action = {"withdraw": "admin.withdraw_lesson", "trash": "admin.trash_lesson"}[turn]
    return render_template(
        "admin/ask.html",
        course=course,
        title=title,
        meaning=meaning,
        label=label,
        is_danger=True,
        errors=errors,
        action=url_for(action, course_id=course_id, lesson_id=lesson_id),
        back=url_for("admin.lesson_room", course_id=course_id, lesson_id=lesson_id),
    )


def _turn_words(lesson: Lesson, turn: str) -> tuple[str, list[str], str]:
    return {
        "withdraw": (
            _("Withdraw “%(name)s”?", name=lesson.title),
            [
                _("Nobody new gets this lesson; the next ones move up one place."),
                _("Who has it keeps it. You can publish it again."),
            ],
            _("Withdraw the lesson"),
        ),
        "trash": (
            _("Delete “%(name)s”?", name=lesson.title),
            [_("The lesson, its notes and its audio are gone for good. Nobody has heard it yet.")],
            _("Delete the lesson"),
        ),
    }[turn]


def _order_page(course_id: int, errors: dict[str, str]) -> Response:
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
        found = {row.id: row for row in lessons.of_course(session, course_id)}
        order = plans.new_order(session, course_id, list(found))
        rows = [found[lesson_id] for lesson_id in order]
    page = render_template("admin/order.html", course=course, lessons=rows, errors=errors)
    return make_response(page, UNPROCESSABLE if errors else 200)


def _delete_objects(trashed: Trashed) -> None:
    """Delete the audio of a lesson whose row is gone; what fails here is swept later."""
    for key in trashed.object_keys:
        try:
            house().store.delete(key)
        except StoreError as error:
            log.warning("object_left_behind", lesson=trashed.lesson_id, why=type(error).__name__)
