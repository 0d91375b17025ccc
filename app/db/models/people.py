"""Accounts, which work on courses, and listeners, who hear them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db.base import Base, RowId, instant, one_of, pk, short_text
from app.kinds import Role


class Account(Base):
    """A person with a password who works on courses."""

    __tablename__ = "accounts"

    id: Mapped[pk]
    email: Mapped[short_text]
    email_key: Mapped[short_text] = mapped_column(unique=True)
    name: Mapped[short_text]
    password_hash: Mapped[short_text]
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[instant]
    # Null: may sign in.
    disabled_at: Mapped[datetime | None]
    # Grows when the password changes: every session of before is over.
    session_epoch: Mapped[int] = mapped_column(default=1)
    wrong_tries: Mapped[int] = mapped_column(default=0)
    # Null: the last try was right.
    last_wrong_try_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy reads it off the class)


class Membership(Base):
    """What one account may do in one course."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("account_id", "course_id"),)

    id: Mapped[pk]
    account_id: Mapped[int] = mapped_column(RowId, ForeignKey("accounts.id", ondelete="CASCADE"))
    course_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("courses.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[Role] = mapped_column(one_of(Role))
    created_at: Mapped[instant]

    account: Mapped[Account] = relationship(lazy="raise_on_sql")


class ApiToken(Base):
    """A key for scripts: only its SHA-256 is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[pk]
    account_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    # Null: every course of the account.
    course_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("courses.id", ondelete="CASCADE"), index=True
    )
    label: Mapped[short_text]
    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[instant]
    # Null: does not expire.
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Listener(Base):
    """A person who listens, known by e-mail address; has no password."""

    __tablename__ = "listeners"

    id: Mapped[pk]
    email: Mapped[short_text]
    email_key: Mapped[short_text] = mapped_column(unique=True)
    name: Mapped[short_text]
    created_at: Mapped[instant]
    # She pressed a link from a mail then (or the owner said that mail arrives): a bounce of a mail
    # sent before no longer counts. Null: nobody knows.
    mail_works_since: Mapped[datetime | None]


class EmailChange(Base):
    """Another address that a listener wants: waits seven days until both mailboxes said yes."""

    __tablename__ = "email_changes"

    id: Mapped[pk]
    # One wish at a time.
    listener_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("listeners.id", ondelete="CASCADE"), unique=True
    )
    email: Mapped[short_text]
    email_key: Mapped[short_text]
    # Of the page on which she asked: the mail to the new address is in it.
    language: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[instant]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # When somebody with that mailbox pressed the button; null: not yet.
    old_said_yes_at: Mapped[datetime | None]
    new_said_yes_at: Mapped[datetime | None]
    # Who asked for her, as owner of a course of hers; null: she did herself. No foreign key, for
    # the reason of `Confirmation.listener_id`.
    account_id: Mapped[int | None] = mapped_column(RowId)
    # Somebody in the old mailbox said that it is not right: nothing comes of it. Null: nobody did.
    old_said_no_at: Mapped[datetime | None]


class EmailMove(Base):
    """That an owner had a listener's address changed, and when; which address stands nowhere."""

    __tablename__ = "email_moves"

    id: Mapped[pk]
    listener_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("listeners.id", ondelete="CASCADE"), index=True
    )
    # Null: that account is gone.
    account_id: Mapped[int | None] = mapped_column(
        RowId, ForeignKey("accounts.id", ondelete="SET NULL"), index=True
    )
    asked_at: Mapped[instant]
    moved_at: Mapped[instant]


class Confirmation(Base):
    """A sign-up that waits for its confirm link to be pressed; gone after seven days.

    Once used, name and address move to the listener and are null here; the row stays as long as
    she does, at most those days, so that the link can say that it was used.
    """

    __tablename__ = "confirmations"
    __table_args__ = (
        CheckConstraint("used_at IS NOT NULL OR email IS NOT NULL", name="address_until_used"),
        Index(None, "course_id", "email_key"),
    )

    id: Mapped[pk]
    course_id: Mapped[int] = mapped_column(RowId, ForeignKey("courses.id", ondelete="CASCADE"))
    email: Mapped[str | None] = mapped_column(String(255))
    email_key: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(8))
    # The browser's guess; null when zoneinfo does not know it, then the course's.
    zone: Mapped[str | None] = mapped_column(String(64))
    # As in a subscription.
    consent_version: Mapped[str] = mapped_column(String(32))
    consented_at: Mapped[instant]
    created_at: Mapped[instant]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # Null: still waits.
    used_at: Mapped[datetime | None]
    # Whom it made, or found; null: still waits, or was used before this was written down. No
    # foreign key: SQLite adds one only by copying the table, and dropping the old one takes the
    # mails that hang on it along.
    listener_id: Mapped[int | None] = mapped_column(RowId, index=True)
