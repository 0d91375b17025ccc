"""Mail that comes back: addresses that take none, or not now; how fast domains take it; tokens."""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, instant, one_of, pk, short_text
from app.kinds import SuppressionReason


class Suppression(Base):
    """One address that takes no mail. Lifted: the row is gone."""

    __tablename__ = "suppressions"

    id: Mapped[pk]
    email_key: Mapped[short_text] = mapped_column(unique=True)
    reason: Mapped[SuppressionReason] = mapped_column(one_of(SuppressionReason))
    suppressed_at: Mapped[instant]
    # Who told us: "smtp", "mailbox", "ses", "postmark", "mailgun".
    source: Mapped[str] = mapped_column(String(32))
    # Codes alone, such as "550 5.1.1": what servers write beside them may hold an address.
    diagnostic: Mapped[str | None] = mapped_column(String(64))
    # When a confirm mail last went to who had complained or asked; null: none did since.
    let_through_at: Mapped[datetime | None]


class SoftBounce(Base):
    """One address from which mail came back for now: it goes on, and the owner may know."""

    __tablename__ = "soft_bounces"

    id: Mapped[pk]
    email_key: Mapped[short_text] = mapped_column(unique=True)
    # How many mails, since `first_at`.
    count: Mapped[int]
    first_at: Mapped[instant]
    last_at: Mapped[instant]
    # As with a suppression.
    source: Mapped[str] = mapped_column(String(32))
    diagnostic: Mapped[str | None] = mapped_column(String(64))


class MailDomain(Base):
    """How fast one recipient domain takes mail: a count in a minute, a wait when it is busy."""

    __tablename__ = "mail_domains"

    domain: Mapped[str] = mapped_column(String(255), primary_key=True)
    # The minute that is being filled; ahead of the clock when more waits than fits.
    minute_at: Mapped[instant]
    used: Mapped[int]
    # Null or past: it takes mail.
    held_until: Mapped[datetime | None]
    # How often in a row it said "later".
    holds: Mapped[int]


class HookToken(Base):
    """The SHA-256 of a token that a provider used once, so that nobody uses it again."""

    __tablename__ = "hook_tokens"

    sha256: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(index=True)
