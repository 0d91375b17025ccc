"""Signing up: asking, and confirming from the mailbox that the address belongs to.

Asking writes the same rows whoever asks and whoever is subscribed already; only the worker that
sends the mail looks (`letters`). So neither the page nor the time it takes says who takes part.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent
from app.db.inserts import insert_into
from app.db.models import Confirmation, Course, Listener, OutboxMail, Subscription
from app.errors import InvalidInput, LinkExpired, LinkUsed, NotAllowed
from app.policy import may_sign_up
from app.services import erasures, limits, outbox, suppressions, unlocking
from app.services.addresses import FeedAddresses
from app.services.email_addresses import Address
from app.services.limits import Limit

CONFIRM_WITHIN: Final = timedelta(days=7)
# Asking again within this long sends nothing more: a second press, a page loaded again.
COOLDOWN: Final = timedelta(minutes=5)
# A class or an office signs up together, so a network may ask often; a robot may not ask for ever.
PER_NETWORK: Final = Limit(name="ask network", times=120, window=timedelta(hours=1))
# How many mails strangers can have us send to one address.
PER_ADDRESS: Final = Limit(name="ask address", times=10, window=timedelta(days=1))
MAX_NAME_CHARS: Final = 200


class SignUpClosed(NotAllowed):
    """The course takes nobody new."""

    def __init__(self, course_id: int) -> None:
        self.course_id = course_id
        super().__init__(f"course {course_id} takes nobody new")


class NameInvalid(InvalidInput):
    """There is no name, or it is no name: too long, or with signs that no pen writes."""

    def __init__(self) -> None:
        super().__init__({"name": "this is no name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUp:
    """What somebody filled in. `zone` None: the browser's is not known; the course's is taken."""

    course_id: int
    name: str
    address: Address
    language: str
    zone: str | None
    # The mark of the consent text that the page showed; None: a page that names none.
    agreed_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkAsked:
    """An address to which somebody wants a sign-in link, in the language of the page.

    `back_to`: the path of the page on which she asked, to which the link leads; "": to her courses.
    """

    address: Address
    language: str
    back_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Somebody pressed *Confirm*. `zone`: that browser's, for who signed up without one."""

    confirmation_id: int
    zone: str | None
    # When the link was made; None: there was none.
    link_made_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What confirming made, or found when the address takes part already."""

    subscription: Subscription
    is_new: bool


def parse_name(text: str) -> str:
    """Take what somebody typed as a name, on one line.

    Raises:
        NameInvalid: nothing is left of it, it is too long, or it holds control characters.
    """
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise NameInvalid
    return name


def find_zone(text: str | None) -> str | None:
    """Answer the zone when zoneinfo knows it; None otherwise."""
    try:
        return ZoneInfo(text).key if text else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def ask(session: Session, asked: SignUp, *, network: str, host: str, now: datetime) -> None:
    """Write the sign-up down and put its mail into the outbox; silently not, when a limit says no.

    Raises:
        SignUpClosed: the course takes nobody new.
    """
    course = session.get_one(Course, asked.course_id)
    if not may_sign_up(course.state):
        raise SignUpClosed(course.id)
    # Counting holds the address's row, so that of two presses at once the second sees the first.
    if not is_allowed(session, asked.address, network=network, now=now):
        return
    if _has_just_asked(session, asked, now):
        return
    confirmation = Confirmation(
        course_id=course.id,
        email=asked.address.email,
        email_key=asked.address.key,
        name=asked.name,
        language=asked.language,
        zone=asked.zone,
        consent_version=consent.read_by(asked.agreed_to, language=asked.language).mark,
        consented_at=now,
        created_at=now,
        expires_at=now + CONFIRM_WITHIN,
    )
    session.add(confirmation)
    session.flush()
    notice = outbox.Notice(
        name=f"confirm:{confirmation.id}",
        template="confirm",
        language=asked.language,
        address=asked.address.email,
        confirmation_id=confirmation.id,
    )
    outbox.put(session, notice, host=host, now=now)


def ask_link(session: Session, asked: LinkAsked, *, network: str, host: str, now: datetime) -> None:
    """Put a mail with a sign-in link into the outbox; goes nowhere when nobody has that address."""
    if not is_allowed(session, asked.address, network=network, now=now):
        return
    wanted = f"sign-in\0{asked.address.key}\0{asked.back_to}"
    who = limits.count_key(session, wanted, now=now).hex()
    earlier = select(OutboxMail.id).where(
        OutboxMail.notice.startswith(f"sign-in:{who}:"), OutboxMail.created_at > now - COOLDOWN
    )
    if session.scalars(earlier.limit(1)).first() is not None:
        return
    notice = outbox.Notice(
        name=f"sign-in:{who}:{now.isoformat()}",
        template="sign_in",
        language=asked.language,
        # Not as somebody typed it: so it is found again when she is erased.
        address=asked.address.key,
        ids={"back_to": asked.back_to} if asked.back_to else {},
    )
    outbox.put(session, notice, host=host, now=now)


def is_allowed(session: Session, address: Address, *, network: str, now: datetime) -> bool:
    """Count one mail that somebody asked for, and answer whether it may be sent."""
    is_network_fine = limits.is_within(session, PER_NETWORK, network, now=now)
    is_address_fine = limits.is_within(session, PER_ADDRESS, address.key, now=now)
    return is_network_fine and is_address_fine


def get_waiting(
    session: Session,
    confirmation_id: int,
    *,
    link_made_at: datetime | None = None,
    now: datetime,
) -> Confirmation:
    """Answer a sign-up that waits to be confirmed, and keep others from confirming it meanwhile.

    A link that is older than the sign-up was for another one: SQLite gives the last row's number
    again once that row was forgotten.

    Raises:
        LinkUsed: it was confirmed before.
        LinkExpired: it is over seven days old, or was forgotten.
    """
    confirmation = session.get(Confirmation, confirmation_id, with_for_update=True)
    if confirmation is None or now >= confirmation.expires_at:
        raise LinkExpired(confirmation_id)
    if link_made_at is not None and link_made_at < confirmation.created_at.replace(microsecond=0):
        raise LinkExpired(confirmation_id)
    if confirmation.used_at is not None:
        raise LinkUsed
    return confirmation


def confirm(
    session: Session, press: Press, *, addresses: FeedAddresses, host: str, now: datetime
) -> Confirmed:
    """Let a sign-up become a subscription, with its feed address and its first lesson.

    Who takes part already keeps the subscription she has, and its feed. Who had asked to be erased
    is not: the page she pressed on said so.

    Raises:
        LinkUsed: it was confirmed before.
        LinkExpired: it is over seven days old, or was forgotten.
        SignUpClosed: the course has closed meanwhile.
    """
    confirmation = get_waiting(
        session, press.confirmation_id, link_made_at=press.link_made_at, now=now
    )
    confirmation.zone = confirmation.zone or press.zone
    listener = _listener(session, confirmation, now)
    erasures.undo(session, listener.id)
    alive = find_alive(session, listener.id, confirmation.course_id)
    subscription = alive or _begin(session, confirmation, listener, now)
    if alive is None:
        addresses.mint(session, subscription.id, now=now)
        unlocking.record_subscription(session, subscription.id, now=now, host=host)
        outbox.put(session, _welcome(subscription, listener), host=host, now=now)
    suppressions.confirmed(session, listener.email_key, now=now)
    confirmation.used_at = now
    confirmation.listener_id = listener.id
    confirmation.email = confirmation.email_key = confirmation.name = None
    session.flush()
    return Confirmed(subscription=subscription, is_new=alive is None)


def forget(
    session: Session, confirmation_id: int, *, link_made_at: datetime, now: datetime
) -> None:
    """Forget a sign-up; nothing happens when it is gone already, or was confirmed."""
    try:
        waiting = get_waiting(session, confirmation_id, link_made_at=link_made_at, now=now)
    except (LinkUsed, LinkExpired):
        return
    session.delete(waiting)
    session.flush()


def find_alive(session: Session, listener_id: int, course_id: int) -> Subscription | None:
    """Answer the living subscription of a listener in a course; None: she takes no part."""
    return session.scalar(
        select(Subscription).where(
            Subscription.listener_id == listener_id,
            Subscription.course_id == course_id,
            Subscription.ended_at.is_(None),
        )
    )


def _has_just_asked(session: Session, asked: SignUp, now: datetime) -> bool:
    earlier = select(Confirmation.id).where(
        Confirmation.course_id == asked.course_id,
        Confirmation.email_key == asked.address.key,
        Confirmation.created_at > now - COOLDOWN,
    )
    return session.scalars(earlier.limit(1)).first() is not None


def _listener(session: Session, confirmation: Confirmation, now: datetime) -> Listener:
    """Answer the listener of that address, made now if need be, and locked until we commit."""
    session.execute(
        insert_into(session, Listener)
        .values(
            email=confirmation.email,
            email_key=confirmation.email_key,
            name=confirmation.name,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["email_key"])
    )
    return session.scalars(
        select(Listener).where(Listener.email_key == confirmation.email_key).with_for_update()
    ).one()


def _begin(
    session: Session, confirmation: Confirmation, listener: Listener, now: datetime
) -> Subscription:
    course = session.get_one(Course, confirmation.course_id)
    if not may_sign_up(course.state):
        raise SignUpClosed(course.id)
    subscription = Subscription(
        public_id=uuid.uuid4(),
        listener_id=listener.id,
        course_id=course.id,
        started_at=now,
        zone=confirmation.zone or course.zone,
        language=confirmation.language,
        revised_at=now,
        consent_version=confirmation.consent_version,
        consented_at=confirmation.consented_at,
    )
    session.add(subscription)
    session.flush()
    return subscription


def _welcome(subscription: Subscription, listener: Listener) -> outbox.Notice:
    return outbox.Notice(
        name=f"welcome:{subscription.id}",
        template="welcome",
        language=subscription.language,
        address=listener.email,
        subscription_id=subscription.id,
    )
