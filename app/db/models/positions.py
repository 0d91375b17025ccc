"""Where a listener is in the lessons that she hears in a browser."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, RowId, instant, milliseconds, pk


class Position(Base):
    """Where she was in a lesson when she last heard it in a browser, whichever device it was on."""

    __tablename__ = "positions"
    __table_args__ = (
        UniqueConstraint("subscription_id", "lesson_id"),
        CheckConstraint("position_ms >= 0", name="position_in_the_lesson"),
        CheckConstraint("heard_ms >= position_ms", name="heard_what_she_was_at"),
    )

    id: Mapped[pk]
    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    lesson_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("lessons.id", ondelete="CASCADE"), index=True
    )
    position_ms: Mapped[milliseconds]
    # The farthest she has come; never goes back.
    heard_ms: Mapped[milliseconds]
    # When she first came to its end; null: not yet.
    finished_at: Mapped[datetime | None]
    # When she was there: of two devices the later one counts.
    updated_at: Mapped[instant]
    # When we heard of it.
    received_at: Mapped[instant]
