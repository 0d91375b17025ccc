"""Files as their senders name them, and whether the course or an open upload has them already."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Lesson, Recording, Upload
from app.kinds import UploadState


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


def find_known(session: Session, wanted: Wanted) -> Known | None:
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


def find_open(session: Session, wanted: Wanted, *, now: datetime) -> Upload | None:
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


def wanted_of(upload: Upload) -> Wanted:
    """Answer what an upload was begun for."""
    return Wanted(
        course_id=upload.course_id,
        account_id=upload.account_id,
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        client_sha256=upload.client_sha256,
        lesson_id=upload.lesson_id,
    )
