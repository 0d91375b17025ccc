"""Asking and confirming, on both databases."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models import (
    Confirmation,
    Course,
    FeedAddress,
    Listener,
    OutboxMail,
    Subscription,
    Unlock,
)
from app.db.session import Database
from app.errors import LinkExpired, LinkUsed
from app.kinds import CourseState
from app.services import outbox, signup
from app.services.addresses import FeedAddresses
from app.services.email_addresses import parse_address
from app.services.signup import Confirmed, Press, SignUp, SignUpClosed
from feeds.tokens import FeedKeys
from tests.builders import a_course

NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
ADDRESSES = FeedAddresses(
    base_url="https://example.org", keys=FeedKeys(secrets={1: b"k" * 32}, current=1)
)


@pytest.fixture
def course_id(database: Database) -> int:
    with database.writing() as session:
        return a_course(session).id


def ask(
    database: Database, course_id: int, email: str = "kim@example.org", *, now: datetime = NOW
) -> None:
    asked = SignUp(
        course_id=course_id, name="Kim", address=parse_address(email), language="nl", zone=None
    )
    with database.writing() as session:
        signup.ask(session, asked, network="192.0.2.0/24", host="example.org", now=now)


def waiting_id(database: Database) -> int:
    newest = select(Confirmation.id).order_by(Confirmation.id.desc()).limit(1)
    with database.reading() as session:
        return session.scalars(newest).one()


def confirm(
    database: Database, confirmation_id: int, *, now: datetime = NOW, zone: str | None = None
) -> Confirmed:
    with database.writing() as session:
        return signup.confirm(
            session,
            Press(confirmation_id=confirmation_id, zone=zone),
            addresses=ADDRESSES,
            host="example.org",
            now=now,
        )


def count(database: Database, model: type) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(model)).one()


def test_asking_writes_sign_up_and_mail_together(database: Database, course_id: int) -> None:
    ask(database, course_id)
    with database.reading() as session:
        confirmation = session.scalars(select(Confirmation)).one()
        mail = session.scalars(select(OutboxMail)).one()
    assert mail.confirmation_id == confirmation.id
    assert confirmation.consent_version == "2026-11-nl"
    assert confirmation.consented_at == NOW


def test_nothing_is_written_when_the_mail_cannot_be(
    database: Database, course_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(outbox, "put", break_down)
    with pytest.raises(RuntimeError):
        ask(database, course_id)
    assert count(database, Confirmation) == 0


def test_second_press_sends_nothing_more(database: Database, course_id: int) -> None:
    ask(database, course_id)
    ask(database, course_id, "KIM@Example.org", now=NOW + timedelta(minutes=4, seconds=59))
    assert (count(database, Confirmation), count(database, OutboxMail)) == (1, 1)


def test_asking_again_after_five_minutes_sends_another_mail(
    database: Database, course_id: int
) -> None:
    ask(database, course_id)
    ask(database, course_id, now=NOW + timedelta(minutes=5))
    assert count(database, OutboxMail) == 2


def test_two_presses_at_once_are_one(database: Database, course_id: int) -> None:
    at_once(lambda: ask(database, course_id))
    assert (count(database, Confirmation), count(database, OutboxMail)) == (1, 1)


def test_one_address_gets_ten_mails_a_day(database: Database, course_id: int) -> None:
    for number in range(12):
        ask(database, course_id, now=NOW + number * timedelta(minutes=10))
    assert count(database, OutboxMail) == 10


def test_one_network_asks_only_so_often(database: Database, course_id: int) -> None:
    for number in range(signup.PER_NETWORK.times + 3):
        ask(database, course_id, f"kim{number}@example.org")
    assert count(database, OutboxMail) == signup.PER_NETWORK.times


@pytest.mark.parametrize("state", [CourseState.DRAFT, CourseState.CLOSED, CourseState.ARCHIVED])
def test_course_that_is_not_open_takes_nobody(database: Database, state: CourseState) -> None:
    with database.writing() as session:
        course = a_course(session, state=state)
    with pytest.raises(SignUpClosed):
        ask(database, course.id)


def test_confirming_makes_everything_at_once(database: Database, course_id: int) -> None:
    ask(database, course_id)
    confirmed = confirm(database, waiting_id(database))
    assert confirmed.is_new
    assert confirmed.subscription.started_at == NOW
    with database.reading() as session:
        assert session.scalars(select(Listener)).one().email == "kim@example.org"
        assert (
            session.scalars(select(FeedAddress)).one().subscription_id == confirmed.subscription.id
        )
        unlock = session.scalars(select(Unlock)).one()
        subscription = session.scalars(select(Subscription)).one()
    assert unlock.unlocked_at == NOW
    assert subscription.next_unlock_at == NOW + timedelta(days=7)


def test_used_sign_up_keeps_neither_name_nor_address(database: Database, course_id: int) -> None:
    ask(database, course_id)
    confirm(database, waiting_id(database))
    with database.reading() as session:
        used = session.scalars(select(Confirmation)).one()
    assert (used.name, used.email, used.email_key) == (None, None, None)


def test_confirm_link_works_once(database: Database, course_id: int) -> None:
    ask(database, course_id)
    confirm(database, waiting_id(database))
    with pytest.raises(LinkUsed):
        confirm(database, waiting_id(database))


def test_sign_up_can_be_confirmed_for_seven_days(database: Database, course_id: int) -> None:
    ask(database, course_id)
    number = waiting_id(database)
    with pytest.raises(LinkExpired):
        confirm(database, number, now=NOW + timedelta(days=7))
    assert confirm(database, number, now=NOW + timedelta(days=7, seconds=-1)).is_new


def test_course_that_closed_meanwhile_leaves_the_sign_up_waiting(
    database: Database, course_id: int
) -> None:
    ask(database, course_id)
    set_state(database, course_id, CourseState.CLOSED)
    with pytest.raises(SignUpClosed):
        confirm(database, waiting_id(database))
    assert count(database, Listener) == 0
    set_state(database, course_id, CourseState.OPEN)
    assert confirm(database, waiting_id(database)).is_new


def test_two_sign_ups_of_one_address_make_one_subscription(
    database: Database, course_id: int
) -> None:
    ask(database, course_id)
    first = waiting_id(database)
    ask(database, course_id, "Kim@example.org", now=NOW + timedelta(hours=1))
    second = waiting_id(database)
    kept = confirm(database, first).subscription
    again = confirm(database, second)
    assert (again.is_new, again.subscription.id) == (False, kept.id)
    assert count(database, FeedAddress) == 1


def test_two_confirms_at_once_make_one_subscription(database: Database, course_id: int) -> None:
    ask(database, course_id)
    first = waiting_id(database)
    ask(database, course_id, now=NOW + timedelta(hours=1))
    second = waiting_id(database)
    numbers = iter([first, second])
    at_once(lambda: confirm(database, next(numbers)), threads=2)
    counts = [count(database, model) for model in (Listener, Subscription, FeedAddress, Unlock)]
    assert counts == [1, 1, 1, 1]


def test_one_link_pressed_by_many_at_once_is_used_once(database: Database, course_id: int) -> None:
    ask(database, course_id)
    number = waiting_id(database)
    outcomes: list[object] = []

    def press() -> None:
        try:
            outcomes.append(confirm(database, number).is_new)
        except LinkUsed:
            outcomes.append("used")

    at_once(press)
    assert sorted(map(str, outcomes)) == ["True", "used", "used", "used"]


def test_second_course_keeps_one_listener(database: Database, course_id: int) -> None:
    with database.writing() as session:
        other = a_course(session)
    for number in (course_id, other.id):
        ask(database, number)
        confirm(database, waiting_id(database))
    assert (count(database, Listener), count(database, Subscription)) == (1, 2)


def test_zone_of_the_sign_up_wins_then_of_the_press_then_of_the_course(
    database: Database, course_id: int
) -> None:
    ask(database, course_id)
    with database.writing() as session:
        session.scalars(select(Confirmation)).one().zone = "Asia/Tokyo"
    pressed = confirm(database, waiting_id(database), zone="America/Lima")
    assert pressed.subscription.zone == "Asia/Tokyo"
    ask(database, course_id, "ben@example.org")
    assert confirm(database, waiting_id(database), zone="America/Lima").subscription.zone == (
        "America/Lima"
    )
    ask(database, course_id, "ada@example.org")
    assert confirm(database, waiting_id(database)).subscription.zone == "Europe/Amsterdam"


@pytest.mark.parametrize(
    ("typed", "known"),
    [
        ("Europe/Brussels", "Europe/Brussels"),
        ("", None),
        (None, None),
        ("Mars/Olympus", None),
        ("../../etc/passwd", None),
        ("/etc/localtime", None),
        ("x" * 500, None),
        ("Europe\x00", None),
    ],
)
def test_zone_is_taken_only_when_it_is_known(typed: str | None, known: str | None) -> None:
    assert signup.find_zone(typed) == known


def set_state(database: Database, course_id: int, state: CourseState) -> None:
    with database.writing() as session:
        _course(session, course_id).state = state


def _course(session: Session, course_id: int) -> Course:
    return session.get_one(Course, course_id)


def at_once(work: Callable[[], object], threads: int = 4) -> None:
    """Run the same thing in several threads, as near to the same moment as can be."""
    gate = threading.Barrier(threads)
    failures: list[BaseException] = []

    def run() -> None:
        gate.wait()
        try:
            work()
        except Exception as error:  # noqa: BLE001 (whatever it is, the test shall fail with it)
            failures.append(error)

    started = [threading.Thread(target=run) for _ in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    assert not failures, failures
