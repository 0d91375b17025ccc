"""A file that has arrived in parts: joined, looked at, and written down as a recording.

The object is made first and the row second; what a crash leaves between the two is found again by
completing once more, or swept.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.models import Recording, Upload
from app.errors import TitleTaken, UploadNotFound
from app.house import House
from app.kinds import UploadState
from app.services import lessons, recordings, revisions, uploads, wanted_files
from app.services.lessons import LessonFields
from app.services.recordings import Arrival
from media.errors import UploadIncomplete
from media.findings import Finding, Verdict, verdict_of
from media.keys import ObjectKey
from media.rules import first_findings
from media.store import Part, StoredObject, UploadId
from media.titles import title_from_name


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
    uploads.refuse_closed(upload)
    if upload.lesson_id is None and title is not None:
        with house.database.reading() as session:
            _check_title(session, upload.course_id, LessonFields(title=title, notes=notes))
    arrival = _look(house, upload, _join(house, upload), title)
    if verdict_of(arrival.findings) is Verdict.REFUSE:
        uploads.abort(house, upload)
        return Completed(verdict=Verdict.REFUSE, findings=arrival.findings)
    fields = LessonFields(title=title, notes=notes) if title is not None else None
    completed = _record(house, upload, arrival, fields, now=now)
    _discard_double(house, upload, completed)
    return completed


def _join(house: House, upload: Upload) -> StoredObject:
    """Make the object of its parts; when that was done before, answer it again."""
    key, store_upload_id = ObjectKey(upload.object_key), UploadId(upload.store_upload_id)
    parts = recordings.find_object(house, key) or _all_parts(house, upload)
    if isinstance(parts, StoredObject):
        return parts
    return house.store.complete_upload(key, store_upload_id, parts)


def _all_parts(house: House, upload: Upload) -> tuple[Part, ...]:
    parts = uploads.arrived(house, upload)
    missing = uploads.part_count(upload) - len(parts)
    if missing:
        raise UploadIncomplete(
            upload.object_key, f"{missing} of {uploads.part_count(upload)} parts are missing"
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
        row = uploads.lock(session, upload)
        if row.state is UploadState.ABORTED:
            raise UploadNotFound(upload.public_id)
        if row.state is UploadState.OPEN:
            # The same file may have been sent twice at once: the second is none.
            known = wanted_files.find_known(session, wanted_files.wanted_of(row))
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


def _discard_double(house: House, upload: Upload, completed: Completed) -> None:
    """Delete the object when another upload of the same file became the recording."""
    with house.database.reading() as session:
        recording = session.get(Recording, completed.recording_id)
    if recording is not None and recording.object_key != upload.object_key:
        house.store.delete(ObjectKey(upload.object_key))
