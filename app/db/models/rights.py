"""What a listener asked for about her own data: to be erased, after a day to think again."""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, RowId, instant, pk


class Erasure(Base):
    """A listener who asked to be erased and may still think again; gone with her."""

    __tablename__ = "erasures"

    id: Mapped[pk]
    listener_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("listeners.id", ondelete="CASCADE"), unique=True
    )
    # Of the page she asked on: her last mail speaks it.
    language: Mapped[str] = mapped_column(String(8))
    asked_at: Mapped[instant]
    # Until then she may undo it; from then on the worker erases her.
    due_at: Mapped[instant] = mapped_column(index=True)


class ErasureDay(Base):
    """How many listeners were erased on one day (UTC), and nothing about who they were."""

    __tablename__ = "erasure_days"
    __table_args__ = (CheckConstraint("count > 0", name="a_day_with_erasures"),)

    erased_on: Mapped[date] = mapped_column(primary_key=True)
    count: Mapped[int]
    # How many of them at the word of who runs the house, and how many because they left long ago;
    # the others asked for it themselves.
    by_operator: Mapped[int] = mapped_column(default=0, server_default="0")
    by_age: Mapped[int] = mapped_column(default=0, server_default="0")
