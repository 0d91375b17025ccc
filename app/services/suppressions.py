"""Addresses that take no mail: who stops, what still goes, and what lets mail go again.

A bounce is about a mailbox, and mailboxes come back: a mail that she asks for still goes, and a
link pressed in that mailbox lifts it. A complaint is about her will: only a confirm mail goes, one
in thirty days, and only pressing *Confirm* in it lifts the complaint.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVarTuple

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import Confirmation, Listener, Subscription, Suppression
from app.errors import NotAllowed, SubscriptionNotFound
from app.kinds import SuppressionReason
from app.services import soft_bounces

Columns = TypeVarTuple("Columns")

# Somebody asked for these a moment ago, and how often she may ask is limited elsewhere.
ASKED_FOR: Final = frozenset({"confirm", "sign_in", "email_change", "password_reset"})
# People who work here are told what they asked for, whatever they once pressed.
FOR_ACCOUNTS: Final = frozenset({"password_reset"})
BOUNCES: Final = frozenset({SuppressionReason.HARD_BOUNCE, SuppressionReason.REFUSED})
# After a complaint strangers must not make us write to her; she must be able to come back.
ONE_CONFIRM_IN: Final = timedelta(days=30)

WHY: Final = {
    SuppressionReason.HARD_BOUNCE: "not sent: mail to this address comes back",
    SuppressionReason.REFUSED: "not sent: the mail server refuses this address",
    SuppressionReason.COMPLAINT: "not sent: she marked our mail as unwanted",
    SuppressionReason.ASKED: "not sent: she asked her mail service for no more mail",
}


class BounceOnly(NotAllowed):
    """Only mail that comes back can be lifted by the owner, not a listener's own will."""

    def __init__(self) -> None:
        super().__init__("she said no herself: only signing up and confirming again lifts that")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """News that an address takes no mail.

    `sent_at`: when the mail it is about was sent; `happened_at`: when it came back or she
    complained; None: nobody says, so now.
    """

    email_key: str
    reason: SuppressionReason
    source: str
    diagnostic: str | None = None
    sent_at: datetime | None = None
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A listener of one course whose mail does not arrive."""

    public_id: uuid.UUID
    name: str
    email: str
    reason: SuppressionReason
    suppressed_at: datetime
    diagnostic: str | None

    @property
    def is_bounce(self) -> bool:
        """Whether the owner may let mail go again."""
        return self.reason in BOUNCES


def suppress(session: Session, trouble: Trouble, *, now: datetime) -> bool:
    """Write down that the address takes no mail; False: that is old news, or not our business.

    Old news is a bounce of a mail that was sent before she last answered from that mailbox, or a
    complaint from before that. Her own no is never weakened into a bounce.
    """
    if not _is_known(session, trouble.email_key) or _is_old_news(session, trouble, now):
        return False
    held = find(session, trouble.email_key, lock=True)
    if held is not None and held.reason not in BOUNCES and trouble.reason in BOUNCES:
        return False
    values = {
        "reason": trouble.reason,
        "suppressed_at": now,
        "source": trouble.source,
        "diagnostic": trouble.diagnostic,
    }
    statement = insert_into(session, Suppression).values(email_key=trouble.email_key, **values)
    session.execute(
        statement.on_conflict_do_update(index_elements=["email_key"], set_=values),
        execution_options={"populate_existing": True},
    )
    return True


def find(session: Session, email_key: str, *, lock: bool = False) -> Suppression | None:
    """Answer what stops mail to an address; None: nothing."""
    held = select(Suppression).where(Suppression.email_key == email_key)
    return session.scalar(held.with_for_update() if lock else held)


def lets_through(session: Session, email_key: str, template: str, *, now: datetime) -> bool:
    """Tell whether a mail still goes to a suppressed address, and count it when it does."""
    held = find(session, email_key, lock=True)
    if held is None or template in FOR_ACCOUNTS:
        return True
    if held.reason in BOUNCES:
        return template in ASKED_FOR
    is_free = held.let_through_at is None or now >= held.let_through_at + ONE_CONFIRM_IN
    if template != "confirm" or not is_free:
        return False
    held.let_through_at = now
    session.flush()
    return True


def refused_herself(session: Session, email_key: str) -> bool:
    """Tell whether she said no: a complaint, or asked not to be written to."""
    held = find(session, email_key)
    return held is not None and held.reason not in BOUNCES


def confirmed(session: Session, email_key: str, *, now: datetime) -> None:
    """Lift whatever stops mail: she signed up and pressed *Confirm* in that mailbox."""
    session.execute(delete(Suppression).where(Suppression.email_key == email_key))
    _works_since(session, email_key, now)


def moved_in(session: Session, email_key: str, *, now: datetime) -> None:
    """Lift a bounce: a listener said yes from that mailbox and has it from now on."""
    session.execute(
        delete(Suppression).where(
            Suppression.email_key == email_key, Suppression.reason.in_(BOUNCES)
        )
    )
    _works_since(session, email_key, now)


def answered(session: Session, listener_id: int, *, made_at: datetime, now: datetime) -> None:
    """Lift a bounce: she opened a link that was mailed after it, so that the mailbox is back."""
    listener = session.get_one(Listener, listener_id)
    soft_bounces.answered(session, listener.email_key, made_at=made_at)
    held = find(session, listener.email_key, lock=True)
    if held is None or held.reason not in BOUNCES or made_at < held.suppressed_at:
        return
    session.delete(held)
    _works_since(session, listener.email_key, now)
    session.flush()


def is_stopped(session: Session, listener_id: int) -> bool:
    """Tell whether something stops mail to a listener."""
    of_hers = select(Suppression.id).join(Listener, Listener.email_key == Suppression.email_key)
    return session.scalar(of_hers.where(Listener.id == listener_id)) is not None


def count_in_course(session: Session, course_id: int) -> int:
    """Count the listeners who take part in a course and whose mail does not arrive."""
    return session.scalars(
        select(func.count()).select_from(_in_course(select(Suppression.id), course_id).subquery())
    ).one()


def in_course(session: Session, course_id: int, *, limit: int | None) -> list[Silence]:
    """Answer them, the newest trouble first; at most `limit`, None: all."""
    columns = select(
        Subscription.public_id,
        Listener.name,
        Listener.email,
        Suppression.reason,
        Suppression.suppressed_at,
        Suppression.diagnostic,
    )
    ordered = _in_course(columns, course_id).order_by(
        Suppression.suppressed_at.desc(), Suppression.id.desc()
    )
    return [Silence(**row) for row in session.execute(ordered.limit(limit)).mappings()]


def lift_in_course(
    session: Session, course_id: int, public_id: uuid.UUID, *, now: datetime
) -> bool:
    """Let mail go again to somebody who takes part in a course; False: nothing stopped it.

    Raises:
        SubscriptionNotFound: nobody takes part under that id.
        BounceOnly: she said no herself.
    """
    listener_id = session.scalar(
        select(Subscription.listener_id).where(
            Subscription.course_id == course_id, Subscription.public_id == public_id
        )
    )
    if listener_id is None:
        raise SubscriptionNotFound(public_id)
    return lift_bounce(session, listener_id, now=now)


def lift_bounce(session: Session, listener_id: int, *, now: datetime) -> bool:
    """Let mail go to a listener again, as the owner says; False: nothing stopped it.

    Raises:
        BounceOnly: she said no herself.
    """
    listener = session.get_one(Listener, listener_id)
    held = find(session, listener.email_key, lock=True)
    if held is None:
        return False
    if held.reason not in BOUNCES:
        raise BounceOnly
    session.delete(held)
    _works_since(session, listener.email_key, now)
    session.flush()
    return True


def forget(session: Session, email_key: str) -> None:
    """Forget an address that is erased."""
    soft_bounces.forget(session, email_key)
    session.execute(delete(Suppression).where(Suppression.email_key == email_key))


def forget_strangers(session: Session) -> int:
    """Forget addresses that nobody here has any more; answer how many.

    Her own no stays: it is what keeps strangers from signing her up again and again.
    """
    gone: Any = session.execute(
        delete(Suppression).where(
            Suppression.reason.in_(BOUNCES),
            ~exists().where(Listener.email_key == Suppression.email_key),
            ~exists().where(Confirmation.email_key == Suppression.email_key),
        )
    )
    return int(gone.rowcount)


def _is_known(session: Session, email_key: str) -> bool:
    """A provider may tell of mail that others sent through it: those addresses are not ours."""
    waiting = select(Confirmation.id).where(Confirmation.email_key == email_key)
    return (
        _find_listener(session, email_key) is not None
        or session.scalars(waiting.limit(1)).first() is not None
    )


def _is_old_news(session: Session, trouble: Trouble, now: datetime) -> bool:
    listener = _find_listener(session, trouble.email_key)
    if listener is None or listener.mail_works_since is None:
        return False
    told_of = trouble.sent_at if trouble.reason in BOUNCES else trouble.happened_at
    return (told_of or now) < listener.mail_works_since


def _in_course(columns: Select[*Columns], course_id: int) -> Select[*Columns]:
    return (
        columns.select_from(Suppression)
        .join(Listener, Listener.email_key == Suppression.email_key)
        .join(Subscription, Subscription.listener_id == Listener.id)
        .where(Subscription.course_id == course_id, Subscription.ended_at.is_(None))
    )


def _find_listener(session: Session, email_key: str) -> Listener | None:
    return session.scalar(select(Listener).where(Listener.email_key == email_key))


def _works_since(session: Session, email_key: str, now: datetime) -> None:
    soft_bounces.forget(session, email_key)
    session.execute(
        update(Listener).where(Listener.email_key == email_key).values(mail_works_since=now)
    )
