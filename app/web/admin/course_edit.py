"""Editing a course: its text, its rhythm, its cover."""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from flask import Response, flash, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug import Response as AnyResponse

from app import policy
from app.db.models import Course
from app.errors import CourseNotFound, CoverRefused, InvalidInput, StaleVersion
from app.policy import Access
from app.services import courses, covers, stories
from app.web import access
from app.web.admin import course_forms, sending, waiting, words
from app.web.admin.course_forms import CourseForm
from app.web.admin.face import SEE_OTHER, admin, get_course, in_room, needs, takes_up_to
from app.web.babel import gettext as _
from app.web.current import house, now
from media.errors import StoreError
from media.findings import Finding
from media.keys import ObjectKey

log = structlog.get_logger()

UNPROCESSABLE: Final = 422
CONFLICT: Final = 409
# A form around the picture: field names, boundaries, the token.
FORM_BYTES: Final = 64 * 1024


@admin.get("/admin/courses/<int:course_id>/edit")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def edit_course(course_id: int) -> Response:
    """Show the form as the course stands."""
    course, values = _load_form(course_id)
    return _page(course, values)


@admin.post("/admin/courses/<int:course_id>/edit")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def save_course(course_id: int) -> AnyResponse:
    """Save it, show how the story would look, or say what is wrong."""
    form = course_forms.parse(request.form)
    if request.form.get("action") == "preview":
        return _page(_load(course_id), form.values, story=form.values.get("story", ""))
    if form.fields is None:
        return _page(_load(course_id), form.values, errors=form.errors)
    try:
        with house().database.writing() as session:
            courses.edit(session, course_id, form.fields, version=form.version, now=now())
    except StaleVersion:
        return _stale_page(course_id, form)
    except InvalidInput as error:
        return _page(_load(course_id), form.values, errors=words.refusal(error))
    flash(_("Saved."), "good")
    return redirect(url_for("admin.edit_course", course_id=course_id), SEE_OTHER)


@admin.post("/admin/courses/<int:course_id>/cover")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
@takes_up_to(lambda settings: covers.MAX_BYTES + FORM_BYTES)  # noqa: ARG005
def upload_cover(course_id: int) -> AnyResponse:
    """Judge the picture and make it the cover, or say why not."""
    in_room("admin.edit_course")
    picture = request.files.get("cover")
    content = picture.stream.read() if picture else b""
    name = picture.filename or "" if picture else ""
    try:
        cover = covers.store_cover(house().store, course_id, content=content, file_name=name)
    except CoverRefused as error:
        found = [each for each in error.findings if isinstance(each, Finding)]
        return _page_as_it_stands(course_id, found)
    with house().database.writing() as session:
        former = covers.set_cover(session, course_id, cover, now=now())
    _delete(former)
    flash(_("The course has a new cover."), "good")
    return redirect(url_for("admin.edit_course", course_id=course_id) + "#cover", SEE_OTHER)


@admin.get("/admin/courses/<int:course_id>/cover")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def cover_image(course_id: int) -> AnyResponse:
    """Send the picture."""
    course = _load(course_id)
    if course.cover_key is None:
        raise CourseNotFound(course_id)
    return sending.send_object(ObjectKey(course.cover_key), course.cover_type or "image/jpeg")


def _load(course_id: int) -> Course:
    with house().database.reading() as session:
        return get_course(session, course_id)


def _load_form(course_id: int) -> tuple[Course, dict[str, str]]:
    """Answer a course, and its form as it stands."""
    with house().database.reading() as session:
        course = get_course(session, course_id)
        return course, course_forms.typed(courses.fields_of(session, course), course.version)


def _stale_page(course_id: int, form: CourseForm) -> Response:
    """Show what stands there now beside what was typed; saving again means it."""
    course, theirs = _load_form(course_id)
    mine = {**form.values, "version": str(course.version)}
    clashes = course_forms.differences(mine, theirs)
    return _page(course, mine, clashes=clashes, status=CONFLICT)


def _page_as_it_stands(course_id: int, found: list[Finding]) -> Response:
    course, values = _load_form(course_id)
    return _page(course, values, cover_findings=words.findings(found), status=UNPROCESSABLE)


def _page(course: Course, values: Mapping[str, str], **more: Any) -> Response:  # noqa: ANN401
    """Make the page; `more` may have errors, story, clashes, cover_findings and status."""
    errors = more.get("errors") or {}
    story = more.get("story")
    kept = None if "cover_findings" in more else _kept_findings(course)
    with house().database.reading() as session:
        change = waiting.find_waiting(session, course)
    page = render_template(
        "admin/edit_course.html",
        course=course,
        waiting=change,
        values=values,
        errors=errors,
        clashes=more.get("clashes"),
        # Cleaned by nh3 on the way.
        story=None if story is None else Markup(stories.render_story(story)),  # noqa: S704
        cover_findings=more.get("cover_findings"),
        kept_findings=kept,
        choices=course_forms.choices(),
        base_url=house().settings.base_url,
        cover_limit=words.say_size(covers.MAX_BYTES),
    )
    return make_response(page, more.get("status") or (UNPROCESSABLE if errors else 200))


def _kept_findings(course: Course) -> list[dict[str, str]] | None:
    """Answer what is to be said of the cover that stands; None: there is none, or no store now."""
    try:
        judged = covers.judge_kept(house().store, course)
    except StoreError as error:
        log.warning("cover_unreadable", course=course.id, why=type(error).__name__)
        return None
    return None if judged is None else words.findings(judged[1])


def _delete(key: ObjectKey | None) -> None:
    """Delete a cover that nobody shows any more; what fails here is swept later."""
    if key is None:
        return
    try:
        house().store.delete(key)
    except StoreError as error:
        log.warning("cover_left_behind", why=type(error).__name__)
