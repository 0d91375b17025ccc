"""All that the house holds about one listener: a document that she can keep and take elsewhere.

Made of the tables by themselves: a column that is added comes along, a table that is added must be
named here or be excused below (a test compares both with the tables). Read in one transaction and
closed before the first byte is sent. What is never in it: keys of the house, other people, audio.

The format, in words: `format` and `version` say what it is; a change that would break a reader
raises the version. `_at` is an instant in UTC, `_on` a day, `_ms` milliseconds, null "none or not
known". Rows stand in the order in which they were written.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import ColumnElement, inspect, or_, select
from sqlalchemy.orm import Session

from app import consent
from app.db.base import Base
from app.db.models import (
    Account,
    ApiToken,
    Confirmation,
    Course,
    EmailChange,
    EmailMove,
    Erasure,
    FeedAddress,
    Fetches,
    LeakCase,
    LeakSignal,
    Lesson,
    LessonOverride,
    Listener,
    Membership,
    OutboxMail,
    PauseSpan,
    Position,
    SoftBounce,
    Subscription,
    Suppression,
    Unlock,
)
from app.services import subscriptions
from app.services.addresses import FeedAddresses
from app.services.fetches import FEED
from feeds.errors import MissingFeedKey

FORMAT: Final = "cadans-export"
VERSION: Final = 1

Values = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows of one table under one key; `leave_out`: columns that say something of us, not her."""

    key: str
    row: type[Base]
    leave_out: frozenset[str] = frozenset()


LISTENER: Final = Part(key="listener", row=Listener, leave_out=frozenset({"email_key"}))
EMAIL_CHANGES: Final = Part(
    key="email_changes", row=EmailChange, leave_out=frozenset({"email_key", "account_id"})
)
ERASURES: Final = Part(key="erasures", row=Erasure)
SIGN_UPS: Final = Part(
    key="sign_ups", row=Confirmation, leave_out=frozenset({"email_key", "listener_id"})
)
SUPPRESSIONS: Final = Part(key="suppressions", row=Suppression, leave_out=frozenset({"email_key"}))
SOFT_BOUNCES: Final = Part(key="soft_bounces", row=SoftBounce, leave_out=frozenset({"email_key"}))
EMAIL_MOVES: Final = Part(key="email_moves", row=EmailMove)
MAILS: Final = Part(
    key="mails",
    row=OutboxMail,
    leave_out=frozenset(
        {"notice", "ids", "message_id", "leased_until", "paced_at", "is_waited_for"}
    ),
)
ACCOUNT: Final = Part(
    key="account",
    row=Account,
    leave_out=frozenset({"email_key", "password_hash", "session_epoch", "version"}),
)
MEMBERSHIPS: Final = Part(key="memberships", row=Membership)
API_TOKENS: Final = Part(key="api_tokens", row=ApiToken, leave_out=frozenset({"sha256"}))
SUBSCRIPTIONS: Final = Part(
    key="subscriptions",
    row=Subscription,
    leave_out=frozenset({"revision", "next_unlock_plan", "calendar_epoch"}),
)
FEED_ADDRESSES: Final = Part(
    key="feed_addresses", row=FeedAddress, leave_out=frozenset({"random_id", "key_number"})
)
# What hangs on one subscription and needs no more than its columns.
OF_SUBSCRIPTION: Final = (
    Part(key="pauses", row=PauseSpan),
    Part(key="overrides", row=LessonOverride),
    Part(key="unlocks", row=Unlock),
    Part(key="positions", row=Position),
    Part(key="fetches", row=Fetches),
    Part(key="leak_signals", row=LeakSignal),
    Part(key="leak_cases", row=LeakCase),
)
PARTS: Final = (
    LISTENER,
    EMAIL_CHANGES,
    ERASURES,
    SIGN_UPS,
    SUPPRESSIONS,
    SOFT_BOUNCES,
    EMAIL_MOVES,
    MAILS,
    ACCOUNT,
    MEMBERSHIPS,
    API_TOKENS,
    SUBSCRIPTIONS,
    FEED_ADDRESSES,
    *OF_SUBSCRIPTION,
)
# Tables on the way to a person that are not about her as a listener, and why.
NOT_EXPORTED: Final[Mapping[str, str]] = {
    "fetch_networks": "hashes that mean nothing to anybody, gone with the day they are of",
    "uploads": "files on their way into a course: the course's, whoever sent them",
}


def collect(
    session: Session, listener: Listener, *, addresses: FeedAddresses, now: datetime
) -> Values:
    """Answer the document: text, numbers, lists and mappings alone."""
    reader = _Reader(session, listener)
    return {
        "format": FORMAT,
        "version": VERSION,
        "made_at": _plain(now),
        "house": addresses.base_url,
        LISTENER.key: reader.values(LISTENER, listener),
        ACCOUNT.key: reader.account(),
        EMAIL_CHANGES.key: reader.rows(EMAIL_CHANGES, EmailChange.listener_id == listener.id),
        ERASURES.key: reader.rows(ERASURES, Erasure.listener_id == listener.id),
        SIGN_UPS.key: reader.rows(SIGN_UPS, reader.sign_ups()),
        SUPPRESSIONS.key: reader.rows(SUPPRESSIONS, Suppression.email_key == listener.email_key),
        SOFT_BOUNCES.key: reader.rows(SOFT_BOUNCES, SoftBounce.email_key == listener.email_key),
        EMAIL_MOVES.key: reader.rows(EMAIL_MOVES, EmailMove.listener_id == listener.id),
        MAILS.key: reader.rows(MAILS, reader.mails()),
        SUBSCRIPTIONS.key: [reader.subscription(each, addresses) for each in reader.own],
    }


class _Reader:
    """Turns the rows of one listener into values."""

    def __init__(self, session: Session, listener: Listener) -> None:
        self._session = session
        self._listener = listener
        self.own = subscriptions.of_listener(session, listener.id)
        self._courses = {each.id: each for each in session.scalars(select(Course))}
        wanted = {each.course_id for each in self.own}
        lessons = session.execute(
            select(Lesson.id, Lesson.public_id, Lesson.title).where(Lesson.course_id.in_(wanted))
        ).all()
        self._titles = {row.id: row.title for row in lessons}
        self._resources = {row.public_id: row.title for row in lessons}

    def rows(self, part: Part, clause: ColumnElement[bool]) -> list[Values]:
        table = part.row.__table__
        found = self._session.scalars(select(part.row).where(clause).order_by(*table.primary_key))
        return [self.values(part, row) for row in found]

    def values(self, part: Part, row: Base) -> Values:
        """Answer what a row says; numbers of other rows become the words for them."""
        values: Values = {}
        for column in inspect(type(row)).columns:
            name, value = str(column.key), getattr(row, str(column.key))
            if name == "course_id":
                values["course"] = self._course(value)
            elif name == "lesson_id":
                values["lesson"] = self._titles.get(value)
            elif name == "resource":
                values["resource"] = value if value == FEED else self._resources.get(value, value)
            elif name == "consent_version":
                values[name], values["consent_text"] = value, _consent_text(row)
            elif name != "id" and not column.foreign_keys and name not in part.leave_out:
                values[name] = _plain(value)
        return values

    def subscription(self, row: Subscription, addresses: FeedAddresses) -> Values:
        """Answer one subscription with all that hangs on it."""
        values = self.values(SUBSCRIPTIONS, row)
        own = select(FeedAddress).where(FeedAddress.subscription_id == row.id)
        values[FEED_ADDRESSES.key] = [
            {"url": _url(address, addresses), **self.values(FEED_ADDRESSES, address)}
            for address in self._session.scalars(own.order_by(FeedAddress.id))
        ]
        for part in OF_SUBSCRIPTION:
            column = part.row.__table__.c.subscription_id
            values[part.key] = self.rows(part, column == row.id)
        return values

    def account(self) -> Values | None:
        """Answer the account under the same address; None: she makes no courses here."""
        found = self._session.scalar(
            select(Account).where(Account.email_key == self._listener.email_key)
        )
        if found is None:
            return None
        return {
            **self.values(ACCOUNT, found),
            MEMBERSHIPS.key: self.rows(MEMBERSHIPS, Membership.account_id == found.id),
            API_TOKENS.key: self.rows(API_TOKENS, ApiToken.account_id == found.id),
        }

    def sign_ups(self) -> ColumnElement[bool]:
        return or_(
            Confirmation.listener_id == self._listener.id,
            Confirmation.email_key == self._listener.email_key,
        )

    def mails(self) -> ColumnElement[bool]:
        sign_ups = select(Confirmation.id).where(self.sign_ups())
        return or_(
            OutboxMail.listener_id == self._listener.id,
            OutboxMail.subscription_id.in_([each.id for each in self.own]),
            OutboxMail.confirmation_id.in_(sign_ups),
            OutboxMail.address.in_({self._listener.email, self._listener.email_key}),
        )

    def _course(self, course_id: int | None) -> Values | None:
        course = self._courses.get(course_id) if course_id is not None else None
        return {"title": course.title, "slug": course.slug} if course else None


def _url(address: FeedAddress, addresses: FeedAddresses) -> str | None:
    try:
        return addresses.url_of(address)
    except MissingFeedKey:
        # It plays no more either.
        return None


def _consent_text(row: Any) -> str | None:  # noqa: ANN401 (whatever row keeps a mark)
    """Answer the words that she agreed to; None: no text with that mark was ever ours."""
    found = consent.find(row.consent_version, language=row.language)
    return found.words if found else None


def _plain(value: object) -> object:
    """Write a value as JSON can hold it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, uuid.UUID) else value
