"""Feed addresses: rebuilt from their rows, replaced, erased, on both databases."""

import pytest
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from app.db.models import ErasedAddress, FeedAddress, Subscription
from app.db.session import Database
from app.kinds import RetireReason
from app.services import addresses
from app.services.addresses import FeedAddresses, FeedAddressNotFound
from feeds.tokens import FeedKeys, verify_token
from tests.builders import START, a_course, a_subscription

OLD, NEW = b"o" * 32, b"n" * 32
BEFORE = FeedAddresses(base_url="https://a.example", keys=FeedKeys(secrets={1: OLD}, current=1))
ROTATED = FeedAddresses(
    base_url="https://a.example", keys=FeedKeys(secrets={1: OLD, 2: NEW}, current=2)
)


def a_follower(database: Database) -> int:
    with database.writing() as session:
        return a_subscription(session, a_course(session)).id


def test_address_can_be_shown_again_and_is_the_same(database: Database) -> None:
    number = a_follower(database)
    with database.reading() as session:
        token = BEFORE.get_token(session, number)
        assert BEFORE.get_url(session, number) == f"https://a.example/f/{token}.xml"
        assert BEFORE.get_token(session, number) == token


def test_adding_a_key_changes_no_address(database: Database) -> None:
    number = a_follower(database)
    with database.reading() as session:
        assert ROTATED.get_token(session, number) == BEFORE.get_token(session, number)


def test_new_address_is_made_with_the_newest_key(database: Database) -> None:
    number = a_follower(database)
    with database.writing() as session:
        fresh = ROTATED.replace(session, number, reason=RetireReason.ASKED, now=START)
        assert verify_token(ROTATED.keys, ROTATED.token_of(fresh)).key_number == 2


def test_replaced_address_is_kept_with_its_reason(database: Database) -> None:
    number = a_follower(database)
    with database.writing() as session:
        before = BEFORE.get_token(session, number)
        BEFORE.replace(session, number, reason=RetireReason.LEAKED, now=START)
        rows = session.scalars(select(FeedAddress).order_by(FeedAddress.id)).all()
        assert [(row.retired_at, row.reason) for row in rows] == [
            (START, RetireReason.LEAKED),
            (None, None),
        ]
        assert BEFORE.get_token(session, number) != before


def test_replacing_an_address_changes_what_the_feed_shows(database: Database) -> None:
    number = a_follower(database)
    with database.writing() as session:
        BEFORE.replace(session, number, reason=RetireReason.ASKED, now=START)
    with database.reading() as session:
        assert session.get_one(Subscription, number).revision == 2


def test_second_address_in_use_is_refused_by_the_database(database: Database) -> None:
    number = a_follower(database)
    with pytest.raises(IntegrityError), database.writing() as session:
        BEFORE.mint(session, number, now=START)


def test_subscription_without_an_address_says_so(database: Database) -> None:
    number = a_follower(database)
    with database.writing() as session:
        addresses.retire(session, number, reason=RetireReason.REVOKED, now=START)
        with pytest.raises(FeedAddressNotFound):
            BEFORE.get_token(session, number)


def test_erasing_leaves_a_digest_of_every_address_and_nothing_else(database: Database) -> None:
    number = a_follower(database)
    with database.writing() as session:
        BEFORE.replace(session, number, reason=RetireReason.ASKED, now=START)
        ids = session.scalars(select(FeedAddress.random_id)).all()
        addresses.erase(session, number, on=START.date())
    with database.reading() as session:
        assert session.scalars(select(FeedAddress)).all() == []
        left = session.scalars(select(ErasedAddress)).all()
    assert {row.sha256 for row in left} == {addresses.digest_of(each) for each in ids}
    assert set(inspect(ErasedAddress).columns.keys()) == {"sha256", "erased_on"}


def test_no_table_holds_a_token(database: Database) -> None:
    number = a_follower(database)
    with database.reading() as session:
        token = BEFORE.get_token(session, number)
        row = session.scalars(select(FeedAddress)).one()
        assert token not in repr(vars(row))
        assert verify_token(BEFORE.keys, token).random_id == row.random_id
