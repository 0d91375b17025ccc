"""What gives a listener a new feed address: one that replaces hers, or the course once more."""

import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from app.db.models import FeedAddress, Listener, Subscription
from app.errors import NotAllowed, TooManyRequests
from app.kinds import EndReason, RetireReason
from app.policy import may_restart
from app.services import limits, lives, outbox, subscriptions, unlocking
from app.services.addresses import FeedAddresses
from app.services.limits import Limit

# Every renewal leaves rows behind for good; nobody needs more in a day.
PER_DAY: Final = Limit(name="renewal", times=5, window=timedelta(days=1))


class MayNotRestart(NotAllowed):
    """The course is put away, so that nobody begins it any more."""

    def __init__(self, subscription_id: int) -> None:
        self.subscription_id = subscription_id
        super().__init__(f"subscription {subscription_id} cannot begin again")


def new_address(  # noqa: PLR0913 (what to replace, why, and the usual three)
    session: Session,
    subscription_id: int,
    *,
    reason: RetireReason,
    addresses: FeedAddresses,
    host: str,
    now: datetime,
) -> FeedAddress:
    """Replace the feed address of a subscription; the old one opens and plays nothing any more.

    Raises:
        SubscriptionNotFound: there is none by that id.
        SubscriptionEnded: it has ended.
        TooManyRequests: five times in a day already.
    """
    with lives.change(session, subscription_id, host=host, now=now) as subscription:
        _refuse_too_many(session, subscription, now)
        session.flush()
        address = addresses.replace(session, subscription_id, reason=reason, now=now)
    name = f"address-changed:{subscription_id}:{address.id}"
    _tell(session, "address_changed", name, subscription, host=host, now=now)
    return address


def restart(
    session: Session, subscription_id: int, *, addresses: FeedAddresses, host: str, now: datetime
) -> Subscription:
    """Begin the course once more: a new subscription with a feed of its own, from lesson 1.

    The old one ends; its feed keeps what was unlocked and says that it goes on elsewhere. Her pace,
    zone, language and whether she wants mail go with her.

    Raises:
        SubscriptionNotFound: there is none by that id.
        SubscriptionEnded: it has ended.
        MayNotRestart: the course is put away.
        TooManyRequests: five times in a day already.
    """
    with lives.change(session, subscription_id, host=host, now=now) as old:
        if not may_restart(subscriptions.course_of(session, old).state):
            raise MayNotRestart(subscription_id)
        _refuse_too_many(session, old, now)
        old.ended_at, old.end_reason = now, EndReason.RESTARTED
        # The database knows one living subscription per listener and course: the old one first.
        session.flush()
        new = _begin_again(old, now)
        session.add(new)
        session.flush()
        old.successor_id = new.id
    addresses.mint(session, new.id, now=now)
    unlocking.record_subscription(session, new.id, now=now, host=host)
    _tell(session, "restarted", f"restarted:{new.id}", new, host=host, now=now)
    return new


def _begin_again(old: Subscription, now: datetime) -> Subscription:
    return Subscription(
        public_id=uuid.uuid4(),
        listener_id=old.listener_id,
        course_id=old.course_id,
        started_at=now,
        zone=old.zone,
        language=old.language,
        pace_kind=old.pace_kind,
        pace_every_days=old.pace_every_days,
        pace_weekday=old.pace_weekday,
        pace_hour=old.pace_hour,
        revised_at=now,
        mail_stopped_at=old.mail_stopped_at,
        consent_version=old.consent_version,
        consented_at=old.consented_at,
    )


def _refuse_too_many(session: Session, subscription: Subscription, now: datetime) -> None:
    who = str(subscription.listener_id)
    if not limits.is_within(session, PER_DAY, who, now=now):
        raise TooManyRequests(PER_DAY.window)


def _tell(  # noqa: PLR0913 (what, to whom, and the usual two)
    session: Session,
    template: str,
    name: str,
    subscription: Subscription,
    *,
    host: str,
    now: datetime,
) -> None:
    notice = outbox.Notice(
        name=name,
        template=template,
        language=subscription.language,
        address=session.get_one(Listener, subscription.listener_id).email,
        subscription_id=subscription.id,
    )
    outbox.put(session, notice, host=host, now=now)
