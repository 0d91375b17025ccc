"""Signs of a leak, from the fetches themselves to what is done about them, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.db.models import Course, FetchNetwork, LeakSignal, OutboxMail, PauseSpan, Subscription
from app.db.session import Database
from app.errors import SubscriptionNotFound
from app.kinds import EndReason, LeakAnswer, RetireReason, SignalKind
from app.services import addresses, leak_signs, leaks
from app.services.fetches import CLOSED, FEED, Caller, FetchBuffer, FetchKey, write_fetches
from app.services.leaks import Suspect
from tests.builders import START, a_course, a_subscription

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# Two days after the address was made: its first day never counts.
SEEN = START + 2 * DAY


@pytest.fixture
def subscription(database: Database) -> int:
    with database.writing() as session:
        return a_subscription(session, a_course(session)).id


def fetch(  # noqa: PLR0913 (each says one thing about a fetch)
    database: Database,
    subscription: int,
    *,
    at: datetime = SEEN,
    app: str = "AntennaPod",
    client: str | None = "192.0.2.1",
    subscribers: int = 0,
    resource: str = FEED,
) -> None:
    buffer = FetchBuffer(100)
    key = FetchKey(subscription, at.date(), resource, app, 304)
    caller = Caller(client, subscribers) if client else None
    buffer.count(key, bytes_sent=0, at=at, caller=caller)
    with database.writing() as session:
        leak_signs.look(session, write_fetches(session, list(buffer.take(100).items())))


def signs(database: Database) -> list[tuple[SignalKind, int, str]]:
    with database.reading() as session:
        rows = session.scalars(select(LeakSignal).order_by(LeakSignal.id))
        return [(row.kind, row.amount, row.names) for row in rows]


def suspects(database: Database, *, now: datetime = SEEN) -> list[Suspect]:
    with database.reading() as session:
        course_id = session.scalars(select(Course.id)).one()
        return leaks.of_course(session, course_id, now=now)


def allow(database: Database, answer: LeakAnswer) -> None:
    with database.writing() as session:
        leaks.choose_answer(session, session.scalars(select(Course.id)).one(), answer)


def step(database: Database, now: datetime) -> int:
    with database.writing() as session:
        return leaks.take_steps(session, host="example.org", now=now)


def told(database: Database) -> list[str]:
    with database.reading() as session:
        mails = session.scalars(
            select(OutboxMail).where(OutboxMail.template == "leak").order_by(OutboxMail.id)
        )
        return [str(mail.ids["step"]) for mail in mails]


def test_reader_that_fetches_for_two_people_is_a_sign(
    database: Database, subscription: int
) -> None:
    fetch(database, subscription, app="Feedly", subscribers=2)

    assert signs(database) == [(SignalKind.SUBSCRIBERS, 2, "Feedly")]
    assert [each.subscription.id for each in suspects(database)] == [subscription]


def test_more_people_on_one_day_make_the_same_sign_stronger(
    database: Database, subscription: int
) -> None:
    fetch(database, subscription, app="Feedly", subscribers=3)
    fetch(database, subscription, app="Inoreader", subscribers=7)
    fetch(database, subscription, app="Feedly", subscribers=2)

    assert signs(database) == [(SignalKind.SUBSCRIBERS, 7, "Inoreader")]


def test_directory_that_reads_a_private_feed_is_a_sign(
    database: Database, subscription: int
) -> None:
    fetch(database, subscription, app="Podchaser")

    assert signs(database) == [(SignalKind.DIRECTORY, 1, "Podchaser")]


def test_household_leaves_no_sign(database: Database, subscription: int) -> None:
    for app in ("AntennaPod", "Apple Podcasts", "Android player", "gPodder", "Firefox"):
        for network in range(12):
            fetch(database, subscription, app=app, client=f"198.51.{network}.7")

    assert signs(database) == []
    assert suspects(database) == []


def test_many_networks_in_one_day_are_a_sign_and_addresses_inside_one_are_one(
    database: Database, subscription: int
) -> None:
    for host in range(60):
        fetch(database, subscription, client=f"192.0.2.{host}")
    assert signs(database) == []

    for network in range(40):
        fetch(database, subscription, client=f"198.51.{network}.7")
    assert signs(database) == [(SignalKind.NETWORKS, 41, "")]


def test_no_address_and_nothing_to_find_it_by_is_written_down(
    database: Database, subscription: int
) -> None:
    with database.writing() as session:
        other = a_subscription(session, session.scalars(select(Course)).one()).id
    fetch(database, subscription)
    fetch(database, other)

    with database.reading() as session:
        digests = session.scalars(select(FetchNetwork.sha256)).all()
    # Two listeners in one network cannot be told to be so.
    assert len(set(digests)) == 2
    assert {len(each) for each in digests} == {leak_signs.HASH_BYTES}


def test_networks_go_with_their_day(database: Database, subscription: int) -> None:
    fetch(database, subscription)
    midnight = datetime.combine(SEEN.date() + DAY, datetime.min.time(), tzinfo=UTC)

    for now, left in ((midnight - timedelta(seconds=1), 1), (midnight, 0)):
        with database.writing() as session:
            leaks.forget_old(session, kept_for=90 * DAY, now=now)
            assert session.scalar(select(func.count()).select_from(FetchNetwork)) == left


def test_what_is_asked_of_an_address_that_was_replaced_is_no_sign(
    database: Database, subscription: int
) -> None:
    for number in range(20):
        fetch(database, subscription, app=f"app {number}", client=None, resource=CLOSED)
    fetch(database, subscription)

    assert signs(database) == []


def test_first_day_of_an_address_does_not_count(database: Database, subscription: int) -> None:
    fetch(database, subscription, app="Podchaser", at=START + timedelta(hours=2))

    assert signs(database) != []
    assert suspects(database) == []


def test_new_address_ends_the_suspicion(database: Database, subscription: int) -> None:
    fetch(database, subscription, app="Podchaser")
    assert suspects(database) != []

    with database.writing() as session:
        addresses.replace(session, subscription, key_number=1, reason=RetireReason.LEAKED, now=SEEN)

    assert suspects(database, now=SEEN + DAY) == []


def test_nothing_is_done_unless_the_owner_allows_it(database: Database, subscription: int) -> None:
    fetch(database, subscription, app="Podchaser")

    assert step(database, SEEN) == 0
    assert told(database) == []


def test_ladder_goes_a_step_a_week_and_only_when_it_goes_on(
    database: Database, subscription: int
) -> None:
    allow(database, LeakAnswer.PAUSE)
    fetch(database, subscription, app="Podchaser")
    assert (step(database, SEEN), step(database, SEEN + DAY)) == (1, 0)
    # A week later nothing new was seen.
    assert step(database, SEEN + WEEK) == 0

    fetch(database, subscription, app="Podchaser", at=SEEN + WEEK)
    assert step(database, SEEN + WEEK - timedelta(seconds=1)) == 0
    assert step(database, SEEN + WEEK) == 1
    fetch(database, subscription, app="Podchaser", at=SEEN + 2 * WEEK)
    assert step(database, SEEN + 2 * WEEK) == 1
    fetch(database, subscription, app="Podchaser", at=SEEN + 3 * WEEK)
    assert step(database, SEEN + 3 * WEEK) == 0

    assert told(database) == ["tell", "offer", "pause"]
    with database.reading() as session:
        pause = session.scalars(select(PauseSpan)).one()
        assert (pause.subscription_id, pause.ends_on) == (subscription, None)


def test_ladder_goes_no_further_than_allowed(database: Database, subscription: int) -> None:
    allow(database, LeakAnswer.TELL)
    for week in range(3):
        fetch(database, subscription, app="Podchaser", at=SEEN + week * WEEK)
        step(database, SEEN + week * WEEK)

    assert told(database) == ["tell"]


def test_ladder_begins_anew_with_a_new_address(database: Database, subscription: int) -> None:
    allow(database, LeakAnswer.PAUSE)
    fetch(database, subscription, app="Podchaser")
    step(database, SEEN)
    with database.writing() as session:
        addresses.replace(
            session, subscription, key_number=1, reason=RetireReason.LEAKED, now=SEEN + DAY
        )

    fetch(database, subscription, app="Podchaser", at=SEEN + 3 * DAY)
    step(database, SEEN + 3 * DAY)

    assert told(database) == ["tell", "tell"]


def test_what_the_owner_calls_fine_is_left_alone(database: Database, subscription: int) -> None:
    allow(database, LeakAnswer.PAUSE)
    fetch(database, subscription, app="Podchaser")
    with database.writing() as session:
        course_id = session.scalars(select(Course.id)).one()
        leaks.dismiss(session, course_id, subscription, now=SEEN)

    assert step(database, SEEN + WEEK) == 0
    assert [each.is_dismissed for each in suspects(database)] == [True]


def test_owner_of_another_course_dismisses_nothing(database: Database, subscription: int) -> None:
    with database.writing() as session, pytest.raises(SubscriptionNotFound):
        leaks.dismiss(session, a_course(session).id, subscription, now=SEEN)


def test_who_left_is_suspected_no_more(database: Database, subscription: int) -> None:
    allow(database, LeakAnswer.TELL)
    fetch(database, subscription, app="Podchaser")
    with database.writing() as session:
        left = session.get_one(Subscription, subscription)
        left.ended_at, left.end_reason = SEEN, EndReason.LEFT

    assert (step(database, SEEN), suspects(database)) == (0, [])
