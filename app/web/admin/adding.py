"""Audio for lessons: the page, and a plain form for browsers without JavaScript."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from flask import Response, make_response, render_template, request
from werkzeug.datastructures import FileStorage

from app import policy
from app.db.models import Lesson, Upload
from app.errors import InvalidInput
from app.policy import Access
from app.services import arrivals, lessons, uploads
from app.services.arrivals import Completed
from app.services.wanted_files import Wanted
from app.settings import Settings
from app.web import access
from app.web.admin import words
from app.web.admin.face import account, admin, get_course, in_room, needs, takes_up_to
from app.web.babel import gettext as _
from app.web.current import house, now
from media.store import CHUNK_BYTES

UNPROCESSABLE: Final = 422
# Around the files: boundaries, names, the token.
FORM_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file: a lesson, or findings or an error that say why not."""

    file_name: str
    lesson_id: int | None
    findings: list[dict[str, str]]
    error: str | None = None


def _body_size(settings: Settings) -> int:
    return settings.max_upload + FORM_BYTES


@admin.get("/admin/courses/<int:course_id>/lessons/new")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def add_lessons(course_id: int) -> Response:
    """Ask for audio; each file becomes a lesson."""
    return _page(course_id, None, {})


@admin.post("/admin/courses/<int:course_id>/lessons/new")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
@takes_up_to(_body_size)
def take_lessons(course_id: int) -> Response:
    """Take files from a plain form; with JavaScript they go in parts instead."""
    return _take(course_id, None)


@admin.get("/admin/courses/<int:course_id>/lessons/<int:lesson_id>/audio")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def replace_audio(course_id: int, lesson_id: int) -> Response:
    """Ask for audio for a lesson that is there."""
    return _page(course_id, _get_lesson(course_id, lesson_id), {})


@admin.post("/admin/courses/<int:course_id>/lessons/<int:lesson_id>/audio")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
@takes_up_to(_body_size)
def take_audio(course_id: int, lesson_id: int) -> Response:
    """Take it from a plain form."""
    return _take(course_id, _get_lesson(course_id, lesson_id))


def _get_lesson(course_id: int, lesson_id: int) -> Lesson:
    with house().database.reading() as session:
        return lessons.get(session, course_id, lesson_id)


def _take(course_id: int, lesson: Lesson | None) -> Response:
    files = [each for each in request.files.getlist("audio") if each.filename]
    if not files:
        return _page(course_id, lesson, {"audio": _("Choose a file first.")})
    if lesson is not None:
        files = files[:1]
    return _page(course_id, lesson, {}, [_send(course_id, lesson, each) for each in files])


def _send(course_id: int, lesson: Lesson | None, file: FileStorage) -> Outcome:
    name = _plain_name(file.filename or "")
    wanted = Wanted(
        course_id=course_id,
        account_id=account().id,
        file_name=name,
        size_bytes=file.stream.seek(0, 2),
        lesson_id=lesson.id if lesson else None,
    )
    try:
        done = _store(wanted, file.stream)
    except InvalidInput as error:
        said = " ".join(words.refusal(error).values())
        return Outcome(file_name=name, lesson_id=None, findings=[], error=said)
    return Outcome(file_name=name, lesson_id=done.lesson_id, findings=words.findings(done.findings))


def _store(wanted: Wanted, stream: IO[bytes]) -> Completed:
    """Send what the browser sent on into the store, part by part, from the disk where it lies."""
    upload = uploads.begin(house(), wanted, now=now())
    if not isinstance(upload, Upload):
        message = "no digest was given, so nothing can be known"
        raise TypeError(message)
    stream.seek(0)
    for number in range(1, uploads.part_count(upload) + 1):
        size = uploads.part_size(upload, number)
        uploads.put_part(house(), upload, number, _slice(stream, size))
    return arrivals.complete(house(), upload, now=now())


def _slice(stream: IO[bytes], size_bytes: int) -> Iterator[bytes]:
    left = size_bytes
    while left and (chunk := stream.read(min(left, CHUNK_BYTES))):
        left -= len(chunk)
        yield chunk


def _plain_name(name: str) -> str:
    """Answer the file's own name; old browsers send the folders above it too."""
    return name.replace("\\", "/").rpartition("/")[2]


def _page(
    course_id: int,
    lesson: Lesson | None,
    errors: dict[str, str],
    outcomes: list[Outcome] | None = None,
) -> Response:
    in_room("admin.course_room")
    with house().database.reading() as session:
        course = get_course(session, course_id)
    page = render_template(
        "admin/add_audio.html",
        course=course,
        lesson=lesson,
        errors=errors,
        outcomes=outcomes,
        limit_bytes=house().settings.max_upload,
        size_limit=words.say_size(house().settings.max_upload),
    )
    return make_response(page, UNPROCESSABLE if errors else 200)
