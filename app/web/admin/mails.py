"""The mails of a course: when they go, what the owner adds, how they look, and one to herself."""

from collections.abc import Mapping
from typing import Final

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug import Response as AnyResponse

from app import policy
from app.db.models import Course
from app.errors import InvalidInput, StaleVersion, TooManyRequests
from app.mail.letters import Letter, render
from app.policy import Access
from app.services import owner_lines, samples
from app.services.mail_times import EVENING_HOUR
from app.services.mailing import desk_of
from app.services.owner_lines import HOURS, KINDS, MAX_LINE_CHARS, MailChoices
from app.web import access
from app.web.admin import words
from app.web.admin.face import SEE_OTHER, account, admin, get_course, in_room, needs
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.links import host
from app.words import LANGUAGES, known_language

UNPROCESSABLE: Final = 422
CONFLICT: Final = 409
# In its frame the mail's inline styles may act, and nothing else may.
FRAME_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
)


@admin.get("/admin/courses/<int:course_id>/mails")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def mail_room(course_id: int) -> Response:
    """Show every mail of the course, and what may be decided about them."""
    course, chosen = _load(course_id)
    return _page(course, _typed(chosen, course.mails_version))


@admin.post("/admin/courses/<int:course_id>/mails")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def save_mails(course_id: int) -> AnyResponse:
    """Save it all, or say what is wrong and keep what was typed."""
    values = request.form.to_dict()
    version = values.get("version", "")
    try:
        choices = owner_lines.parse(values)
        with house().database.writing() as session:
            number = int(version) if version.isdecimal() else 0
            owner_lines.save(session, course_id, choices, version=number, now=now())
    except InvalidInput as error:
        course, _chosen = _load(course_id)
        return _page(course, values, errors=_in_words(error), status=UNPROCESSABLE)
    except StaleVersion:
        return _stale_page(course_id, values)
    flash(_("Saved."), "good")
    return redirect(url_for("admin.mail_room", course_id=course_id), SEE_OTHER)


@admin.get("/admin/courses/<int:course_id>/mails/<key>")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def look_at_mail(course_id: int, key: str) -> str:
    """Show how one mail looks in a mailbox, and its text part."""
    language = _language()
    course, letter = _sample(course_id, key, language)
    in_room("admin.course_room")
    shown = render(letter)
    return render_template(
        "admin/mail.html",
        course=course,
        kind=key,
        names=words.mail_names(),
        language=language,
        languages=LANGUAGES,
        subject=shown.subject,
        text=shown.text,
    )


@admin.get("/admin/courses/<int:course_id>/mails/<key>/frame")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def mail_frame(course_id: int, key: str) -> Response:
    """Answer the HTML part of one mail, for a frame without rights."""
    _course, letter = _sample(course_id, key, _language())
    response = make_response(render(letter).html)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    return response


@admin.post("/admin/courses/<int:course_id>/mails/<key>/test")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def send_test_mail(course_id: int, key: str) -> AnyResponse:
    """Mail it to who asks, and nobody else."""
    try:
        with house().database.writing() as session:
            course = get_course(session, course_id)
            samples.send_test(session, course, key, account=account(), host=host(), now=now())
    except TooManyRequests:
        flash(
            _("Those were thirty tests in an hour. Look at them here, or wait a little."),
            "bad",
        )
    else:
        flash(_("A test is on its way to %(email)s.", email=account().email), "good")
    return redirect(url_for("admin.mail_room", course_id=course_id), SEE_OTHER)


def _load(course_id: int) -> tuple[Course, MailChoices]:
    with house().database.reading() as session:
        course = get_course(session, course_id)
        return course, owner_lines.of_course(session, course)


def _sample(course_id: int, kind: str, language: str) -> tuple[Course, Letter]:
    with house().database.reading() as session:
        course = get_course(session, course_id)
        letter = samples.sample(
            session, course, kind, desk=desk_of(house()), now=now(), language=language
        )
    return course, letter


def _language() -> str:
    return known_language(request.args.get("in", account().language))


def _typed(chosen: MailChoices, version: int) -> dict[str, str]:
    return {
        "version": str(version),
        "mail_hour": "" if chosen.mail_hour is None else str(chosen.mail_hour),
        "next_title": chosen.next_title or "",
        "next_url": chosen.next_url or "",
        **{f"line_{kind}": chosen.lines.get(kind, "") for kind in KINDS},
    }


def _stale_page(course_id: int, values: Mapping[str, str]) -> Response:
    """Show what stands there now beside what was typed; saving again means it."""
    course, chosen = _load(course_id)
    theirs = _typed(chosen, course.mails_version)
    mine = {**theirs, **values, "version": theirs["version"]}
    clashes = [
        {"label": _label(name), "mine": mine[name], "theirs": theirs[name]}
        for name in theirs
        if mine[name] != theirs[name]
    ]
    return _page(course, mine, clashes=clashes, status=CONFLICT)


def _label(field: str) -> str:
    labels = {
        "mail_hour": _("News goes from"),
        "next_title": _("What comes next"),
        "next_url": _("Its address"),
    }
    return labels.get(field) or words.mail_names()[field.removeprefix("line_")][0]


def _in_words(error: InvalidInput) -> dict[str, str]:
    said = {
        "hour": _("Choose an hour from the list."),
        "pair": _("Fill in both, or neither."),
        "url": _("This is no address of a page. Write it like https://example.org/next."),
        "long": _("This is too long: at most %(limit)s characters.", limit=MAX_LINE_CHARS),
    }
    return {field: said[problem] for field, problem in error.fields.items()}


def _page(
    course: Course,
    values: Mapping[str, str],
    *,
    errors: Mapping[str, str] | None = None,
    clashes: list[dict[str, str]] | None = None,
    status: int = 200,
) -> Response:
    in_room("admin.course_room")
    page = render_template(
        "admin/mails.html",
        course=course,
        values=values,
        errors=errors or {},
        clashes=clashes,
        kinds=KINDS,
        names=words.mail_names(),
        hours=[("", _("any hour"))] + [(str(hour), f"{hour:02}:00") for hour in HOURS],
        evening=f"{EVENING_HOUR}:00",
        limit=MAX_LINE_CHARS,
        languages=LANGUAGES,
    )
    return make_response(page, status)
