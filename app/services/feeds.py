"""A course as feeds need it: its rows made into values, and its RSS compiled once per revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Course, Lesson, Recording, SpokenTurn
from app.db.session import Database
from app.errors import CourseNotFound
from app.kinds import LessonState, RecordingState
from app.services import spoken
from app.services.stories import render_notes, render_plain
from app.services.unlocks import course_rhythm, planned_lesson
from app.spoken import CONTENT_TYPE, EXTENSION, SpokenFile, all_shipped, own_id, shipped_id, shown
from app.words import catalogue
from feeds.categories import parse_category
from feeds.limits import MAX_DESCRIPTION_BYTES
from feeds.messages import MessageTexts, SpokenMessage, TurnKind, message_items
from feeds.model import Enclosure, Feed, Item, Transcript
from feeds.notes import fit_notes, fit_text
from feeds.rhythm import PlannedLesson, Rhythm
from feeds.template import TOKEN_PLACEHOLDER, CompiledCourse, CourseTemplate, compile_course
from feeds.words import update_frequency
from media.keys import ObjectKey

COVER_EXTENSIONS: Final = {"image/jpeg": "jpg", "image/png": "png"}
VTT_TYPE: Final = "text/vtt"
CHAPTERS_TYPE: Final = "application/json+chapters"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRecording:
    """A recording as it goes out: what a HEAD must say of it, and where its bytes lie."""

    number: int
    object_key: ObjectKey
    extension: str
    content_type: str
    size_bytes: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedLesson:
    """A lesson as its addresses see it. `number` is its place as listeners count; None: none.

    `recordings`: every one that may be heard, by its number, replaced ones too.
    """

    id: int
    number: int | None
    is_removed: bool
    has_transcript: bool
    has_chapters: bool
    recordings: Mapping[int, ServedRecording]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedSpoken:
    """What addresses of one kind of turn give: an owner's recordings, or those that ship.

    By number, replaced ones too: an address gives for ever what it once gave.
    """

    kind: TurnKind
    own: Mapping[int, ServedRecording] = field(default_factory=dict)
    shipped: Mapping[int, SpokenFile] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedCourse:
    """One revision of a course, ready to answer polls. `expected`: ids of all lessons to come.

    `spoken`: by the id that stands in the addresses, what is said at turns.
    """

    id: int
    revision: int
    plan_revision: int
    title: str
    language: str
    zone: str
    rhythm: Rhythm
    revised_at: datetime
    finished_at: datetime | None
    planned: tuple[PlannedLesson, ...]
    expected: frozenset[int]
    lessons: Mapping[str, ServedLesson]
    spoken: Mapping[str, ServedSpoken]
    template: CourseTemplate
    compiled: CompiledCourse


class ServedCourses:
    """The courses that this process serves, each compiled at most once per revision."""

    def __init__(self, database: Database, base_url: str) -> None:
        self._database = database
        self._base_url = base_url
        self._by_id: dict[int, ServedCourse] = {}

    def get(self, course_id: int, revision: int, plan_revision: int) -> ServedCourse:
        """Answer the course, at this revision or a later one.

        Two threads that miss at once both compile: that costs milliseconds, a lock every poll.

        Raises:
            CourseNotFound: it is gone.
            ImpossibleValue: what stands in its rows makes no feed.
        """
        known = self._by_id.get(course_id)
        if (
            known is not None
            and known.revision == revision
            and known.plan_revision == plan_revision
        ):
            return known
        with self._database.reading() as session:
            served = load_served(session, course_id, self._base_url)
        self._by_id[course_id] = served
        return served

    def find_known(self, course_id: int) -> ServedCourse | None:
        """Answer the course as this process last read it; None: it never did. Asks no database."""
        return self._by_id.get(course_id)


def load_served(session: Session, course_id: int, base_url: str) -> ServedCourse:
    """Read and compile a course.

    Raises:
        CourseNotFound: it is gone.
        ImpossibleValue: what stands in its rows makes no feed.
    """
    course = session.get(Course, course_id)
    if course is None:
        raise CourseNotFound(course_id)
    rows = _load_lessons(session, course_id)
    recordings = _load_recordings(session, course_id)
    numbers = lesson_numbers(rows)
    own = spoken.own_of(session, course_id)
    template = CourseTemplate(
        channel=_channel(course, base_url),
        lessons={row.id: _Page(course, row, recordings, numbers, base_url).item() for row in rows},
        messages=_messages(course, rows, own, base_url),
    )
    return ServedCourse(
        id=course.id,
        revision=course.revision,
        plan_revision=course.plan_revision,
        title=course.title,
        language=course.language,
        zone=course.zone,
        rhythm=course_rhythm(course),
        revised_at=course.revised_at,
        finished_at=course.finished_at,
        planned=tuple(planned_lesson(row) for row in rows),
        expected=frozenset(numbers),
        lessons={row.public_id: _served(row, recordings, numbers) for row in rows},
        spoken=_spoken(own),
        template=template,
        compiled=compile_course(template),
    )


def lesson_numbers(lessons: list[Lesson]) -> dict[int, int]:
    """Answer the number of each published lesson as listeners count, by lesson id."""
    published = [each.id for each in lessons if each.state is LessonState.PUBLISHED]
    return {lesson_id: number for number, lesson_id in enumerate(published, start=1)}


def audio_path(public_id: str, number: int, extension: str, token: str = TOKEN_PLACEHOLDER) -> str:
    """Answer the path of a lesson's audio; `vtt` and `json` are its transcript and chapters."""
    return f"/a/{token}/{public_id}-{number}.{extension}"


def cover_url(course: Course, base_url: str) -> str:
    """Answer where a course's cover is seen; the house's own while it has none."""
    if course.cover_key is None:
        return f"{base_url}/static/cover.png"
    extension = COVER_EXTENSIONS.get(course.cover_type or "", "jpg")
    return f"{base_url}/{course.slug}/cover-{course.cover_number}.{extension}"


def my_page_url(base_url: str) -> str:
    """Answer the page that show notes point to: the same for everybody, it mails a sign-in link."""
    return f"{base_url}/my/"


def _load_lessons(session: Session, course_id: int) -> list[Lesson]:
    """Answer the lessons that were ever published, in order."""
    query = (
        select(Lesson)
        .where(Lesson.course_id == course_id, Lesson.published_at.is_not(None))
        .order_by(Lesson.position, Lesson.id)
    )
    return list(session.scalars(query))


def _load_recordings(session: Session, course_id: int) -> dict[int, list[Recording]]:
    found: dict[int, list[Recording]] = {}
    query = (
        select(Recording)
        .join(Lesson, Lesson.id == Recording.lesson_id)
        .where(Lesson.course_id == course_id, Recording.state == RecordingState.READY)
    )
    for row in session.scalars(query):
        found.setdefault(row.lesson_id, []).append(row)
    return found


def _channel(course: Course, base_url: str) -> Feed:
    description = course.summary or render_plain(course.story) or course.title
    return Feed(
        self_url=f"{base_url}/f/{TOKEN_PLACEHOLDER}.xml",
        link=f"{base_url}/{course.slug}",
        title=course.title,
        description=fit_text(description),
        language=course.language,
        author=course.author or course.title,
        image_url=cover_url(course, base_url),
        podcast_guid=UUID(int=0),
        is_private=True,
        last_build_at=course.revised_at,
        category=parse_category(course.category),
        is_explicit=course.is_explicit,
        update_frequency=update_frequency(course_rhythm(course), course.language),
    )


def _messages(
    course: Course, lessons: list[Lesson], own: list[SpokenTurn], base_url: str
) -> Mapping[TurnKind, Item]:
    """Answer what feeds of the course may say of themselves."""
    in_use = spoken.in_use(own)
    said = {
        kind: _said_by(in_use[kind], base_url)
        if kind in in_use
        else _said_by_us(shown(kind, course.language), base_url)
        for kind in TurnKind
    }
    texts = MessageTexts(
        language=course.language,
        my_page_url=my_page_url(base_url),
        is_explicit=course.is_explicit,
        next_step=_next_step(course),
    )
    titles = [lesson.title for lesson in lessons]
    return message_items(texts, said, taken_titles=titles, pub_at=course.revised_at)


def _next_step(course: Course) -> tuple[str, str] | None:
    """Answer where who has everything goes next, and what that is called; None: nowhere."""
    if course.next_url is None or course.next_title is None:
        return None
    return course.next_url, course.next_title


def _said_by_us(file: SpokenFile, base_url: str) -> SpokenMessage:
    path = audio_path(shipped_id(file.kind, file.language), file.number, EXTENSION)
    return SpokenMessage(
        enclosure=Enclosure(url=base_url + path, length=file.size_bytes, type=CONTENT_TYPE),
        duration_seconds=round(file.duration_ms / 1000),
    )


def _said_by(turn: SpokenTurn, base_url: str) -> SpokenMessage:
    path = audio_path(own_id(turn.kind), turn.number, turn.extension)
    return SpokenMessage(
        enclosure=Enclosure(url=base_url + path, length=turn.size_bytes, type=turn.content_type),
        duration_seconds=round(turn.duration_ms / 1000),
    )


def _spoken(own: list[SpokenTurn]) -> dict[str, ServedSpoken]:
    """Answer what can be heard at turns, by the id in its address."""
    found: dict[str, ServedSpoken] = {}
    for file in all_shipped():
        name = shipped_id(file.kind, file.language)
        earlier = found[name].shipped if name in found else {}
        found[name] = ServedSpoken(kind=file.kind, shipped={**earlier, file.number: file})
    for kind in TurnKind:
        recordings = {each.number: _recorded(each) for each in own if each.kind is kind}
        found[own_id(kind)] = ServedSpoken(kind=kind, own=recordings)
    return found


def _recorded(row: Recording | SpokenTurn) -> ServedRecording:
    return ServedRecording(
        number=row.number,
        object_key=ObjectKey(row.object_key),
        extension=row.extension,
        content_type=row.content_type,
        size_bytes=row.size_bytes,
        etag=row.etag,
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """One lesson on its way to becoming an item."""

    course: Course
    lesson: Lesson
    recordings: Mapping[int, list[Recording]]
    numbers: Mapping[int, int]
    base_url: str

    def item(self) -> Item:
        if self.lesson.state is LessonState.REMOVED:
            return self._removed()
        recording = self._current()
        return Item(
            guid=str(self.lesson.guid),
            title=self.lesson.title,
            description=self._description(),
            pub_at=self.course.revised_at,
            link=f"{self.base_url}/{self.course.slug}",
            enclosure=self._enclosure(recording),
            duration_seconds=_seconds(recording),
            episode=self.numbers.get(self.lesson.id),
            is_explicit=self.course.is_explicit,
            transcripts=self._transcripts(recording),
            chapters_url=self._url(recording, "json") if self.lesson.chapters else None,
        )

    def _removed(self) -> Item:
        """The item stays where apps have it; what it said does not."""
        gone = catalogue(self.course.language).gettext("This lesson was taken down.")
        return Item(
            guid=str(self.lesson.guid),
            title=self.lesson.title,
            description=f"<p>{gone}</p>",
            pub_at=self.course.revised_at,
        )

    def _current(self) -> Recording | None:
        for recording in self.recordings.get(self.lesson.id, ()):
            if recording.id == self.lesson.recording_id:
                return recording
        return None

    def _description(self) -> str:
        page = my_page_url(self.base_url)
        label = catalogue(self.course.language).gettext("Pause, pace and help: my courses")
        footer = f'<p><a href="{page}">{label}</a></p>'
        room = MAX_DESCRIPTION_BYTES - len(footer.encode())
        return fit_notes(render_notes(self.lesson.notes), room) + footer

    def _enclosure(self, recording: Recording | None) -> Enclosure | None:
        if recording is None:
            return None
        return Enclosure(
            url=self._url(recording, recording.extension) or "",
            length=recording.size_bytes,
            type=recording.content_type,
        )

    def _transcripts(self, recording: Recording | None) -> tuple[Transcript, ...]:
        url = self._url(recording, "vtt") if self.lesson.transcript else None
        return (Transcript(url=url, type=VTT_TYPE),) if url else ()

    def _url(self, recording: Recording | None, extension: str) -> str | None:
        if recording is None:
            return None
        return self.base_url + audio_path(self.lesson.public_id, recording.number, extension)


def _seconds(recording: Recording | None) -> int | None:
    if recording is None or recording.duration_ms is None:
        return None
    return round(recording.duration_ms / 1000)


def _served(
    lesson: Lesson, recordings: Mapping[int, list[Recording]], numbers: Mapping[int, int]
) -> ServedLesson:
    return ServedLesson(
        id=lesson.id,
        number=numbers.get(lesson.id),
        is_removed=lesson.state is LessonState.REMOVED,
        has_transcript=bool(lesson.transcript),
        has_chapters=bool(lesson.chapters),
        recordings={each.number: _recorded(each) for each in recordings.get(lesson.id, ())},
    )
