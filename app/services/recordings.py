"""Recordings: a first look when they arrive, then read and heard once from beginning to end."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from app.db import queue
from app.db.models import Course, Lesson, Recording, Upload
from app.errors import RecordingNotFound
from app.house import House
from app.kinds import LessonState, RecordingState
from app.services import revisions
from app.services.hearing import Heard, hear
from media.audio import AudioFacts, AudioFormat, DecodeFacts
from media.errors import ObjectNotFound
from media.findings import Code, Finding, Severity, finding_from_json
from media.keys import ObjectKey
from media.limits import MOST_TAG_BYTES, DecodeLimits
from media.probe import probe
from media.receive import receive
from media.rules import Expectations
from media.store import RangedFile, StoredObject

# The work that recordings wait for; a new one wakes it.
ANALYSIS: Final = "analysis"
# Renewed while a worker listens; one that died is noticed this much later.
LEASE: Final = timedelta(minutes=2)
# A recording whose analysis took its worker down this often is refused.
MOST_ATTEMPTS: Final = 3
# How long an analysis waits that could not be done for want of the store, of ffmpeg or of room.
REST: Final = timedelta(minutes=1)
# A first look: tags, and as much again as headers at both ends can be.
LOOK_BYTES: Final = MOST_TAG_BYTES + 4 * 2**20
LOOK_BLOCK_BYTES: Final = 16 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A file that lies in the store, with what a first look told of it."""

    stored: StoredObject
    facts: AudioFacts
    findings: tuple[Finding, ...] = ()


def look(house: House, stored: StoredObject, file_name: str) -> AudioFacts:
    """Answer what headers and tags tell of an object; reads a few kilobytes of it, tags aside."""
    with RangedFile(
        house.store, stored.key, block_bytes=LOOK_BLOCK_BYTES, limit_bytes=LOOK_BYTES
    ) as file:
        # RawIOBase reads whole what it is asked for, so that it does for a BinaryIO
        return probe(cast("Any", file), file_name, stored.size_bytes)


def find_object(house: House, key: ObjectKey) -> StoredObject | None:
    """Answer the object under a key; None: there is none."""
    try:
        return house.store.stat(key)
    except ObjectNotFound:
        return None


def expectations(
    session: Session,
    house: House,
    course_id: int,
    *,
    lesson_id: int | None = None,
    title: str | None = None,
) -> Expectations:
    """Answer what a course expects of a recording for one of its lessons, or for a new one."""
    course = session.get_one(Course, course_id)
    others = select(Lesson.title).where(Lesson.course_id == course_id)
    if lesson_id is not None:
        others = others.where(Lesson.id != lesson_id)
        title = session.get_one(Lesson, lesson_id).title
    return Expectations(
        target=timedelta(milliseconds=course.target_ms),
        tolerance=timedelta(milliseconds=course.tolerance_ms),
        existing_titles=frozenset(session.scalars(others)),
        title=title,
        max_bytes=house.settings.max_upload,
    )


def add(session: Session, lesson_id: int, arrival: Arrival, *, now: datetime) -> Recording:
    """Write down the next recording of a lesson, whose object is in the store; its analysis waits.

    The caller holds the lock of the course, so that no two get the same number.
    """
    stored, facts = arrival.stored, arrival.facts
    last = session.scalar(
        select(func.max(Recording.number)).where(Recording.lesson_id == lesson_id)
    )
    recording = Recording(
        lesson_id=lesson_id,
        number=(last or 0) + 1,
        object_key=stored.key,
        file_name=facts.file_name,
        extension=stored.key.rpartition(".")[2],
        content_type=stored.content_type,
        size_bytes=stored.size_bytes,
        etag=stored.etag,
        duration_ms=_claimed_ms(facts),
        state=RecordingState.WAITING,
        findings=[finding.as_json() for finding in arrival.findings],
        facts=_plain(facts, None),
        created_at=now,
    )
    session.add(recording)
    session.flush()
    queue.defer(session, ANALYSIS, key=ANALYSIS)
    return recording


def get(session: Session, recording_id: int) -> Recording:
    """Answer a recording.

    Raises:
        RecordingNotFound: there is none by that id.
    """
    recording = session.get(Recording, recording_id)
    if recording is None:
        raise RecordingNotFound(recording_id)
    return recording


def newest_of_course(session: Session, course_id: int) -> dict[int, Recording]:
    """Answer the newest recording of each lesson of a course that has one, by the lesson's id."""
    found = session.scalars(
        select(Recording)
        .join(Lesson, Lesson.id == Recording.lesson_id)
        .where(Lesson.course_id == course_id)
        .order_by(Recording.lesson_id, Recording.number)
    )
    return {recording.lesson_id: recording for recording in found}


def findings_of(recording: Recording) -> tuple[Finding, ...]:
    """Answer what was found about a recording so far; `media.words` says it in words."""
    return tuple(
        finding_from_json(cast("Mapping[str, object]", kept)) for kept in recording.findings
    )


def claim(session: Session, *, now: datetime) -> int | None:
    """Take the recording that waits longest for its analysis, for `LEASE`; None: none waits.

    One whose worker died is found again when its lease is over, and refused when that happened
    `MOST_ATTEMPTS` times.
    """
    is_free = or_(Recording.leased_until.is_(None), Recording.leased_until <= now)
    waiting = Recording.state.in_((RecordingState.WAITING, RecordingState.ANALYSING))
    recording = session.scalar(
        select(Recording)
        .where(waiting, is_free)
        .order_by(Recording.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if recording is None:
        return None
    recording.state = RecordingState.ANALYSING
    recording.leased_until = now + LEASE
    recording.attempts += 1
    session.flush()
    return recording.id


def renew(session: Session, recording_id: int, *, now: datetime) -> None:
    """Keep a claim for another `LEASE`."""
    session.execute(
        update(Recording)
        .where(Recording.id == recording_id, Recording.state == RecordingState.ANALYSING)
        .values(leased_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def release(session: Session, recording_id: int, *, now: datetime) -> None:
    """Give a claim back that could not be carried out through no fault of the recording."""
    session.execute(
        update(Recording)
        .where(Recording.id == recording_id, Recording.state == RecordingState.ANALYSING)
        .values(
            state=RecordingState.WAITING,
            leased_until=now + REST,
            attempts=Recording.attempts - 1,
        )
        .execution_options(synchronize_session=False)
    )


def analyse(house: House, recording_id: int) -> Recording:
    """Read a recording once, hear it to the end, and write down what was found: fit, or refused.

    At once and without a worker; a recording that was analysed before is analysed again.

    Raises:
        RecordingNotFound: there is none by that id, or its object is gone.
        StoreError: the store does not answer.
        FfmpegUnusable: there is no ffmpeg.
        OSError: there is no room for the temporary copy.
    """
    with house.database.reading() as session:
        recording = get(session, recording_id)
        lesson = session.get_one(Lesson, recording.lesson_id)
        expected = expectations(session, house, lesson.course_id, lesson_id=lesson.id)
    heard = (
        _give_up(recording)
        if recording.attempts > MOST_ATTEMPTS
        else _hear(house, recording, expected)
    )
    with house.database.writing() as session:
        return _finish(session, recording_id, heard, now=house.clock())


def _hear(house: House, recording: Recording, expected: Expectations) -> Heard:
    """Take the object into a temporary file that it cannot outgrow, and hear that."""
    key = ObjectKey(recording.object_key)
    with (
        tempfile.TemporaryDirectory(prefix="cadans-analysis-") as folder,
        house.store.open(key) as chunks,
    ):
        received = receive(chunks, Path(folder), recording.size_bytes)
        return hear(received, recording.file_name, expected, DecodeLimits())


def _give_up(recording: Recording) -> Heard:
    """What is said of a recording that takes every worker down which hears it."""
    facts = AudioFacts(
        file_name=recording.file_name,
        size_bytes=recording.size_bytes,
        format=AudioFormat.UNKNOWN,
    )
    stopped = Finding(code=Code.CHECK_STOPPED, severity=Severity.REFUSE)
    return Heard(sha256=b"", facts=facts, decoded=None, findings=(stopped,))


def _finish(session: Session, recording_id: int, heard: Heard, *, now: datetime) -> Recording:
    """Write down what was found; a fit recording becomes the one that feeds show."""
    course_id = session.scalar(
        select(Lesson.course_id)
        .join(Recording, Recording.lesson_id == Lesson.id)
        .where(Recording.id == recording_id)
    )
    if course_id is None:
        raise RecordingNotFound(recording_id)
    revisions.lock_course(session, course_id)
    recording = session.get(Recording, recording_id, with_for_update=True, populate_existing=True)
    if recording is None:
        raise RecordingNotFound(recording_id)
    heard = _compare_digest(session, recording, heard)
    recording.state = RecordingState.REFUSED if heard.is_refused else RecordingState.READY
    recording.sha256 = heard.sha256 or None
    recording.duration_ms = heard.duration_ms
    recording.findings = [finding.as_json() for finding in heard.findings]
    recording.facts = _plain(heard.facts, heard.decoded)
    recording.analysed_at, recording.leased_until = now, None
    session.flush()
    if recording.state is RecordingState.READY:
        _show(session, recording, course_id, now=now)
    return recording


def _compare_digest(session: Session, recording: Recording, heard: Heard) -> Heard:
    """Refuse a recording that is not what its sender said it would be: it was hurt on its way."""
    claimed = session.scalar(
        select(Upload.client_sha256).where(
            Upload.recording_id == recording.id, Upload.object_key == recording.object_key
        )
    )
    if claimed is None or not heard.sha256 or claimed == heard.sha256:
        return heard
    hurt = Finding(code=Code.CHANGED_ON_THE_WAY, severity=Severity.REFUSE)
    return replace(heard, findings=(hurt,))


def _show(session: Session, recording: Recording, course_id: int, *, now: datetime) -> None:
    """Make it the recording of its lesson, unless a newer one is; feeds that have it show it."""
    lesson = session.get_one(Lesson, recording.lesson_id)
    shown = session.get(Recording, lesson.recording_id) if lesson.recording_id else None
    if shown is not None and shown.number > recording.number:
        return
    # Not through the object: its version counts what people typed.
    session.execute(
        update(Lesson)
        .where(Lesson.id == lesson.id)
        .values(recording_id=recording.id)
        .execution_options(synchronize_session="fetch")
    )
    if lesson.state is not LessonState.DRAFT:
        revisions.note_shown(session, course_id, now=now)


def _claimed_ms(facts: AudioFacts) -> int | None:
    if facts.duration is None or facts.is_duration_estimated:
        return None
    return round(facts.duration / timedelta(milliseconds=1))


def _plain(facts: AudioFacts, decoded: DecodeFacts | None) -> dict[str, Any]:
    """What was measured, for people who ask."""
    found: dict[str, Any] = {
        "format": facts.format.value,
        "bitrate_bps": facts.bitrate_bps,
        "sample_rate_hz": facts.sample_rate_hz,
        "channels": facts.channels,
        "title": facts.title,
    }
    if decoded is not None:
        found |= {"loudness_lufs": decoded.loudness_lufs, "peak_db": decoded.peak_db}
    return {name: value for name, value in found.items() if value is not None}
