"""Files on their way into the store, in parts, resumable; at the end a recording of a lesson.

begin → parts, in any order, any of them again → complete or abort. These functions open their own
transactions, because the store is asked between them: what a store takes its time for must not
hold up everybody who writes. The object is made first and the row second; what a crash leaves
between the two is found again by completing once more, or swept.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Lesson, Recording, Upload
from app.errors import InvalidInput, TitleTaken, UploadNotFound, UploadTooBig
from app.house import House
from app.kinds import UploadState
from app.services import lessons, recordings, revisions
from app.services.lessons import LessonFields
from app.services.recordings import Arrival
from media.audio import AudioFormat
from media.errors import UploadIncomplete
from media.findings import Finding, Verdict, verdict_of
from media.keys import ObjectKey, new_object_key
from media.rules import first_findings
from media.store import MAX_PARTS, Part, StoredObject, UploadId
from media.titles import title_from_name

# Small enough to send again after a bad connection, large enough for S3's least part (5 MiB).
PART_BYTES: Final = 8 * 2**20
# How long a file may be on its way; store and sweeper forget it afterwards.
LIFETIME: Final = timedelta(days=7)
MAX_NAME_CHARS: Final = 255
DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file that somebody wants to send.

    `lesson_id`: the lesson that gets it as its new recording; None: a new lesson is made.
    `client_sha256`: what the sender says it is, only ever compared with; None: it does not say.
    """

    course_id: int
    account_id: int
    file_name: str
    size_bytes: int
    client_sha256: bytes | None = None
    lesson_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The course has these very bytes already: nothing is to be sent."""

    lesson_id: int
    recording_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What became of a file that has arrived.

    A refused one left nothing behind: no recording, no lesson, no object. Otherwise the recording
    waits for its full analysis; `findings` are those of a first look.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    lesson_id: int | None = None
    recording_id: int | None = None


def begin(house: House, wanted: Wanted, *, now: datetime) -> Upload | Known:
    """Begin to send a file, or go on with the same file where it was left.

    With a digest of the sender's: when the course has that file, nothing is to be sent; when the
    same account began to send it before, that upload is answered.

    Raises:
        InvalidInput: the name cannot be a recording's, the size is no size.
        UploadTooBig: it is larger than the house takes.
        LessonNotFound: the course has no such lesson.
    """
    extension = _check(wanted, house.settings.max_upload)
    with house.database.reading() as session:
        if wanted.lesson_id is not None:
            lessons.get(session, wanted.course_id, wanted.lesson_id)
        found = _find_known(session, wanted) or _find_open(session, wanted, now=now)
    if found is not None:
        return found
    audio_format = AudioFormat(extension)
    key = new_object_key(wanted.course_id, extension)
    store_upload_id = house.store.begin_upload(key, audio_format.media_type)
    upload = Upload(
        public_id=secrets.token_hex(16),
        course_id=wanted.course_id,
        account_id=wanted.account_id,
        lesson_id=wanted.lesson_id,
        object_key=key,
        store_upload_id=store_upload_id,
        file_name=wanted.file_name,
        content_type=audio_format.media_type,
        size_bytes=wanted.size_bytes,
        part_bytes=max(PART_BYTES, ceil(wanted.size_bytes / MAX_PARTS)),
        client_sha256=wanted.client_sha256,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    with house.database.writing() as session:
        session.add(upload)
    return upload


def get(session: Session, public_id: str, *, account_id: int) -> Upload:
    """Answer an upload of this account.

    Raises:
        UploadNotFound: it has none by that id.
    """
    upload = session.scalar(
        select(Upload).where(Upload.public_id == public_id, Upload.account_id == account_id)
    )
    if upload is None:
        raise UploadNotFound(public_id)
    return upload


def part_count(upload: Upload) -> int:
    """Answer in how many parts the file comes."""
    return ceil(upload.size_bytes / upload.part_bytes)


def part_size(upload: Upload, number: int) -> int:
    """Answer how many bytes part `number` (from 1) must have: all but the last have `part_bytes`.

    Raises:
        InvalidInput: the file has no such part.
    """
    if not 1 <= number <= part_count(upload):
        raise InvalidInput({"number": f"the file has parts 1 to {part_count(upload)}"})
    return min(upload.part_bytes, upload.size_bytes - (number - 1) * upload.part_bytes)


def arrived(house: House, upload: Upload) -> tuple[Part, ...]:
    """Answer the parts that have arrived whole, by number: what need not be sent again."""
    if upload.state is not UploadState.OPEN:
        return ()
    parts = house.store.parts(ObjectKey(upload.object_key), UploadId(upload.store_upload_id))
    whole = {number: part_size(upload, number) for number in range(1, part_count(upload) + 1)}
    return tuple(part for part in parts if whole.get(part.number) == part.size_bytes)


def find_part_address(house: House, upload: Upload, number: int) -> str | None:
    """Answer the address in the store to which this part is PUT; None: it comes through us.

    Raises:
        InvalidInput: the file has no such part.
    """
    _refuse_closed(upload)
    part_size(upload, number)
    return house.store.presign_part(
        ObjectKey(upload.object_key),
        UploadId(upload.store_upload_id),
        number,
        seconds=int(house.settings.presign_seconds.total_seconds()),
    )


def put_part(house: House, upload: Upload, number: int, chunks: Iterable[bytes]) -> Part:
    """Store one part as it comes in, wholly or not at all; nothing is held in memory.

    Raises:
        InvalidInput: the file has no such part, or other bytes came than it has.
    """
    _refuse_closed(upload)
    return house.store.put_part(
        ObjectKey(upload.object_key),
        UploadId(upload.store_upload_id),
        number,
        _exactly(chunks, part_size(upload, number)),
    )


def complete(
    house: House, upload: Upload, *, now: datetime, title: str | None = None, notes: str = ""
) -> Completed:
    """Make a recording of the parts that arrived, after a first look at it.

    A second call answers the same and changes nothing.

    `title` and `notes` are those of the new lesson, if one is made; `title` None: the one in the
    tags, else one made of the file's name, numbered when the course has it already.

    Raises:
        UploadIncomplete: not all parts have arrived; the upload stays open.
        TitleTaken: another lesson has this title; the upload stays open, complete it with another.
    """
    if upload.state is UploadState.DONE:
        return _done(house, upload)
    _refuse_closed(upload)
    if upload.lesson_id is None and title is not None:
        with house.database.reading() as session:
            _check_title(session, upload.course_id, LessonFields(title=title, notes=notes))
    arrival = _look(house, upload, _join(house, upload), title)
    if verdict_of(arrival.findings) is Verdict.REFUSE:
        abort(house, upload)
        return Completed(verdict=Verdict.REFUSE, findings=arrival.findings)
    fields = LessonFields(title=title, notes=notes) if title is not None else None
    completed = _record(house, upload, arrival, fields, now=now)
    _discard_double(house, upload, completed)
    return completed


def abort(house: House, upload: Upload) -> None:
    """Stop an upload and throw away what arrived; one that is done stays done."""
    with house.database.writing() as session:
        row = _lock(session, upload)
        if row.state is UploadState.DONE:
            return
        row.state = UploadState.ABORTED
    _discard(house, upload)


def expire(house: House, *, now: datetime) -> int:
    """Stop the uploads whose time is over; answer how many there were."""
    overdue = select(Upload).where(Upload.state == UploadState.OPEN, Upload.expires_at <= now)
    with house.database.reading() as session:
        uploads = session.scalars(overdue.order_by(Upload.id)).all()
    for upload in uploads:
        abort(house, upload)
    return len(uploads)


def _check(wanted: Wanted, max_bytes: int) -> str:
    """Answer the extension under which the file is kept."""
    ending = wanted.file_name.rpartition(".")[2].lower() if "." in wanted.file_name else ""
    kinds = (kind for kind in (AudioFormat.MP3, AudioFormat.M4A) if ending in kind.extensions)
    extension = next((kind.extension for kind in kinds), None)
    if extension is None:
        raise InvalidInput({"file_name": "must end in .mp3 or .m4a; export other audio as MP3"})
    if len(wanted.file_name) > MAX_NAME_CHARS or set(wanted.file_name) & set("/\\\0\r\n"):
        raise InvalidInput(
            {"file_name": f"must be a plain name of at most {MAX_NAME_CHARS} letters"}
        )
    if wanted.size_bytes <= 0:
        raise InvalidInput({"size_bytes": "the file is empty"})
    if wanted.size_bytes > max_bytes:
        raise UploadTooBig(wanted.size_bytes, max_bytes)
    if wanted.client_sha256 is not None and len(wanted.client_sha256) != DIGEST_BYTES:
        raise InvalidInput({"sha256": "is no SHA-256"})
    return extension


def _find_known(session: Session, wanted: Wanted) -> Known | None:
    """Answer the lesson whose newest recording has these bytes.

    What the recording is comes from our own reading of it. Only while that has not happened, the
    digest that the same account gave when it sent the file counts.
    """
    if wanted.client_sha256 is None:
        return None
    is_newer = (
        select(Recording.id)
        .where(Recording.lesson_id == Lesson.id)
        .order_by(Recording.number.desc())
        .limit(1)
        .correlate(Lesson)
        .scalar_subquery()
    )
    own = (Upload.client_sha256 == wanted.client_sha256) & (Upload.account_id == wanted.account_id)
    statement = (
        select(Lesson.id, Recording.id)
        .join(Recording, Recording.id == is_newer)
        .outerjoin(Upload, Upload.recording_id == Recording.id)
        .where(
            Lesson.course_id == wanted.course_id,
            Recording.size_bytes == wanted.size_bytes,
            (Recording.sha256 == wanted.client_sha256) | (Recording.sha256.is_(None) & own),
        )
        .order_by(Lesson.position, Lesson.id)
    )
    if wanted.lesson_id is not None:
        statement = statement.where(Lesson.id == wanted.lesson_id)
    row = session.execute(statement.limit(1)).first()
    return Known(lesson_id=row[0], recording_id=row[1]) if row else None


def _wanted(upload: Upload) -> Wanted:
    return Wanted(
        course_id=upload.course_id,
        account_id=upload.account_id,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        client_sha256=upload.client_sha256,
        lesson_id=upload.lesson_id,
    )


def _find_open(session: Session, wanted: Wanted, *, now: datetime) -> Upload | None:
    """Answer the newest open upload of the same file by the same account for the same lesson."""
    if wanted.client_sha256 is None:
        return None
    return session.scalar(
        select(Upload)
        .where(
            Upload.course_id == wanted.course_id,
            Upload.account_id == wanted.account_id,
            Upload.lesson_id.is_(None)
            if wanted.lesson_id is None
            else Upload.lesson_id == wanted.lesson_id,
            Upload.client_sha256 == wanted.client_sha256,
            Upload.size_bytes == wanted.size_bytes,
            Upload.file_name == wanted.file_name,
            Upload.state == UploadState.OPEN,
            Upload.expires_at > now,
        )
        .order_by(Upload.id.desc())
        .limit(1)
    )


def _exactly(chunks: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
    """Pass bytes on and break off when more or fewer come than announced: then nothing is kept."""
    left = size_bytes
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise InvalidInput({"body": f"has more than the {size_bytes} bytes of this part"})
        yield chunk
    if left:
        raise InvalidInput({"body": f"broke off {left} bytes before the end of this part"})


def _join(house: House, upload: Upload) -> StoredObject:
    """Make the object of its parts; when that was done before, answer it again."""
    key, store_upload_id = ObjectKey(upload.object_key), UploadId(upload.store_upload_id)
    parts = recordings.find_object(house, key) or _all_parts(house, upload)
    if isinstance(parts, StoredObject):
        return parts
    return house.store.complete_upload(key, store_upload_id, parts)


def _all_parts(house: House, upload: Upload) -> tuple[Part, ...]:
    parts = arrived(house, upload)
    missing = part_count(upload) - len(parts)
    if missing:
        raise UploadIncomplete(
            upload.object_key, f"{missing} of {part_count(upload)} parts are missing"
        )
    return parts


def _look(house: House, upload: Upload, stored: StoredObject, title: str | None) -> Arrival:
    facts = recordings.look(house, stored, upload.file_name)
    with house.database.reading() as session:
        expected = recordings.expectations(
            session, house, upload.course_id, lesson_id=upload.lesson_id, title=title
        )
    return Arrival(stored=stored, facts=facts, findings=first_findings(facts, expected))


def _record(
    house: House, upload: Upload, arrival: Arrival, fields: LessonFields | None, *, now: datetime
) -> Completed:
    """Write down the recording, and the lesson where one is made."""
    with house.database.writing() as session:
        revisions.lock_course(session, upload.course_id)
        row = _lock(session, upload)
        if row.state is UploadState.ABORTED:
            raise UploadNotFound(upload.public_id)
        if row.state is UploadState.OPEN:
            # The same file may have been sent twice at once: the second is none.
            known = _find_known(session, _wanted(row))
            row.recording_id = (
                known.recording_id
                if known
                else _add_recording(session, row, arrival, fields, now=now)
            )
            row.state = UploadState.DONE
        return _answer(session, row)


def _add_recording(
    session: Session,
    upload: Upload,
    arrival: Arrival,
    fields: LessonFields | None,
    *,
    now: datetime,
) -> int:
    lesson_id = upload.lesson_id
    if lesson_id is None:
        suggested = arrival.facts.title or title_from_name(upload.file_name)
        fields = fields or LessonFields(title=_free_title(session, upload.course_id, suggested))
        lesson_id = lessons.create(session, upload.course_id, fields, now=now).id
    return recordings.add(session, lesson_id, arrival, now=now).id


def _free_title(session: Session, course_id: int, suggested: str) -> str:
    """Answer the title, or the title and a number when another lesson has it."""
    base = suggested[: lessons.MAX_TITLE_CHARS - 5]
    title, number = base, 1
    while lessons.find_by_title(session, course_id, title) is not None:
        number += 1
        title = f"{base} ({number})"
    return title


def _check_title(session: Session, course_id: int, fields: LessonFields) -> None:
    if lessons.find_by_title(session, course_id, fields.title) is not None:
        raise TitleTaken(fields.title)


def _done(house: House, upload: Upload) -> Completed:
    with house.database.reading() as session:
        return _answer(session, upload)


def _answer(session: Session, upload: Upload) -> Completed:
    """Answer what an upload became that was completed before."""
    recording = session.get(Recording, upload.recording_id) if upload.recording_id else None
    if recording is None:
        raise UploadNotFound(upload.public_id)
    findings = recordings.findings_of(recording)
    return Completed(
        verdict=verdict_of(findings),
        findings=findings,
        lesson_id=recording.lesson_id,
        recording_id=recording.id,
    )


def _refuse_closed(upload: Upload) -> None:
    if upload.state is not UploadState.OPEN:
        raise UploadNotFound(upload.public_id)


def _lock(session: Session, upload: Upload) -> Upload:
    return session.scalars(
        select(Upload)
        .where(Upload.id == upload.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def _discard(house: House, upload: Upload) -> None:
    """Throw away what arrived: the parts, and the object when they were joined already."""
    key = ObjectKey(upload.object_key)
    house.store.abort_upload(key, UploadId(upload.store_upload_id))
    house.store.delete(key)


def _discard_double(house: House, upload: Upload, completed: Completed) -> None:
    """Delete the object when another upload of the same file became the recording."""
    with house.database.reading() as session:
        recording = session.get(Recording, completed.recording_id)
    if recording is not None and recording.object_key != upload.object_key:
        house.store.delete(ObjectKey(upload.object_key))
