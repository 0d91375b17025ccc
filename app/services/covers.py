"""Covers: judged, stored, set on a course."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from app.db.models import Course
from app.errors import CoverRefused
from app.services import revisions
from media.artwork import CoverFacts, judge_cover
from media.findings import Finding, Verdict, verdict_of
from media.keys import ObjectKey, new_object_key
from media.limits import MOST_COVER_BYTES
from media.store import ObjectStore, StoredObject

# What a page may send at most; more is refused before it is read.
MAX_BYTES: Final = MOST_COVER_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCover:
    """A picture that may be a cover, judged and in the store, but no course's yet."""

    stored: StoredObject
    findings: tuple[Finding, ...]


def store_cover(
    store: ObjectStore, course_id: int, *, content: bytes, file_name: str
) -> StoredCover:
    """Judge a picture and put it into the store; outside any transaction: object first, row second.

    Raises:
        CoverRefused: it cannot be a cover; nothing was stored.
        StoreError: the store does not take it.
    """
    facts, findings = judge_cover(content, file_name)
    if verdict_of(findings) is Verdict.REFUSE:
        raise CoverRefused(findings)
    key = new_object_key(course_id, facts.extension)
    return StoredCover(stored=store.put(key, [content], facts.media_type), findings=findings)


def set_cover(
    session: Session, course_id: int, cover: StoredCover, *, now: datetime
) -> ObjectKey | None:
    """Make a stored picture the course's cover, under a new address.

    Answers the key of the one before, to be deleted after the commit; None: there was none.
    """
    course = revisions.lock_course(session, course_id)
    former = ObjectKey(course.cover_key) if course.cover_key else None
    revisions.set_on_course(
        session,
        course_id,
        cover_key=cover.stored.key,
        cover_number=(course.cover_number or 0) + 1,
        cover_type=cover.stored.content_type,
        cover_size_bytes=cover.stored.size_bytes,
    )
    revisions.note_shown(session, course_id, now=now)
    return former


def judge_kept(store: ObjectStore, course: Course) -> tuple[CoverFacts, tuple[Finding, ...]] | None:
    """Judge the cover that a course has, to show its findings again; None: it has none."""
    if course.cover_key is None:
        return None
    with store.open(ObjectKey(course.cover_key)) as chunks:
        content = b"".join(chunks)
    return judge_cover(content, course.cover_key)
