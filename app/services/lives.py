"""The one way to change what decides when lessons come to a listener."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.orm import Session

from app.db.models import Subscription
from app.errors import InvalidInput
from app.services import subscriptions, unlocking


class SubscriptionEnded(InvalidInput):
    """She left, began again, or the course was ended for her: there is nothing left to change."""

    def __init__(self, subscription_id: int) -> None:
        self.subscription_id = subscription_id
        super().__init__({"subscription": "has ended"})


@contextmanager
def change(
    session: Session, subscription_id: int, *, host: str, now: datetime
) -> Iterator[Subscription]:
    """Change a living subscription inside; what was visible stays visible.

    What is due is written down under the old life before, and what the change brings at once, with
    the instant of the next unlock, under the new one after. The row is locked until we commit.
    Feeds notice: the subscription's revision goes up.

    Raises:
        SubscriptionNotFound: there is none by that id.
        SubscriptionEnded: it has ended; nothing was changed.
    """
    unlocking.record_subscription(session, subscription_id, now=now, host=host)
    subscription = subscriptions.get(session, subscription_id)
    refuse_ended(subscription)
    yield subscription
    subscription.revision += 1
    subscription.revised_at = now
    session.flush()
    unlocking.record_subscription(session, subscription_id, now=now, host=host)


def refuse_ended(subscription: Subscription) -> None:
    """Refuse to go on with a subscription of which nothing can be changed any more.

    Raises:
        SubscriptionEnded: it has ended.
    """
    if subscription.ended_at is not None:
        raise SubscriptionEnded(subscription.id)
