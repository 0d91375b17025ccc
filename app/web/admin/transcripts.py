"""A lesson's transcript: taken as SRT, WebVTT or plain text, kept as WebVTT."""

from datetime import timedelta
from typing import Final

from flask import flash, redirect, request, url_for
from werkzeug import Response as AnyResponse

from app import policy
from app.db.models import Recording
from app.policy import Access
from app.services import lessons
from app.web import access
from app.web.admin import lesson_rooms
from app.web.admin.face import SEE_OTHER, admin, needs
from app.web.babel import gettext as _
from app.web.current import house, now
from media.captions import parse_captions, render_captions
from media.errors import UnreadableText

# Plain text has no times of its own; without a recording its lines are spread over this long.
SOME_LENGTH: Final = timedelta(minutes=15)


@admin.post("/admin/courses/<int:course_id>/lessons/<int:lesson_id>/transcript")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def save_transcript(course_id: int, lesson_id: int) -> AnyResponse:
    """Take a transcript, or take the present one away."""
    file = request.files.get("transcript")
    content = file.stream.read() if file else b""
    is_removal = request.form.get("action") == "remove"
    with house().database.reading() as session:
        lessons.get(session, course_id, lesson_id)
        newest = lessons.newest_recording(session, lesson_id)
    try:
        transcript = None if is_removal else _read(content, newest)
    except UnreadableText as error:
        return lesson_rooms.page(course_id, lesson_id, errors={"transcript": _why(error)})
    with house().database.writing() as session:
        lesson = lessons.get(session, course_id, lesson_id)
        lessons.set_transcript(session, lesson, transcript, now=now())
    flash(_("The transcript is gone.") if is_removal else _("The transcript is saved."), "good")
    there = url_for("admin.lesson_room", course_id=course_id, lesson_id=lesson_id)
    return redirect(there, SEE_OTHER)


def _read(content: bytes, recording: Recording | None) -> str:
    known_ms = recording.duration_ms if recording else None
    length = timedelta(milliseconds=known_ms) if known_ms else SOME_LENGTH
    return render_captions(parse_captions(content, length)).decode()


def _why(error: UnreadableText) -> str:
    if error.line is None:
        return _(
            "This file cannot be read as a transcript; nothing was changed."
            " Choose a subtitle file (.srt or .vtt) or plain text (.txt)."
        )
    return _(
        "A time in line %(line)s of this file cannot be read; nothing was changed."
        " Mend that line and choose the file again.",
        line=error.line,
    )
