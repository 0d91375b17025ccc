"""Addresses of private feeds: minted, shown again, replaced, and what is left once erased.

The tables hold no address, only what it is rebuilt from with the house's feed keys; so a stolen
database opens no feed. Whoever changes an address changes what feeds show, so the subscription's
revision goes up with it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.db.models import ErasedAddress, FeedAddress, Subscription
from app.errors import NotFound
from app.kinds import RetireReason

# For callers from before e-mail addresses had a module of their own.
from app.services.email_addresses import Address, AddressInvalid, parse_address
from feeds.tokens import FeedKeys, FeedToken, build_token, mint_random_id

__all__ = [
    "Address",
    "AddressInvalid",
    "FeedAddressNotFound",
    "FeedAddresses",
    "digest_of",
    "erase",
    "feed_path",
    "mint",
    "parse_address",
    "replace",
    "retire",
]


class FeedAddressNotFound(NotFound):
    """The subscription has no feed address in use: it was taken back."""

    what = "feed address in use for subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAddresses:
    """Rebuilds addresses as people see them. `base_url` has no slash at its end."""

    base_url: str
    keys: FeedKeys

    def token_of(self, address: FeedAddress) -> FeedToken:
        """Answer the token of an address.

        Raises:
            MissingFeedKey: the key that made it is gone from the settings.
        """
        return build_token(self.keys, address.key_number, address.random_id)

    def url_of(self, address: FeedAddress) -> str:
        """Answer the whole address, as a listener pastes it into her app."""
        return self.base_url + feed_path(self.token_of(address))

    def get_token(self, session: Session, subscription_id: int) -> FeedToken:
        """Answer the token in use of a subscription.

        Raises:
            FeedAddressNotFound: none is in use.
        """
        return self.token_of(_get_in_use(session, subscription_id))

    def get_url(self, session: Session, subscription_id: int) -> str:
        """Answer the address in use of a subscription.

        Raises:
            FeedAddressNotFound: none is in use.
        """
        return self.url_of(_get_in_use(session, subscription_id))

    def mint(self, session: Session, subscription_id: int, *, now: datetime) -> FeedAddress:
        """Give a subscription its address; it must have none in use."""
        return mint(session, subscription_id, key_number=self.keys.current, now=now)

    def replace(
        self, session: Session, subscription_id: int, *, reason: RetireReason, now: datetime
    ) -> FeedAddress:
        """Retire the address in use and mint the next one."""
        return replace(
            session, subscription_id, key_number=self.keys.current, reason=reason, now=now
        )


def feed_path(token: FeedToken) -> str:
    """Answer the path of a private feed."""
    return f"/f/{token}.xml"


def mint(session: Session, subscription_id: int, *, key_number: int, now: datetime) -> FeedAddress:
    """Give a subscription its address; the database refuses a second one in use."""
    address = FeedAddress(
        random_id=mint_random_id(),
        subscription_id=subscription_id,
        key_number=key_number,
        created_at=now,
    )
    session.add(address)
    session.flush()
    return address


def replace(
    session: Session,
    subscription_id: int,
    *,
    key_number: int,
    reason: RetireReason,
    now: datetime,
) -> FeedAddress:
    """Retire the address in use, if there is one, and mint the next one."""
    retire(session, subscription_id, reason=reason, now=now)
    return mint(session, subscription_id, key_number=key_number, now=now)


def retire(session: Session, subscription_id: int, *, reason: RetireReason, now: datetime) -> None:
    """Take the address in use back; its feed says so from now on. Nothing happens without one."""
    session.execute(
        update(FeedAddress)
        .where(FeedAddress.subscription_id == subscription_id, FeedAddress.retired_at.is_(None))
        .values(retired_at=now, reason=reason)
    )
    session.execute(
        update(Subscription)
        .where(Subscription.id == subscription_id)
        .values(revision=Subscription.revision + 1, revised_at=now)
    )


def erase(session: Session, subscription_id: int, *, on: date) -> None:
    """Leave of every address of a subscription only what answers 410, and delete their rows."""
    addresses = session.scalars(
        select(FeedAddress).where(FeedAddress.subscription_id == subscription_id)
    ).all()
    for address in addresses:
        session.add(ErasedAddress(sha256=digest_of(address.random_id), erased_on=on))
        session.delete(address)
    session.flush()


def digest_of(random_id: bytes) -> bytes:
    """Answer under which digest an erased address is remembered."""
    return sha256(random_id).digest()


def _get_in_use(session: Session, subscription_id: int) -> FeedAddress:
    address = session.scalar(
        select(FeedAddress).where(
            FeedAddress.subscription_id == subscription_id, FeedAddress.retired_at.is_(None)
        )
    )
    if address is None:
        raise FeedAddressNotFound(subscription_id)
    return address
