"""A mailbox that an owner asks for: the new one says yes, the old one may say no."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import (
    Account,
    Course,
    EmailChange,
    EmailMove,
    Listener,
    Membership,
    OutboxMail,
    Subscription,
)
from app.db.session import Database
from app.errors import LinkExpired, TooManyRequests
from app.kinds import Role, SuppressionReason
from app.services import email_changes, email_moves, signup, suppressions
from app.services.email_addresses import parse_address
from app.services.email_changes import Outcome, Side
from app.services.email_moves import SameAddress, SheSaidNo, Wish
from app.services.links import OpenedLink
from app.services.suppressions import Trouble
from app.services.vouching import GRACE
from tests.builders import (
    START,
    a_course,
    a_listener,
    a_membership,
    a_subscription,
    an_account,
)

HOST = "cursus.example"
OLD = "kim@example.org"
NEW = "kim.new@example.org"
SECOND = timedelta(seconds=1)


@pytest.fixture
def ada(database: Database) -> Account:
    with database.writing() as session:
        return an_account(session)


@pytest.fixture
def course(database: Database, ada: Account) -> Course:
    with database.writing() as session:
        course = a_course(session)
        a_membership(session, ada, course)
        return course


@pytest.fixture
def kim(database: Database, course: Course) -> Subscription:
    with database.writing() as session:
        return a_subscription(session, course, a_listener(session, email=OLD, name="Kim"))


def ask(database: Database, kim: Subscription, ada: Account, email: str = NEW) -> OpenedLink:
    """Ask, and answer what the links in both mails say."""
    with database.writing() as session:
        wish = Wish(subscription=kim, address=parse_address(email), account=ada)
        change = email_moves.ask(session, wish, host=HOST, now=START)
        return OpenedLink(row_id=change.id, made_at=change.created_at)


def agree(
    database: Database, opened: OpenedLink, side: Side = Side.NEW, *, after: timedelta = SECOND
) -> Outcome:
    with database.writing() as session:
        return email_changes.agree(session, opened, side, host=HOST, now=START + after)


def make_due(database: Database, after: timedelta) -> int:
    with database.writing() as session:
        return email_moves.make_due(session, host=HOST, now=START + after)


def address_of(database: Database, kim: Subscription) -> str:
    with database.reading() as session:
        return session.get_one(Listener, kim.listener_id).email


def mails(database: Database) -> dict[str, str | None]:
    with database.reading() as session:
        rows = session.execute(select(OutboxMail.template, OutboxMail.address))
        return dict(rows.all())


def hold(database: Database, reason: SuppressionReason) -> None:
    with database.writing() as session:
        trouble = Trouble(email_key=OLD, reason=reason, source="smtp")
        assert suppressions.suppress(session, trouble, now=START)


def test_asking_mails_both_and_changes_nothing(
    database: Database, kim: Subscription, ada: Account
) -> None:
    ask(database, kim, ada)
    assert mails(database) == {"email_change": NEW, "email_move": OLD}
    assert make_due(database, GRACE + SECOND) == 0
    assert address_of(database, kim) == OLD


def test_old_mailbox_has_three_days_to_say_no(
    database: Database, kim: Subscription, ada: Account
) -> None:
    opened = ask(database, kim, ada)
    assert agree(database, opened) is Outcome.LATER
    assert make_due(database, GRACE - SECOND) == 0
    assert address_of(database, kim) == OLD
    assert make_due(database, GRACE) == 1
    assert address_of(database, kim) == NEW
    assert mails(database)["email_changed"] == OLD


def test_no_of_the_old_mailbox_ends_it(database: Database, kim: Subscription, ada: Account) -> None:
    opened = ask(database, kim, ada)
    agree(database, opened)
    with database.writing() as session:
        email_changes.refuse(session, opened, now=START + SECOND)
    assert make_due(database, GRACE) == 0
    for side in Side:
        with pytest.raises(LinkExpired):
            agree(database, opened, side)
    assert address_of(database, kim) == OLD
    with database.reading() as session:
        change = email_moves.find(session, kim, now=START + GRACE)
        assert change is not None
        assert change.old_said_no_at == START + SECOND


def test_yes_of_the_old_mailbox_makes_it_at_once(
    database: Database, kim: Subscription, ada: Account
) -> None:
    opened = ask(database, kim, ada)
    assert agree(database, opened, Side.OLD) is Outcome.WAITING
    assert agree(database, opened) is Outcome.CHANGED


@pytest.mark.parametrize("reason", sorted(suppressions.BOUNCES))
def test_nobody_waits_for_a_mailbox_that_is_gone(
    database: Database, kim: Subscription, ada: Account, reason: SuppressionReason
) -> None:
    opened = ask(database, kim, ada)
    hold(database, reason)
    assert agree(database, opened) is Outcome.CHANGED
    assert address_of(database, kim) == NEW


def test_mailbox_that_turns_out_to_be_gone_is_waited_for_no_longer(
    database: Database, kim: Subscription, ada: Account
) -> None:
    agree(database, ask(database, kim, ada))
    hold(database, SuppressionReason.HARD_BOUNCE)
    assert make_due(database, timedelta(hours=1)) == 1


@pytest.mark.parametrize("reason", [SuppressionReason.COMPLAINT, SuppressionReason.ASKED])
def test_owner_cannot_ask_for_who_said_no_to_our_mail(
    database: Database, kim: Subscription, ada: Account, reason: SuppressionReason
) -> None:
    hold(database, reason)
    with pytest.raises(SheSaidNo):
        ask(database, kim, ada)
    assert mails(database) == {}


def test_who_complains_after_all_is_not_moved(
    database: Database, kim: Subscription, ada: Account
) -> None:
    agree(database, ask(database, kim, ada))
    hold(database, SuppressionReason.COMPLAINT)
    assert make_due(database, GRACE) == 0


@pytest.mark.parametrize("role", [None, Role.EDITOR])
def test_listener_of_somebody_elses_course_moves_only_with_both_mailboxes(
    database: Database, kim: Subscription, ada: Account, role: Role | None
) -> None:
    with database.writing() as session:
        other = a_course(session)
        if role is not None:
            a_membership(session, ada, other, role)
        a_subscription(session, other, session.get_one(Listener, kim.listener_id))
    hold(database, SuppressionReason.HARD_BOUNCE)
    opened = ask(database, kim, ada)
    assert agree(database, opened) is Outcome.WAITING
    assert make_due(database, GRACE) == 0
    assert agree(database, opened, Side.OLD) is Outcome.CHANGED


def test_who_is_no_owner_any_more_moves_nobody(
    database: Database, kim: Subscription, ada: Account
) -> None:
    agree(database, ask(database, kim, ada))
    with database.writing() as session:
        session.delete(session.scalars(select(Membership)).one())
    assert make_due(database, GRACE) == 0


def test_what_was_moved_stays_written_down_without_addresses(
    database: Database, kim: Subscription, ada: Account
) -> None:
    agree(database, ask(database, kim, ada))
    make_due(database, GRACE)
    with database.reading() as session:
        row = session.scalars(select(EmailMove)).one()
        assert (row.account_id, row.asked_at, row.moved_at) == (ada.id, START, START + GRACE)
        (move,) = email_moves.made(session, kim.listener_id)
        assert (move.by, move.moved_at) == ("Ada", START + GRACE)
    assert {column.name for column in EmailMove.__table__.columns} == {
        "id", "listener_id", "account_id", "asked_at", "moved_at",
    }  # fmt: skip


def test_change_that_she_asked_for_herself_still_needs_both_and_is_no_move(
    database: Database, kim: Subscription
) -> None:
    with database.writing() as session:
        email_changes.ask(
            session,
            kim.listener_id,
            parse_address(NEW),
            language="nl",
            network="n",
            host=HOST,
            now=START,
        )
    with database.reading() as session:
        change = session.scalars(select(EmailChange)).one()
        opened = OpenedLink(row_id=change.id, made_at=change.created_at)
    assert agree(database, opened) is Outcome.WAITING
    assert make_due(database, GRACE) == 0
    agree(database, opened, Side.OLD)
    with database.reading() as session:
        assert session.scalars(select(EmailMove)).all() == []


def test_address_that_somebody_takes_meanwhile_stays_theirs(
    database: Database, kim: Subscription, ada: Account
) -> None:
    agree(database, ask(database, kim, ada))
    with database.writing() as session:
        a_listener(session, email=NEW)
    assert make_due(database, GRACE) == 0
    assert address_of(database, kim) == OLD
    with database.reading() as session:
        assert session.scalars(select(EmailChange)).all() == []


def test_taking_it_back_closes_both_links_and_leaves_her_own_wish(
    database: Database, kim: Subscription, ada: Account
) -> None:
    opened = ask(database, kim, ada)
    take_back(database, kim)
    for side in Side:
        with pytest.raises(LinkExpired):
            agree(database, opened, side)
    with database.writing() as session:
        wish_of_her_own(session, kim)
    take_back(database, kim)
    with database.reading() as session:
        assert session.scalars(select(EmailChange.account_id)).all() == [None]


def take_back(database: Database, kim: Subscription) -> None:
    with database.writing() as session:
        email_moves.take_back(session, kim)


def wish_of_her_own(session: Session, kim: Subscription) -> None:
    email_changes.begin(
        session,
        kim.listener_id,
        parse_address(NEW),
        account_id=None,
        language="nl",
        now=START,
    )


def test_same_address_is_no_wish(database: Database, kim: Subscription, ada: Account) -> None:
    with pytest.raises(SameAddress):
        ask(database, kim, ada, "KIM@example.org")


def test_owner_asks_for_twenty_a_day(database: Database, course: Course, ada: Account) -> None:
    for number in range(email_moves.PER_ACCOUNT.times):
        with database.writing() as session:
            kim = a_subscription(session, course)
        ask(database, kim, ada, f"new{number}@example.org")
    with database.writing() as session:
        kim = a_subscription(session, course)
    with pytest.raises(TooManyRequests):
        ask(database, kim, ada)


@pytest.mark.parametrize("is_old", [True, False])
def test_neither_mailbox_is_flooded(
    database: Database, course: Course, kim: Subscription, ada: Account, *, is_old: bool
) -> None:
    for number in range(signup.PER_ADDRESS.times):
        if is_old:
            ask(database, kim, ada, f"new{number}@example.org")
        else:
            with database.writing() as session:
                other = a_subscription(session, course)
            ask(database, other, ada)
    with pytest.raises(TooManyRequests):
        ask(database, kim, ada)
