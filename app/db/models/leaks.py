"""Signs that a private address is in other hands, and what was done about it."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, RowId, instant, one_of, pk
from app.kinds import LeakAnswer, SignalKind


class FetchNetwork(Base):
    """A network that fetched for one subscription on one day (UTC), as a hash of that day.

    The hash is made with the day's salt and the subscription, so it tells nothing about where
    somebody is, nor whether two listeners share a network. Gone with the day.
    """

    __tablename__ = "fetch_networks"

    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True
    )
    seen_on: Mapped[date] = mapped_column(primary_key=True, index=True)
    sha256: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)


class LeakSignal(Base):
    """One sign on one day (UTC) that an address may have leaked."""

    __tablename__ = "leak_signals"
    __table_args__ = (
        UniqueConstraint("subscription_id", "kind", "seen_on"),
        CheckConstraint("amount > 0", name="something_was_seen"),
    )

    id: Mapped[pk]
    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE")
    )
    kind: Mapped[SignalKind] = mapped_column(one_of(SignalKind))
    seen_on: Mapped[date] = mapped_column(index=True)
    # Subscribers reported, directories, different apps, different networks.
    amount: Mapped[int]
    # Who reported it, or which directory; empty for a count of apps and networks.
    names: Mapped[str] = mapped_column(String(255), default="")


class LeakCase(Base):
    """How far the house went for one subscription; gone with a new address."""

    __tablename__ = "leak_cases"

    subscription_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("subscriptions.id", ondelete="CASCADE"), primary_key=True
    )
    step: Mapped[LeakAnswer] = mapped_column(one_of(LeakAnswer))
    stepped_at: Mapped[instant]
    # The owner said that it is fine; null: she did not.
    dismissed_at: Mapped[datetime | None]
