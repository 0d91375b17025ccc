"""Erased: asked for, a day later, and then nothing of her stands in any column of any table."""

import base64
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from app.db.base import Base
from app.db.models import (
    Confirmation,
    EmailChange,
    EmailMove,
    ErasedAddress,
    Erasure,
    ErasureDay,
    FeedAddress,
    Fetches,
    LimitCount,
    Listener,
    OutboxMail,
    PauseSpan,
    Subscription,
    Suppression,
    Unlock,
)
from app.db.session import Database
from app.jobs.erasing import ERASING
from app.jobs.tasks import TASKS
from app.kinds import SuppressionReason
from app.services import (
    email_changes,
    erasing,
    erasures,
    limits,
    outbox,
    positions,
    signup,
    soft_bounces,
    subscriptions,
)
from app.services.addresses import digest_of
from app.services.email_addresses import parse_address
from app.services.links import OpenedLink
from app.services.outbox import Notice
from app.services.positions import Said
from app.services.signup import LinkAsked, SignUp
from tests.builders import START, a_course, a_listener, a_subscription, an_account

EMAIL = "Mathilde.Vanderzee@mailhuis.example"
NAME = "Mathilde Vanderzee-Okonkwo"
# Numbers that stand nowhere by chance.
LISTENER_ID, SUBSCRIPTION_ID = 700_100_901, 700_100_902
ASKED = START + timedelta(days=20)
DUE = ASKED + timedelta(days=1)


@pytest.fixture
def mathilde(database: Database) -> Listener:
    """A listener of whom every table that can holds something."""
    with database.writing() as session:
        course = a_course(session)
        listener = Listener(
            id=LISTENER_ID,
            email=EMAIL,
            email_key=parse_address(EMAIL).key,
            name=NAME,
            created_at=START,
        )
        session.add(listener)
        session.flush()
        a_subscription(session, course, listener, id=SUBSCRIPTION_ID)
        _listens(session)
        _asks_at_the_door(session, course.id)
    return listener


def _listens(session: Session) -> None:
    subscriptions.leave(session, SUBSCRIPTION_ID, host="example.org", now=START)
    session.add(PauseSpan(subscription_id=SUBSCRIPTION_ID, starts_on=START.date(), ends_on=None))
    session.add(
        Fetches(
            subscription_id=SUBSCRIPTION_ID,
            fetched_on=START.date(),
            resource="feed",
            app="Overcast",
            status=200,
            count=1,
            bytes_sent=1,
            first_at=START,
            last_at=START,
        )
    )
    lesson = session.scalars(select(Unlock)).one().lesson_id
    public_id = session.execute(
        text("SELECT public_id FROM lessons WHERE id = :id"), {"id": lesson}
    ).scalar_one()
    said = Said(lesson=public_id, position_ms=60_000, age=timedelta(0), is_at_end=False)
    positions.save(session, SUBSCRIPTION_ID, said, now=START)
    notice = Notice(
        name=f"welcome:{SUBSCRIPTION_ID}",
        template="welcome",
        language="nl",
        address=EMAIL,
        subscription_id=SUBSCRIPTION_ID,
    )
    outbox.put(session, notice, host="example.org", now=START)


def _asks_at_the_door(session: Session, course_id: int) -> None:
    """Sign-ups and sign-in links, in whatever capitals, and a mailbox that was full."""
    address = parse_address(EMAIL.upper())
    asked = SignUp(course_id=course_id, name=NAME, address=address, language="nl", zone=None)
    signup.ask(session, asked, network="n", host="example.org", now=ASKED)
    link = LinkAsked(address=address, language="nl")
    signup.ask_link(session, link, network="n", host="example.org", now=ASKED)
    used = session.scalars(select(Confirmation)).one()
    session.add(
        Confirmation(
            course_id=course_id,
            language="nl",
            consent_version="1",
            consented_at=START,
            created_at=START,
            expires_at=used.expires_at,
            used_at=START,
            listener_id=LISTENER_ID,
        )
    )
    soft_bounces.note(session, address.key, source="ses", diagnostic=None, now=START)
    session.add(EmailMove(listener_id=LISTENER_ID, asked_at=START, moved_at=START))
    session.add(
        Suppression(
            email_key=address.key,
            reason=SuppressionReason.HARD_BOUNCE,
            suppressed_at=START,
            source="smtp",
        )
    )


def ask(database: Database, *, now: datetime = ASKED) -> None:
    with database.writing() as session:
        listener = session.get_one(Listener, LISTENER_ID)
        erasures.ask(session, listener, language="nl", host="example.org", now=now)


def carry_out(database: Database, now: datetime) -> bool:
    with database.writing() as session:
        return erasing.carry_out_next(session, host="example.org", now=now)


def dump(database: Database) -> str:
    """Every value of every column of every table, as text and as hex."""
    words: list[str] = []
    with database.reading() as session:
        for table in inspect(database.engine).get_table_names():
            for row in session.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608 (our own tables)
                words += [_as_text(value) for value in row]
    return "\n".join(words).casefold()


def _as_text(value: Any) -> str:
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        return f"{raw.hex()} {base64.b32encode(raw).decode()} {raw!r}"
    return f"{value} {str(value).replace('-', '')}"


def traces(database: Database) -> list[str]:
    """What must not be found anywhere once she is erased."""
    with database.reading() as session:
        address = session.scalars(select(FeedAddress)).one()
        public_id = session.get_one(Subscription, SUBSCRIPTION_ID).public_id
        count_key = limits.count_key(
            session, f"{signup.PER_ADDRESS.name}\0{parse_address(EMAIL).key}", now=ASKED
        )
    return [
        "vanderzee",
        "okonkwo",
        "mailhuis",
        str(LISTENER_ID),
        str(SUBSCRIPTION_ID),
        public_id.hex,
        address.random_id.hex(),
        count_key.hex(),
    ]


def forget_last_mail(database: Database) -> None:
    with database.writing() as session:
        for mail in session.scalars(select(OutboxMail)):
            session.delete(mail)


@pytest.mark.usefixtures("mathilde")
def test_nothing_of_her_is_left_in_any_table(database: Database) -> None:
    ask(database)
    wanted = traces(database)
    before = dump(database)
    assert [trace for trace in wanted if trace not in before] == []
    assert carry_out(database, DUE)
    forget_last_mail(database)
    after = dump(database)
    assert [trace for trace in wanted if trace in after] == []


@pytest.mark.usefixtures("mathilde")
def test_an_address_that_she_had_before_is_not_left_either(database: Database) -> None:
    new = parse_address("m@elders.example")
    with database.writing() as session:
        email_changes.ask(
            session,
            LISTENER_ID,
            new,
            language="nl",
            network="n",
            host="example.org",
            now=ASKED,
        )
        change = session.scalars(select(EmailChange)).one()
        opened = OpenedLink(row_id=change.id, made_at=change.created_at)
        for side in email_changes.Side:
            email_changes.agree(session, opened, side, host="example.org", now=ASKED)
        for confirmation in session.scalars(select(Confirmation)):
            # Seven days later.
            session.delete(confirmation)
        for held in session.scalars(select(Suppression)):
            session.delete(held)
    assert "mailhuis" in dump(database)
    ask(database)
    carry_out(database, DUE)
    forget_last_mail(database)
    after = dump(database)
    assert [trace for trace in ("mailhuis", "elders") if trace in after] == []


@pytest.mark.usefixtures("mathilde")
def test_only_her_last_mail_holds_her_address(database: Database) -> None:
    ask(database)
    carry_out(database, DUE)
    with database.reading() as session:
        last = session.scalars(select(OutboxMail)).one()
    assert (last.template, last.address, last.language) == ("erased", EMAIL, "nl")
    assert {last.listener_id, last.subscription_id, last.confirmation_id} == {None}
    assert last.ids == {}
    assert "mathilde" not in last.notice


@pytest.mark.usefixtures("mathilde")
def test_she_has_a_day_to_the_second(database: Database) -> None:
    ask(database)
    assert not carry_out(database, DUE - timedelta(seconds=1))
    assert carry_out(database, DUE)
    assert not carry_out(database, DUE)


@pytest.mark.usefixtures("mathilde")
def test_asking_twice_keeps_the_first_hour_and_mails_once(database: Database) -> None:
    ask(database)
    ask(database, now=ASKED + timedelta(hours=5))
    with database.reading() as session:
        assert session.scalars(select(Erasure.due_at)).all() == [DUE]
        mails = session.scalars(
            select(OutboxMail).where(OutboxMail.template == "erasure_asked")
        ).all()
    assert [mail.address for mail in mails] == [EMAIL]


@pytest.mark.usefixtures("mathilde")
def test_what_was_undone_is_never_carried_out_and_can_be_asked_again(database: Database) -> None:
    ask(database)
    with database.writing() as session:
        assert erasures.undo(session, LISTENER_ID)
        assert not erasures.undo(session, LISTENER_ID)
    assert not carry_out(database, DUE + timedelta(days=30))
    ask(database, now=DUE)
    with database.reading() as session:
        count = select(func.count()).where(OutboxMail.template == "erasure_asked")
        assert session.scalars(count).one() == 2


@pytest.mark.usefixtures("mathilde")
def test_her_address_answers_gone_and_the_day_is_counted(database: Database) -> None:
    with database.reading() as session:
        random_id = session.scalars(select(FeedAddress.random_id)).one()
    ask(database)
    carry_out(database, DUE)
    with database.reading() as session:
        assert session.get(ErasedAddress, digest_of(random_id)) is not None
        day = session.scalars(select(ErasureDay)).one()
    assert (day.erased_on, day.count) == (DUE.date(), 1)


@pytest.mark.usefixtures("mathilde")
def test_others_keep_everything(database: Database) -> None:
    with database.writing() as session:
        other = a_listener(session)
        theirs = a_subscription(session, a_course(session), other)
        erasures.ask(session, other, language="en", host="example.org", now=DUE)
    ask(database)
    carry_out(database, DUE)
    with database.reading() as session:
        assert session.get(Subscription, theirs.id) is not None
        assert session.scalars(select(Listener.id)).all() == [other.id]
        assert session.scalars(select(FeedAddress.subscription_id)).all() == [theirs.id]
        assert session.scalars(select(LimitCount.count)).all() != []


@pytest.mark.usefixtures("mathilde")
def test_a_teacher_with_the_same_address_keeps_the_mails_of_her_account(
    database: Database,
) -> None:
    with database.writing() as session:
        from_account = Notice(
            name="reset",
            template="password_reset",
            language="nl",
            address=EMAIL,
            account_id=an_account(session, email=EMAIL).id,
        )
        outbox.put(session, from_account, host="example.org", now=ASKED)
    ask(database)
    carry_out(database, DUE)
    with database.reading() as session:
        kept = set(session.scalars(select(OutboxMail.template)))
    assert kept == {"password_reset", "erased"}


def test_what_hangs_on_a_listener_goes_with_her() -> None:
    """A table that is added later must not hold her back, nor outlive her."""
    kept = {
        f"{table.name}.{key.parent.name}": key.ondelete
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name in {"listeners", "subscriptions", "confirmations"}
        and key.ondelete != "CASCADE"
    }
    assert kept == {"subscriptions.successor_id": "SET NULL"}


def test_the_worker_erases() -> None:
    assert ERASING in TASKS
