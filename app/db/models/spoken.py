"""What owners say themselves at the turns of a subscription."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, RowId, instant, milliseconds, one_of, pk, short_text, size_bytes
from feeds.messages import TurnKind


class SpokenTurn(Base):
    """A recording of an owner's own for one kind of turn; never overwritten, as a lesson's is not.

    The newest of its kind is the one that feeds show, unless it was put back.
    """

    __tablename__ = "spoken_turns"
    __table_args__ = (UniqueConstraint("course_id", "kind", "number"),)

    id: Mapped[pk]
    course_id: Mapped[int] = mapped_column(RowId, ForeignKey("courses.id", ondelete="CASCADE"))
    kind: Mapped[TurnKind] = mapped_column(one_of(TurnKind))
    # Counts from 1 for each kind; stands in the address.
    number: Mapped[int]
    object_key: Mapped[short_text] = mapped_column(unique=True)
    file_name: Mapped[short_text]
    extension: Mapped[str] = mapped_column(String(8))
    content_type: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[size_bytes]
    # The store's own, so that HEAD from us equals GET from the store.
    etag: Mapped[short_text]
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    duration_ms: Mapped[milliseconds]
    # A list of objects with code, severity and values.
    findings: Mapped[list[Any]] = mapped_column(JSON, default=list)
    created_at: Mapped[instant]
    # When the owner went back to the recording that ships; null: she did not.
    put_back_at: Mapped[datetime | None]
