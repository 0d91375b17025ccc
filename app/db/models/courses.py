"""Courses, their lessons, and the audio of those."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import (
    Base,
    RowId,
    instant,
    long_text,
    milliseconds,
    one_of,
    pk,
    short_text,
    size_bytes,
)
from app.kinds import (
    CourseState,
    LeakAnswer,
    LessonState,
    RecordingState,
    UploadState,
    Visibility,
)
from feeds.rhythm import RhythmKind


class Course(Base):
    """A series of lessons with one rhythm."""

    __tablename__ = "courses"
    __table_args__ = (
        CheckConstraint("rhythm_every_days BETWEEN 1 AND 365", name="every_days_in_a_year"),
        CheckConstraint("rhythm_weekday BETWEEN 0 AND 6", name="weekday_from_monday"),
        CheckConstraint("rhythm_hour BETWEEN 0 AND 23", name="hour_of_day"),
        CheckConstraint("mail_hour BETWEEN 0 AND 20", name="mail_hour_of_day"),
    )

    id: Mapped[pk]
    slug: Mapped[short_text] = mapped_column(unique=True)
    title: Mapped[short_text]
    author: Mapped[short_text]
    language: Mapped[str] = mapped_column(String(8))
    # One line for lists and for the feed; null: the start of the story.
    summary: Mapped[str | None] = mapped_column(String(1000))
    # Markdown.
    story: Mapped[long_text] = mapped_column(default="")
    # A name of Apple's list, "Education > Courses".
    category: Mapped[short_text] = mapped_column(default="Education > Courses")
    is_explicit: Mapped[bool] = mapped_column(default=False)
    visibility: Mapped[Visibility] = mapped_column(one_of(Visibility), default=Visibility.PRIVATE)
    state: Mapped[CourseState] = mapped_column(one_of(CourseState), default=CourseState.DRAFT)
    # Public courses: the slug at opening, for ever. Null before that and for private courses.
    feed_name: Mapped[str | None] = mapped_column(String(255), unique=True)
    zone: Mapped[str] = mapped_column(String(64), default="Europe/Amsterdam")

    rhythm_kind: Mapped[RhythmKind] = mapped_column(one_of(RhythmKind), default=RhythmKind.WEEKLY)
    # Only for every_days.
    rhythm_every_days: Mapped[int | None]
    # Only for weekday: Monday is 0, the hour is local.
    rhythm_weekday: Mapped[int | None]
    rhythm_hour: Mapped[int | None]

    # Whether a listener may have her next lesson now; at most once a day.
    may_hurry: Mapped[bool] = mapped_column(default=False, server_default=false())

    # How long a lesson should be; outside the tolerance is a warning.
    target_ms: Mapped[milliseconds] = mapped_column(default=15 * 60_000)
    tolerance_ms: Mapped[milliseconds] = mapped_column(default=5 * 60_000)

    # The cover in the store; all null until there is one. Its number is in its address.
    cover_key: Mapped[str | None] = mapped_column(String(255), unique=True)
    cover_number: Mapped[int | None]
    cover_type: Mapped[str | None] = mapped_column(String(64))
    cover_size_bytes: Mapped[int | None] = mapped_column(BigInteger)

    # News waits until this hour on the listener's clock, and comes until nine in the evening;
    # null: at any hour.
    mail_hour: Mapped[int | None] = mapped_column(default=8, server_default="8")
    # Where to go when the course is complete; both null: nowhere.
    next_title: Mapped[str | None] = mapped_column(String(255))
    next_url: Mapped[str | None] = mapped_column(String(1000))
    # Grows with every save of the page about its mails.
    mails_version: Mapped[int] = mapped_column(default=1, server_default="1")

    # How far the house may go by itself when an address seems to have leaked.
    leak_answer: Mapped[LeakAnswer] = mapped_column(
        one_of(LeakAnswer), default=LeakAnswer.SHOW, server_default=LeakAnswer.SHOW.value
    )

    created_at: Mapped[instant]
    # Null: not yet opened.
    opened_at: Mapped[datetime | None]
    # Null: more lessons may come. Set: complete once all are unlocked.
    finished_at: Mapped[datetime | None]
    # Grows with every change that a feed shows, so that ETags change exactly then.
    revision: Mapped[int] = mapped_column(default=1)
    # The instant of that change: lastBuildDate.
    revised_at: Mapped[instant]
    # Grows when rhythm, order or publication change what unlocks when.
    plan_revision: Mapped[int] = mapped_column(default=1)
    version: Mapped[int] = mapped_column()

    lessons: Mapped[list["Lesson"]] = relationship(
        lazy="raise_on_sql", order_by="(Lesson.position, Lesson.id)", viewonly=True
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy reads it off the class)


class OwnerLine(Base):
    """What the owner of a course adds, in her own words, to one kind of mail."""

    __tablename__ = "owner_lines"

    course_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True
    )
    template: Mapped[str] = mapped_column(String(64), primary_key=True)
    line: Mapped[str] = mapped_column(String(500))


class FormerSlug(Base):
    """A slug that a course once had: its pages answer 301, and nobody else may take it."""

    __tablename__ = "former_slugs"

    slug: Mapped[str] = mapped_column(String(255), primary_key=True)
    course_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("courses.id", ondelete="CASCADE"), index=True
    )
    retired_at: Mapped[instant]


class Lesson(Base):
    """One item of a course."""

    __tablename__ = "lessons"
    __table_args__ = (
        # AntennaPod drops an item with the same title, day and a similar length.
        UniqueConstraint("course_id", "title_key", name="uq_lessons_title"),
        Index(None, "course_id", "position"),
    )

    id: Mapped[pk]
    course_id: Mapped[int] = mapped_column(RowId, ForeignKey("courses.id", ondelete="CASCADE"))
    # The opaque eight characters in its audio's address.
    public_id: Mapped[str] = mapped_column(String(8), unique=True)
    guid: Mapped[uuid.UUID] = mapped_column(unique=True)
    position: Mapped[int]
    title: Mapped[short_text]
    # The title casefolded: what must be unique.
    title_key: Mapped[short_text]
    # Markdown.
    notes: Mapped[long_text] = mapped_column(default="")
    state: Mapped[LessonState] = mapped_column(one_of(LessonState), default=LessonState.DRAFT)
    # Null: never published.
    published_at: Mapped[datetime | None]
    # When it was published or moved into its present place; null: never published.
    placed_at: Mapped[datetime | None]
    # Only for the rhythm fixed_dates; null: none set yet.
    release_at: Mapped[datetime | None]
    # The recording that feeds show now; null: none that may be published.
    recording_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("recordings.id", use_alter=True, ondelete="SET NULL")
    )
    # WebVTT and application/json+chapters; null: none.
    transcript: Mapped[str | None] = mapped_column(Text)
    chapters: Mapped[list[Any] | None] = mapped_column(JSON)
    created_at: Mapped[instant]
    version: Mapped[int] = mapped_column()

    recording: Mapped["Recording | None"] = relationship(
        lazy="raise_on_sql", foreign_keys=[recording_id], post_update=True
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy reads it off the class)


class Recording(Base):
    """The audio of a lesson as it lies in storage, and what was measured; never overwritten."""

    __tablename__ = "recordings"
    __table_args__ = (UniqueConstraint("lesson_id", "number"),)

    id: Mapped[pk]
    lesson_id: Mapped[int] = mapped_column(RowId, ForeignKey("lessons.id", ondelete="CASCADE"))
    # Counts from 1 in each lesson; stands in the address.
    number: Mapped[int]
    object_key: Mapped[short_text] = mapped_column(unique=True)
    file_name: Mapped[short_text]
    extension: Mapped[str] = mapped_column(String(8))
    content_type: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[size_bytes]
    # The store's own, so that HEAD from us equals GET from the store.
    etag: Mapped[short_text]
    # Null until the full analysis has read the object.
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    # The true length once analysed, before that what the tags claim; null: unknown.
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[RecordingState] = mapped_column(one_of(RecordingState), index=True)
    # A list of objects with code, severity and values.
    findings: Mapped[list[Any]] = mapped_column(JSON, default=list)
    # What was measured, for people who ask: {"bitrate_bps": …, "loudness_lufs": …}
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[instant]
    analysed_at: Mapped[datetime | None]
    # A worker's claim on the analysis; null: nobody's.
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)


class Upload(Base):
    """A file on its way into the store, in parts, resumable."""

    __tablename__ = "uploads"

    id: Mapped[pk]
    # In its address; says nothing.
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    course_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("courses.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    # The lesson that gets the recording; null: a new one is made.
    lesson_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("lessons.id", ondelete="CASCADE")
    )
    object_key: Mapped[short_text] = mapped_column(unique=True)
    # The store's name for this multipart upload.
    store_upload_id: Mapped[short_text]
    file_name: Mapped[short_text]
    content_type: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[size_bytes]
    part_bytes: Mapped[int] = mapped_column(BigInteger)
    # What the client says it is; only compared with, never trusted. Null: it did not say.
    client_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    state: Mapped[UploadState] = mapped_column(one_of(UploadState), default=UploadState.OPEN)
    created_at: Mapped[instant]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # Null until done.
    recording_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("recordings.id", ondelete="SET NULL")
    )
