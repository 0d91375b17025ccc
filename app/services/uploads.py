"""Files on their way into the store, in parts, resumable; at the end a recording of a lesson.

begin → parts, in any order, any of them again → complete (`arrivals`) or abort. These functions
open their own transactions, because the store is asked between them: what a store takes its time
for must not hold up everybody who writes.
"""

import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Upload
from app.errors import InvalidInput, UploadNotFound, UploadTooBig
from app.house import House
from app.kinds import UploadState
from app.services import lessons
from app.services.wanted_files import Known, Wanted, find_known, find_open
from media.audio import AudioFormat
from media.keys import ObjectKey, new_object_key
from media.store import MAX_PARTS, Part, UploadId

# Small enough to send again after a bad connection, large enough for S3's least part (5 MiB).
PART_BYTES: Final = 8 * 2**20
# How long a file may be on its way; store and sweeper forget it afterwards.
LIFETIME: Final = timedelta(days=7)
MAX_NAME_CHARS: Final = 255
DIGEST_BYTES: Final = 32


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
        found = find_known(session, wanted) or find_open(session, wanted, now=now)
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
    refuse_closed(upload)
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
    refuse_closed(upload)
    return house.store.put_part(
        ObjectKey(upload.object_key),
        UploadId(upload.store_upload_id),
        number,
        _exactly(chunks, part_size(upload, number)),
    )


def abort(house: House, upload: Upload) -> None:
    """Stop an upload and throw away what arrived; one that is done stays done."""
    with house.database.writing() as session:
        row = lock(session, upload)
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


def refuse_closed(upload: Upload) -> None:
    """Raise UploadNotFound unless parts may still arrive."""
    if upload.state is not UploadState.OPEN:
        raise UploadNotFound(upload.public_id)


def lock(session: Session, upload: Upload) -> Upload:
    """Answer the row as it stands, held until the transaction ends."""
    return session.scalars(
        select(Upload)
        .where(Upload.id == upload.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


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


def _discard(house: House, upload: Upload) -> None:
    """Throw away what arrived: the parts, and the object when they were joined already."""
    key = ObjectKey(upload.object_key)
    house.store.abort_upload(key, UploadId(upload.store_upload_id))
    house.store.delete(key)
