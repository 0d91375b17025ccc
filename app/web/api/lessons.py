"""Lessons, for scripts."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response
from sqlalchemy.orm import Session

from app.db.models import Lesson, Recording
from app.services import lessons, plans, publishing, recordings
from app.services.lessons import LessonFields
from app.web.api.face import Operation, body, course, does, give, give_list, language
from app.web.current import house, now
from media.findings import Finding
from media.words import sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingFacts:
    """One thing that a check of a recording has to say, in the language of Accept-Language."""

    code: str
    severity: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFacts:
    """The newest recording of a lesson. `state`: waiting, analysing, ready or refused.

    `sha256` is null until the full analysis has read it; `duration_seconds` is what the file
    claims until then, null when it does not say.
    """

    id: int
    number: int
    state: str
    file_name: str
    size_bytes: int
    sha256: str | None
    duration_seconds: float | None
    findings: tuple[FindingFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonFacts:
    """A lesson. `version` is sent back with an edit, so that nobody overwrites another's words."""

    id: int
    position: int
    title: str
    notes: str
    state: str
    version: int
    recording: RecordingFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLesson:
    """A lesson to be made at the end of its course, in draft. `notes` is Markdown."""

    title: str
    notes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonEdit:
    """What is to change; null or left out: stays. `version` is the one that was read."""

    version: int
    title: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonOrder:
    """All lessons of the course by id, in their new order."""

    lessons: tuple[int, ...]


@does(
    Operation(
        method="GET",
        path="/courses/<slug>/lessons",
        summary="The lessons of a course, in order",
        gives=LessonFacts,
        is_list=True,
    )
)
def list_lessons(slug: str) -> Response:
    """List the lessons of a course."""
    with house().database.reading() as session:
        return _give_lessons(session, course(session, slug).id)


@does(
    Operation(
        method="POST",
        path="/courses/<slug>/lessons",
        summary="Make a lesson without a recording, in draft",
        takes=NewLesson,
        gives=LessonFacts,
        status=HTTPStatus.CREATED,
    )
)
def create_lesson(slug: str) -> Response:
    """Make a lesson."""
    wanted = body(NewLesson)
    with house().database.writing() as session:
        fields = LessonFields(title=wanted.title, notes=wanted.notes)
        lesson = lessons.create(session, course(session, slug).id, fields, now=now())
        return give(_facts(lesson, None), HTTPStatus.CREATED)


@does(
    Operation(
        method="GET",
        path="/courses/<slug>/lessons/<int:lesson_id>",
        summary="One lesson",
        gives=LessonFacts,
    )
)
def get_lesson(slug: str, lesson_id: int) -> Response:
    """Answer one lesson."""
    with house().database.reading() as session:
        lesson = lessons.get(session, course(session, slug).id, lesson_id)
        return _give(session, lesson)


@does(
    Operation(
        method="PATCH",
        path="/courses/<slug>/lessons/<int:lesson_id>",
        summary="Change title or notes of a lesson; 409 when somebody else saved first",
        takes=LessonEdit,
        gives=LessonFacts,
    )
)
def edit_lesson(slug: str, lesson_id: int) -> Response:
    """Change what people set on a lesson."""
    wanted = body(LessonEdit)
    with house().database.writing() as session:
        lesson = lessons.get(session, course(session, slug).id, lesson_id)
        fields = LessonFields(
            title=lesson.title if wanted.title is None else wanted.title,
            notes=lesson.notes if wanted.notes is None else wanted.notes,
            release_at=plans.new_date(session, lesson),
        )
        lessons.edit(session, lesson, fields, version=wanted.version, now=now())
        return _give(session, lesson)


@does(
    Operation(
        method="POST",
        path="/courses/<slug>/lessons/<int:lesson_id>/publish",
        summary="Let listeners have a lesson when it is its turn; its recording must be ready."
        " With many listeners the change may wait: see plan",
        gives=LessonFacts,
    )
)
def publish_lesson(slug: str, lesson_id: int) -> Response:
    """Publish a lesson; once more changes nothing."""
    with house().database.writing() as session:
        lesson = lessons.get(session, course(session, slug).id, lesson_id)
        publishing.publish(session, lesson, now=now())
        return _give(session, lesson)


@does(
    Operation(
        method="PUT",
        path="/courses/<slug>/order",
        summary="Put all lessons of a course in order. With many listeners the change may wait:"
        " see plan",
        takes=LessonOrder,
        gives=LessonFacts,
        is_list=True,
    )
)
def order_lessons(slug: str) -> Response:
    """Put the lessons of a course in order."""
    wanted = body(LessonOrder)
    with house().database.writing() as session:
        course_id = course(session, slug).id
        publishing.put_in_order(session, course_id, wanted.lessons, now=now())
        session.expire_all()
        return _give_lessons(session, course_id)


def facts_of_findings(findings: tuple[Finding, ...]) -> tuple[FindingFacts, ...]:
    """Answer findings in words."""
    return tuple(
        FindingFacts(
            code=finding.code,
            severity=finding.severity.value,
            message=sentence(finding, language()),
        )
        for finding in findings
    )


def _give(session: Session, lesson: Lesson) -> Response:
    return give(_facts(lesson, lessons.newest_recording(session, lesson.id)))


def _give_lessons(session: Session, course_id: int) -> Response:
    newest = recordings.newest_of_course(session, course_id)
    found = lessons.of_course(session, course_id)
    return give_list([_facts(lesson, newest.get(lesson.id)) for lesson in found])


def _facts(lesson: Lesson, recording: Recording | None) -> LessonFacts:
    return LessonFacts(
        id=lesson.id,
        position=lesson.position,
        title=lesson.title,
        notes=lesson.notes,
        state=lesson.state.value,
        version=lesson.version,
        recording=_recording_facts(recording) if recording else None,
    )


def _recording_facts(recording: Recording) -> RecordingFacts:
    return RecordingFacts(
        id=recording.id,
        number=recording.number,
        state=recording.state.value,
        file_name=recording.file_name,
        size_bytes=recording.size_bytes,
        sha256=recording.sha256.hex() if recording.sha256 else None,
        duration_seconds=None if recording.duration_ms is None else recording.duration_ms / 1000,
        findings=facts_of_findings(recordings.findings_of(recording)),
    )
