"""What the house itself remembers: mail to send, limits, salts, marks."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, RowId, instant, pk, short_text

WAITING = text("sent_at IS NULL AND failed_at IS NULL")

# What somebody sits and waits for is found past the news of a day.
WAITED_FOR = text("sent_at IS NULL AND failed_at IS NULL AND is_waited_for")

FAILED = text("failed_at IS NOT NULL")


class OutboxMail(Base):
    """One mail to send, exactly one row per notice. Holds template and ids, never a body."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "due_at",
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        ),
        Index(
            "ix_outbox_waited_for",
            "due_at",
            sqlite_where=WAITED_FOR,
            postgresql_where=WAITED_FOR,
        ),
        Index(
            "ix_outbox_failed",
            "failed_at",
            sqlite_where=FAILED,
            postgresql_where=FAILED,
        ),
    )

    id: Mapped[pk]
    # What the notice is, once and for all: "unlock:17:3". Unique, so that it exists only once.
    notice: Mapped[short_text] = mapped_column(unique=True)
    # The name of its template.
    template: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(8))
    # Null once it was sent some days ago, 30 at most.
    address: Mapped[str | None] = mapped_column(String(255))
    subscription_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE"), index=True
    )
    confirmation_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("confirmations.id", ondelete="CASCADE"), index=True
    )
    account_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    listener_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("listeners.id", ondelete="CASCADE"), index=True
    )
    # Further ids that the template asks for; empty once old.
    ids: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # The same at every try, so that a mailbox can tell a resend.
    message_id: Mapped[short_text] = mapped_column(unique=True)
    created_at: Mapped[instant]
    # Not before this; moves on after a failed try.
    due_at: Mapped[instant]
    attempts: Mapped[int] = mapped_column(default=0)
    # Somebody sits and waits for it: it is taken before all other mail that is due.
    is_waited_for: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Its turn among the mails to the same domain; null: it has none yet.
    paced_at: Mapped[datetime | None]
    # A worker's claim; null or past: free.
    leased_until: Mapped[datetime | None]
    # Null: not yet handed to the mail server.
    sent_at: Mapped[datetime | None]
    # Set when we gave up; null: still trying, or sent.
    failed_at: Mapped[datetime | None]
    # What the mail server said last, without addresses.
    last_error: Mapped[str | None] = mapped_column(Text)


class LimitCount(Base):
    """How often something was tried in one window, under a daily keyed hash of who tried."""

    __tablename__ = "limit_counts"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    window_start_at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]


class DailySalt(Base):
    """The salt of one day (UTC); thrown away with the day, and with it every hash made from it."""

    __tablename__ = "daily_salts"

    salt_on: Mapped[date] = mapped_column(primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary(32))


class Mark(Base):
    """One fact the house must remember across starts, such as the largest demo clock offset."""

    __tablename__ = "marks"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[short_text]
