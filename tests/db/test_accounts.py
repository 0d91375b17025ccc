import functools
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.db.models import Account, OutboxMail
from app.db.session import Database
from app.errors import EmailTaken, NotReady
from app.kinds import Role
from app.services import accounts, memberships, passwords
from app.services.accounts import FREE_TRIES, LONGEST_WAIT, NewAccount
from tests.builders import START, a_course, a_membership, an_account

PASSWORD = "a long enough password"


@pytest.fixture
def ada(database: Database) -> int:
    with database.writing() as session:
        new = NewAccount(email="Ada@Example.org", password=PASSWORD, language="en")
        return accounts.add(session, new, now=START).id


def try_once(session: Session, password: str, *, after: timedelta = timedelta()) -> bool:
    attempt = accounts.begin_try(session, "ada@example.org", now=START + after)
    if not attempt.is_right(password) or attempt.account_id is None:
        return False
    accounts.note_right(session, attempt.account_id, password=password)
    return True


@pytest.mark.usefixtures("ada")
def test_the_right_password_opens_for_an_address_in_other_letters(database: Database) -> None:
    with database.writing() as session:
        assert try_once(session, PASSWORD)


@pytest.mark.usefixtures("ada")
def test_the_wrong_password_does_not_open(database: Database) -> None:
    with database.writing() as session:
        assert not try_once(session, "another long password")


def test_an_unknown_address_is_checked_against_a_decoy(database: Database) -> None:
    with database.writing() as session:
        attempt = accounts.begin_try(session, "nobody@example.org", now=START)

    assert attempt.password_hash.startswith("$argon2id$")
    assert not attempt.is_right(PASSWORD)


@pytest.mark.usefixtures("ada")
def test_after_free_tries_the_right_password_waits_a_second(database: Database) -> None:
    with database.writing() as session:
        for _ in range(FREE_TRIES):
            try_once(session, "wrong wrong wrong")

        assert not try_once(session, PASSWORD, after=timedelta(milliseconds=999))
        assert try_once(session, PASSWORD, after=timedelta(seconds=1))


@pytest.mark.usefixtures("ada")
def test_nobody_waits_longer_than_a_minute_however_many_tries_were_wrong(
    database: Database,
) -> None:
    with database.writing() as session:
        row = session.scalars(select(Account)).one()
        row.wrong_tries, row.last_wrong_try_at = 10_000, START

    with database.writing() as session:
        assert not try_once(session, PASSWORD, after=LONGEST_WAIT - timedelta(seconds=1))
        assert try_once(session, PASSWORD, after=LONGEST_WAIT)


@pytest.mark.usefixtures("ada")
def test_a_try_that_came_too_early_does_not_make_the_wait_longer(database: Database) -> None:
    with database.writing() as session:
        for _ in range(FREE_TRIES):
            try_once(session, "wrong wrong wrong")
        for _ in range(50):
            try_once(session, "wrong wrong wrong", after=timedelta(milliseconds=500))

        assert try_once(session, PASSWORD, after=timedelta(seconds=1))


def test_a_known_device_does_not_wait(database: Database, ada: int) -> None:
    with database.writing() as session:
        for _ in range(FREE_TRIES + 3):
            try_once(session, "wrong wrong wrong")

        attempt = accounts.begin_try(session, "ada@example.org", now=START, known_account_id=ada)

    assert attempt.is_right(PASSWORD)


def test_a_hundred_tries_at_once_are_all_counted(database: Database, ada: int) -> None:
    with database.writing() as session:
        attempts = [accounts.begin_try(session, "ada@example.org", now=START) for _ in range(100)]

    assert sum(attempt.account_id == ada for attempt in attempts) == FREE_TRIES


def test_counting_tries_makes_no_open_form_stale(database: Database, ada: int) -> None:
    with database.writing() as session:
        try_once(session, "wrong wrong wrong")
        try_once(session, PASSWORD)

    with database.reading() as session:
        assert session.get_one(Account, ada).version == 1


def test_a_new_password_ends_every_session(database: Database, ada: int) -> None:
    with database.writing() as session:
        accounts.change_password(session, ada, "another long password")

    with database.reading() as session:
        assert accounts.find_signed_in(session, ada, 1) is None
        assert accounts.find_signed_in(session, ada, 2) is not None


def test_a_disabled_account_is_signed_out_and_stays_out(database: Database, ada: int) -> None:
    with database.writing() as session:
        session.get_one(Account, ada).disabled_at = START

    with database.writing() as session:
        assert accounts.find_signed_in(session, ada, 1) is None
        assert not try_once(session, PASSWORD)


@pytest.mark.usefixtures("ada")
def test_an_address_has_one_account_whatever_its_capitals(database: Database) -> None:
    with database.writing() as session, pytest.raises(EmailTaken):
        accounts.add(session, NewAccount(email="ADA@example.ORG", password=PASSWORD), now=START)


@pytest.mark.usefixtures("ada")
def test_asking_for_a_reset_twice_in_ten_minutes_sends_one_mail(database: Database) -> None:
    with database.writing() as session:
        for minutes in (0, 5):
            now = START + timedelta(minutes=minutes)
            accounts.ask_reset(session, "ada@example.org", host="example.org", now=now)

        mails = session.scalars(select(OutboxMail)).all()

    assert [(mail.template, mail.address) for mail in mails] == [
        ("password_reset", "Ada@Example.org")
    ]


def test_asking_for_a_reset_of_nobody_writes_a_row_that_holds_no_address(
    database: Database,
) -> None:
    with database.writing() as session:
        accounts.ask_reset(session, "eve@example.org", host="example.org", now=START)

        mail = session.scalars(select(OutboxMail)).one()

    assert (mail.address, mail.account_id) == ("nobody@example.org", None)
    assert "eve" not in mail.notice


@pytest.mark.usefixtures("ada")
def test_asking_for_a_reset_costs_the_same_whoever_has_an_account(database: Database) -> None:
    def work(email: str) -> int:
        with database.writing() as session:
            return statements(
                session,
                lambda: accounts.ask_reset(session, email, host="example.org", now=START),
            )

    # The first one of a day makes its salt.
    work("ben@example.org")
    assert work("ada@example.org") == work("eve@example.org")


@pytest.mark.parametrize("state", ["fine", "waiting", "disabled"])
def test_signing_in_costs_the_same_whoever_has_an_account(
    database: Database, ada: int, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    checked: list[str] = []
    monkeypatch.setattr(passwords, "is_right", lambda kept, _: checked.append(kept))
    with database.writing() as session:
        account = session.get_one(Account, ada)
        account.disabled_at = START if state == "disabled" else None
        account.wrong_tries = FREE_TRIES + 9 if state == "waiting" else 0
        account.last_wrong_try_at = START

    for email, asked in (("ada@example.org", 3), ("eve@example.org", 3), ("no address", 2)):
        checked.clear()
        with database.writing() as session:
            sent = statements(session, functools.partial(try_in_vain, session, email))

        # One hash of the same cost, however this ends; only what is no address is not looked for.
        assert (len(checked), sent) == (1, asked)
        assert checked[0].split("$")[:4] == passwords.decoy_hash().split("$")[:4]


def try_in_vain(session: Session, email: str) -> None:
    accounts.begin_try(session, email, now=START).is_right("wrong")


def statements(session: Session, work: Callable[[], object]) -> int:
    """How many statements some work sends to the database."""
    seen: list[str] = []
    connection = session.connection()

    def note(*told: object) -> None:
        seen.append(str(told[2]))

    event.listen(connection, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return len(seen)


def test_the_only_owner_cannot_be_made_less(database: Database) -> None:
    with database.writing() as session:
        account, course = an_account(session), a_course(session)
        a_membership(session, account, course)

        with pytest.raises(NotReady):
            memberships.give(
                session, account_id=account.id, course_id=course.id, role=Role.HOST, now=START
            )


def test_one_of_two_owners_can_leave(database: Database) -> None:
    with database.writing() as session:
        ada, ben, course = an_account(session), an_account(session), a_course(session)
        a_membership(session, ada, course)
        a_membership(session, ben, course)

        memberships.take(session, account_id=ada.id, course_id=course.id)

        assert memberships.worker_of(session, ada.id).role_in(course.id) is None
        assert memberships.worker_of(session, ben.id).role_in(course.id) is Role.OWNER
