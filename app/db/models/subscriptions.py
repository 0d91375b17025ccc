"""One listener's place in one course: its life, its addresses, what was unlocked and fetched."""

import uuid
from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, RowId, instant, one_of, pk
from app.db.models.courses import Course
from app.db.models.people import Listener
from app.kinds import EndReason, RetireReason
from feeds.rhythm import RhythmKind

ALIVE = text("ended_at IS NULL")
TO_COMPLETE = text("ended_at IS NULL AND next_unlock_at IS NULL AND completed_at IS NULL")


class Subscription(Base):
    """One listener's place in one course: when it started, its pace, its private feed."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index(
            "uq_subscriptions_one_alive",
            "listener_id",
            "course_id",
            unique=True,
            sqlite_where=ALIVE,
            postgresql_where=ALIVE,
        ),
        Index(
            "ix_subscriptions_due",
            "next_unlock_at",
            "id",
            sqlite_where=text("next_unlock_at IS NOT NULL"),
            postgresql_where=text("next_unlock_at IS NOT NULL"),
        ),
        Index("ix_subscriptions_due_in_course", "course_id", "next_unlock_at", "id"),
        Index(
            "ix_subscriptions_plan",
            "course_id",
            "next_unlock_plan",
            "id",
            sqlite_where=ALIVE,
            postgresql_where=ALIVE,
        ),
        Index(
            "ix_subscriptions_to_complete",
            "course_id",
            "id",
            sqlite_where=TO_COMPLETE,
            postgresql_where=TO_COMPLETE,
        ),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="an_end_has_a_reason"),
        CheckConstraint("pace_every_days BETWEEN 1 AND 365", name="every_days_in_a_year"),
        CheckConstraint("pace_weekday BETWEEN 0 AND 6", name="weekday_from_monday"),
        CheckConstraint("pace_hour BETWEEN 0 AND 23", name="hour_of_day"),
    )

    id: Mapped[pk]
    # Permanent: podcast:guid is made from it.
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    listener_id: Mapped[int] = mapped_column(RowId, ForeignKey("listeners.id", ondelete="CASCADE"))
    course_id: Mapped[int] = mapped_column(RowId, ForeignKey("courses.id", ondelete="RESTRICT"))
    # The instant of confirmation.
    started_at: Mapped[instant] = mapped_column(index=True)
    zone: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    # Her own pace; all null: the course's rhythm.
    pace_kind: Mapped[RhythmKind | None] = mapped_column(one_of(RhythmKind))
    pace_every_days: Mapped[int | None]
    pace_weekday: Mapped[int | None]
    pace_hour: Mapped[int | None]
    # From where her rhythm counts since she changed her pace: the place that gets this slot, and
    # the instant of the change. All null: from the start, for she never changed it.
    pace_place: Mapped[int | None]
    pace_slot_at: Mapped[datetime | None]
    paced_at: Mapped[datetime | None]
    # Grows with every change of hers that her feed shows (pause, end, new address).
    revision: Mapped[int] = mapped_column(default=1)
    # The instant of that change.
    revised_at: Mapped[instant]
    # When the worker must look again; null: nothing is to come as things stand.
    next_unlock_at: Mapped[datetime | None]
    # The course's plan_revision that next_unlock_at was computed from.
    next_unlock_plan: Mapped[int] = mapped_column(default=0)
    # Null: alive.
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[EndReason | None] = mapped_column(one_of(EndReason))
    # After a restart: where it went on.
    successor_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="SET NULL")
    )
    # Grows when she takes her calendar's address back: the links of before open nothing.
    calendar_epoch: Mapped[int] = mapped_column(default=1, server_default="1")
    # When she was found to have every lesson of a finished course, and told so; null: not yet.
    completed_at: Mapped[datetime | None]
    # Set by List-Unsubscribe: no mail about this course, the feed goes on. Null: mail is welcome.
    mail_stopped_at: Mapped[datetime | None]
    # The mark of the text that was under the form: version and language (app/consent.py).
    consent_version: Mapped[str] = mapped_column(String(32))
    consented_at: Mapped[instant]
    # Last sign of life of her app; null: never.
    last_fetch_at: Mapped[datetime | None]
    last_app: Mapped[str | None] = mapped_column(String(64))

    listener: Mapped[Listener] = relationship(lazy="raise_on_sql")
    course: Mapped[Course] = relationship(lazy="raise_on_sql")


class PauseSpan(Base):
    """Whole local days, in the subscription's zone, that do not count for its rhythm."""

    __tablename__ = "pauses"
    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="ends_after_start"),)

    id: Mapped[pk]
    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE"), index=True
    )
    starts_on: Mapped[date]
    # The day she hears again; null: until she says so.
    ends_on: Mapped[date | None]
    # The dates, in whole seconds, at which her feed says that it is paused and that it goes on.
    # Null: not kept, or not yet; then that is the first moment of its day, in her zone.
    pub_at: Mapped[datetime | None]
    resumed_pub_at: Mapped[datetime | None]


class LessonOverride(Base):
    """A lesson at an instant of its own for one subscription: the one she asked to have now."""

    __tablename__ = "overrides"
    __table_args__ = (UniqueConstraint("subscription_id", "lesson_id"),)

    id: Mapped[pk]
    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    lesson_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("lessons.id", ondelete="CASCADE"), index=True
    )
    unlock_at: Mapped[instant]
    created_at: Mapped[instant]


class FeedAddress(Base):
    """An address of a private feed. Its token stands nowhere; it is rebuilt from this row."""

    __tablename__ = "feed_addresses"
    __table_args__ = (
        CheckConstraint(
            "(retired_at IS NULL) = (reason IS NULL)", name="a_retirement_has_a_reason"
        ),
        Index(
            "uq_feed_addresses_one_in_use",
            "subscription_id",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )

    id: Mapped[pk]
    random_id: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE"), index=True
    )
    key_number: Mapped[int]
    created_at: Mapped[instant]
    # Null: in use.
    retired_at: Mapped[datetime | None]
    reason: Mapped[RetireReason | None] = mapped_column(one_of(RetireReason))


class ErasedAddress(Base):
    """All that is left of an erased listener: enough to answer 410 to her app."""

    __tablename__ = "erased_addresses"

    # SHA-256 of the address's random id.
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    erased_on: Mapped[date] = mapped_column(Date)


class Unlock(Base):
    """The instant from which one subscription may hear one lesson, written down for good."""

    __tablename__ = "unlocks"
    __table_args__ = (UniqueConstraint("subscription_id", "lesson_id"),)

    id: Mapped[pk]
    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    lesson_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("lessons.id", ondelete="RESTRICT"), index=True
    )
    # The planned instant, whoever noticed first.
    unlocked_at: Mapped[instant]
    # pubDate in the feed: strictly increasing in order of unlock, never moves.
    pub_at: Mapped[instant]
    # When the worker wrote this.
    recorded_at: Mapped[instant]
    # The mail that told her; null: none was due (she stopped mail, or it is the first lesson).
    notice_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("outbox.id", ondelete="SET NULL"), index=True
    )


class Fetches(Base):
    """How often one app fetched one thing for one subscription on one day (UTC)."""

    __tablename__ = "fetches"
    __table_args__ = (
        UniqueConstraint("subscription_id", "fetched_on", "resource", "app", "status"),
    )

    id: Mapped[pk]
    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    fetched_on: Mapped[date]
    # "feed", or the public id of a lesson.
    resource: Mapped[str] = mapped_column(String(16))
    app: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    count: Mapped[int]
    bytes_sent: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[instant]
    last_at: Mapped[instant]
