"""Uploads in parts, for the script on the page: the same service as the API's, with a session."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Blueprint, Response, jsonify, request, url_for
from werkzeug.exceptions import HTTPException

from app import policy
from app.db.models import Upload
from app.errors import CadansError, InvalidInput, UploadNotFound
from app.policy import Access
from app.services import arrivals, uploads
from app.services.arrivals import Completed
from app.services.wanted_files import Known, Wanted
from app.web import access, bounds
from app.web.admin import words
from app.web.admin.face import account, needs, takes_up_to
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.errors import status_of
from media.errors import MediaError
from media.findings import Verdict
from media.store import CHUNK_BYTES

log = structlog.get_logger()

uploading = Blueprint(
    "admin_uploads", __name__, url_prefix="/admin/courses/<int:course_id>/uploads"
)

# A part is at most this large; the service cuts parts of very large files larger than usual.
MOST_PART_BYTES: Final = 64 * 2**20
NO_CONTENT: Final = ("", 204)


@uploading.errorhandler(CadansError)
@uploading.errorhandler(MediaError)
def _say_error(error: Exception) -> tuple[Response, int]:
    """Answer in one sentence that the page can show beside the file."""
    status = status_of(error)
    said = " ".join(words.refusal(error).values()) if isinstance(error, InvalidInput) else ""
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("upload_failed", exc_info=error)
    return jsonify(error=said or _status_words(status)), int(status)


@uploading.errorhandler(HTTPException)
def _say_http_error(error: HTTPException) -> tuple[Response, int]:
    status = HTTPStatus(error.code or 500)
    return jsonify(error=_status_words(status)), int(status)


@uploading.post("")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def begin(course_id: int) -> tuple[Response, int]:
    """Begin to send a file; `lesson_id` when it is new audio of a lesson that is there."""
    asked = bounds.read_json()
    wanted = Wanted(
        course_id=course_id,
        account_id=account().id,
        file_name=_text(asked, "file_name"),
        size_bytes=_number(asked, "size_bytes") or 0,
        lesson_id=_number(asked, "lesson_id"),
    )
    upload = uploads.begin(house(), wanted, now=now())
    if isinstance(upload, Known):
        return jsonify(lesson_url=_lesson_url(course_id, upload.lesson_id)), 200
    return jsonify(_described(upload, arrived=[])), 201


@uploading.get("/<public_id>")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def look(course_id: int, public_id: str) -> Response:
    """Answer which parts have arrived: what a resumed upload need not send again."""
    upload = _get(course_id, public_id)
    arrived = [part.number for part in uploads.arrived(house(), upload)]
    return jsonify(_described(upload, arrived=arrived))


@uploading.post("/<public_id>/parts/<int:number>")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def part_address(course_id: int, public_id: str, number: int) -> Response:
    """Answer where to PUT a part: at the store, or here. Only here the session goes along."""
    upload = _get(course_id, public_id)
    address = uploads.find_part_address(house(), upload, number)
    here = url_for(".put_part", course_id=course_id, public_id=public_id, number=number)
    return jsonify(url=address or here, is_here=address is None)


@uploading.put("/<public_id>/parts/<int:number>")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
@takes_up_to(lambda settings: MOST_PART_BYTES)  # noqa: ARG005
def put_part(course_id: int, public_id: str, number: int) -> Response | tuple[str, int]:
    """Take a part as it comes in and hand it on to the store."""
    uploads.put_part(house(), _get(course_id, public_id), number, _body())
    return NO_CONTENT


@uploading.post("/<public_id>/complete")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def complete(course_id: int, public_id: str) -> Response:
    """Make a recording of the parts, and answer the first verdict."""
    done = arrivals.complete(house(), _get(course_id, public_id), now=now())
    return jsonify(_verdict(course_id, done))


@uploading.delete("/<public_id>")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def abort(course_id: int, public_id: str) -> tuple[str, int]:
    """Stop the upload and throw away what arrived."""
    uploads.abort(house(), _get(course_id, public_id))
    return NO_CONTENT


def _get(course_id: int, public_id: str) -> Upload:
    with house().database.reading() as session:
        upload = uploads.get(session, public_id, account_id=account().id)
    if upload.course_id != course_id:
        raise UploadNotFound(public_id)
    return upload


def _described(upload: Upload, *, arrived: list[int]) -> dict[str, object]:
    return {
        "id": upload.public_id,
        "state": upload.state.value,
        "size_bytes": upload.size_bytes,
        "part_bytes": upload.part_bytes,
        "arrived": arrived,
    }


def _verdict(course_id: int, done: Completed) -> dict[str, object]:
    said = {
        Verdict.ACCEPT: _("Arrived. It is now listened through; the lesson says when it is ready."),
        Verdict.WARN: _("Arrived, with a remark. It is now listened through."),
        Verdict.REFUSE: _("This file cannot be used."),
    }[done.verdict]
    return {
        "verdict": done.verdict.value,
        "said": said,
        "findings": words.findings(done.findings),
        "lesson_url": _lesson_url(course_id, done.lesson_id) if done.lesson_id else None,
    }


def _lesson_url(course_id: int, lesson_id: int) -> str:
    return url_for("admin.lesson_room", course_id=course_id, lesson_id=lesson_id)


def _body() -> Iterator[bytes]:
    while chunk := request.stream.read(CHUNK_BYTES):
        yield chunk


def _text(asked: Any, name: str) -> str:  # noqa: ANN401 (whatever JSON may hold)
    found = asked.get(name) if isinstance(asked, dict) else None
    return found if isinstance(found, str) else ""


def _number(asked: Any, name: str) -> int | None:  # noqa: ANN401
    found = asked.get(name) if isinstance(asked, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _status_words(status: HTTPStatus) -> str:
    return {
        HTTPStatus.NOT_FOUND: _("This upload is gone. Choose the file again."),
        HTTPStatus.BAD_REQUEST: _("This page was open too long. Load it again and go on."),
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _("This file is larger than may be uploaded here."),
        HTTPStatus.SERVICE_UNAVAILABLE: _("The store does not answer. Try again in a few minutes."),
    }.get(status, _("Something broke on our side. Try again."))
