"""Files on their way into the store, for scripts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request, url_for

from app.db.models import Upload
from app.errors import InvalidInput
from app.services import arrivals, uploads
from app.services.wanted_files import Known, Wanted
from app.web.api.face import Operation, bearer, body, check_course, course, does, give
from app.web.api.lessons import FindingFacts, facts_of_findings
from app.web.current import house, now
from media.store import CHUNK_BYTES, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """A file that is to be sent.

    `sha256` (64 hex digits) lets it be found again when the course has it, or when it was begun
    before. `lesson_id`: the lesson that gets a new recording; null or left out: a new one is made.
    """

    file_name: str
    size_bytes: int
    sha256: str | None = None
    lesson_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFacts:
    """A part that has arrived whole."""

    number: int
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFacts:
    """How far a file is on its way. `state`: open, done or aborted.

    Every part but the last has `part_bytes`; those in `arrived` need not be sent again.
    """

    id: str
    state: str
    file_name: str
    size_bytes: int
    part_bytes: int
    part_count: int
    arrived: tuple[PartFacts, ...]
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Either an upload to go on with, or the lesson that has this very file already."""

    upload: UploadFacts | None
    lesson_id: int | None
    recording_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartAddress:
    """Where a part is PUT.

    A relative address is ours: with the token. An absolute one is the store's: without it.
    """

    number: int
    size_bytes: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The new lesson, if one is made; `title` null: from the tags or the name of the file."""

    title: str | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedFacts:
    """What became of the file: accept, warn or refuse.

    A refused file left nothing behind. Otherwise its full analysis follows: ask for the lesson.
    """

    verdict: str
    findings: tuple[FindingFacts, ...]
    lesson_id: int | None
    recording_id: int | None


@does(
    Operation(
        method="POST",
        path="/courses/<slug>/uploads",
        summary="Begin to send a file, or go on where it was left",
        takes=NewUpload,
        gives=Begun,
    )
)
def begin_upload(slug: str) -> Response:
    """Begin an upload."""
    wanted = body(NewUpload)
    with house().database.reading() as session:
        course_id = course(session, slug).id
    begun = uploads.begin(
        house(),
        Wanted(
            course_id=course_id,
            account_id=bearer().worker.account_id,
            file_name=wanted.file_name,
            size_bytes=wanted.size_bytes,
            client_sha256=_parse_digest(wanted.sha256),
            lesson_id=wanted.lesson_id,
        ),
        now=now(),
    )
    if isinstance(begun, Known):
        return give(Begun(upload=None, lesson_id=begun.lesson_id, recording_id=begun.recording_id))
    return give(Begun(upload=_facts(begun), lesson_id=None, recording_id=None))


@does(
    Operation(
        method="GET",
        path="/uploads/<upload_id>",
        summary="How far a file is on its way",
        gives=UploadFacts,
    )
)
def get_upload(upload_id: str) -> Response:
    """Answer what has arrived."""
    return give(_facts(_upload(upload_id)))


@does(
    Operation(
        method="GET",
        path="/uploads/<upload_id>/parts/<int:number>",
        summary="Where to PUT a part (from 1)",
        gives=PartAddress,
    )
)
def get_part_address(upload_id: str, number: int) -> Response:
    """Answer the address of one part."""
    upload = _upload(upload_id)
    ours = url_for("api.put_part", upload_id=upload_id, number=number)
    return give(
        PartAddress(
            number=number,
            size_bytes=uploads.part_size(upload, number),
            url=uploads.find_part_address(house(), upload, number) or ours,
        )
    )


@does(
    Operation(
        method="PUT",
        path="/uploads/<upload_id>/parts/<int:number>",
        summary="Send a part to us, where it does not go to the store itself",
        takes_bytes=True,
        gives=PartFacts,
    )
)
def put_part(upload_id: str, number: int) -> Response:
    """Take one part in as it comes, in bounded memory."""
    upload = _upload(upload_id)
    # One more than there may be: Werkzeug refuses a body that ends exactly where the limit is.
    request.max_content_length = uploads.part_size(upload, number) + 1
    return give(_part_facts(uploads.put_part(house(), upload, number, _chunks())))


@does(
    Operation(
        method="POST",
        path="/uploads/<upload_id>/complete",
        summary="Make a recording of the parts, after a first look; a second call changes nothing",
        takes=Completion,
        gives=CompletedFacts,
    )
)
def complete_upload(upload_id: str) -> Response:
    """Make a recording, and a lesson where none was named."""
    wanted = body(Completion)
    done = arrivals.complete(
        house(), _upload(upload_id), title=wanted.title, notes=wanted.notes, now=now()
    )
    return give(
        CompletedFacts(
            verdict=done.verdict.value,
            findings=facts_of_findings(done.findings),
            lesson_id=done.lesson_id,
            recording_id=done.recording_id,
        )
    )


@does(
    Operation(
        method="DELETE",
        path="/uploads/<upload_id>",
        summary="Stop an upload and throw away what arrived",
        status=HTTPStatus.NO_CONTENT,
    )
)
def abort_upload(upload_id: str) -> tuple[str, HTTPStatus]:
    """Stop an upload; one that is done stays done."""
    uploads.abort(house(), _upload(upload_id))
    return "", HTTPStatus.NO_CONTENT


def _upload(upload_id: str) -> Upload:
    """Answer an upload of the one who asks, in a course that the token opens."""
    with house().database.reading() as session:
        upload = uploads.get(session, upload_id, account_id=bearer().worker.account_id)
    check_course(upload.course_id)
    return upload


def _chunks() -> Iterator[bytes]:
    while chunk := request.stream.read(CHUNK_BYTES):
        yield chunk


def _parse_digest(text: str | None) -> bytes | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise InvalidInput({"sha256": "must be 64 hex digits"})
    return bytes.fromhex(text)


def _facts(upload: Upload) -> UploadFacts:
    return UploadFacts(
        id=upload.public_id,
        state=upload.state.value,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        part_bytes=upload.part_bytes,
        part_count=uploads.part_count(upload),
        arrived=tuple(_part_facts(part) for part in uploads.arrived(house(), upload)),
        expires_at=upload.expires_at.isoformat(),
    )


def _part_facts(part: Part) -> PartFacts:
    return PartFacts(number=part.number, size_bytes=part.size_bytes, etag=part.etag)
