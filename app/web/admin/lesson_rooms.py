"""The room of one lesson: its text, its audio, its findings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as AnyResponse

from app import policy
from app.db.models import Course, Lesson
from app.errors import InvalidInput, StaleVersion
from app.kinds import LessonState
from app.policy import Access
from app.services import lessons, plans, recordings
from app.services.lessons import LessonFields
from app.web import access, rhythm_forms
from app.web.admin import course_forms, sending, waiting, words
from app.web.admin.face import SEE_OTHER, admin, get_course, in_room, needs
from app.web.babel import gettext as _
from app.web.current import house, now
from feeds.rhythm import RhythmKind
from feeds.slots import first_instant
from media.keys import ObjectKey

UNPROCESSABLE: Final = 422
CONFLICT: Final = 409
LESSON: Final = "/admin/courses/<int:course_id>/lessons/<int:lesson_id>"


@admin.get(f"{LESSON}/")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def lesson_room(course_id: int, lesson_id: int) -> Response:
    """Show one lesson as it stands."""
    return page(course_id, lesson_id)


@admin.post(f"{LESSON}/")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def save_lesson(course_id: int, lesson_id: int) -> AnyResponse:
    """Save title, notes and date."""
    typed = dict(request.form)
    version = rhythm_forms.whole_number(typed.get("version", "")) or 0
    try:
        with house().database.writing() as session:
            course = get_course(session, course_id)
            lesson = lessons.get(session, course_id, lesson_id)
            fields = _parse(course, typed)
            lessons.edit(session, lesson, fields, version=version, now=now())
    except StaleVersion:
        return _stale_page(course_id, lesson_id, typed)
    except InvalidInput as error:
        return page(course_id, lesson_id, values=typed, errors=words.refusal(error))
    flash(_("Saved."), "good")
    return back_to(course_id, lesson_id)


@admin.get("/admin/courses/<int:course_id>/recordings/<int:recording_id>/audio")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def recording_audio(course_id: int, recording_id: int) -> AnyResponse:
    """Send a recording to those who work on its course."""
    with house().database.reading() as session:
        recording = recordings.get(session, recording_id)
        lessons.get(session, course_id, recording.lesson_id)
    return sending.send_audio(ObjectKey(recording.object_key), recording.content_type)


def _parse(course: Course, typed: Mapping[str, str]) -> LessonFields:
    return LessonFields(
        title=typed.get("title", ""),
        notes=typed.get("notes", ""),
        release_at=_parse_release(typed.get("release_at", ""), course.zone),
    )


def _parse_release(text: str, zone: str) -> datetime | None:
    """Read what `<input type="datetime-local">` sends, as a wall time of the course's zone."""
    if not text.strip():
        return None
    try:
        wall = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput({"release_at": _("Write a date and a time.")}) from error
    return first_instant(wall.replace(tzinfo=None), ZoneInfo(zone))


def _typed(session: Session, course: Course, lesson: Lesson) -> dict[str, str]:
    release_at = plans.new_date(session, lesson)
    local = release_at.astimezone(ZoneInfo(course.zone)) if release_at else None
    return {
        "title": lesson.title,
        "notes": lesson.notes,
        "release_at": local.strftime("%Y-%m-%dT%H:%M") if local else "",
        "version": str(lesson.version),
    }


def _stale_page(course_id: int, lesson_id: int, typed: Mapping[str, str]) -> Response:
    """Show what stands there now beside what was typed; saving again means it."""
    with house().database.reading() as session:
        course = get_course(session, course_id)
        theirs = _typed(session, course, lessons.get(session, course_id, lesson_id))
    mine = {**typed, "version": theirs["version"]}
    clashes = course_forms.differences(mine, theirs)
    return page(course_id, lesson_id, values=mine, clashes=clashes, status=CONFLICT)


def page(course_id: int, lesson_id: int, **more: Any) -> Response:  # noqa: ANN401
    """Make the page of a lesson; `more` may have values, errors, clashes and status."""
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
        lesson = lessons.get(session, course_id, lesson_id)
        newest = lessons.newest_recording(session, lesson_id)
        is_heard = lessons.is_heard(session, lesson_id)
        stands = _typed(session, course, lesson)
        has_dates = plans.new_rhythm(session, course).rhythm.kind is RhythmKind.FIXED_DATES
        future_state = plans.new_state(session, lesson)
        change = waiting.find_waiting(session, course)
    errors = more.get("errors") or {}
    page = render_template(
        "admin/lesson.html",
        course=course,
        lesson=lesson,
        newest=newest,
        findings=words.findings_of(newest),
        is_heard=is_heard,
        has_dates=has_dates,
        values=more.get("values") or stands,
        future_state=future_state,
        waiting=change,
        errors=errors,
        clashes=more.get("clashes"),
        size_limit=words.say_size(house().settings.max_upload),
        words=words,
        states=LessonState,
    )
    return make_response(page, more.get("status") or (UNPROCESSABLE if errors else 200))


def back_to(course_id: int, lesson_id: int) -> AnyResponse:
    """Go on in the room of a lesson."""
    there = url_for("admin.lesson_room", course_id=course_id, lesson_id=lesson_id)
    return redirect(there, SEE_OTHER)
