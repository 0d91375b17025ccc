"""Mail that comes back for now stops nothing and is shown for a month; on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db.models import Course, SoftBounce, Subscription, Suppression
from app.db.session import Database
from app.kinds import EndReason, SuppressionReason
from app.mail.reports import Kind, Report
from app.services import returns, soft_bounces, suppressions
from app.services.suppressions import Trouble
from tests.builders import START, a_course, a_listener, a_subscription

BEN = "ben@example.org"
DAY = timedelta(days=1)


@pytest.fixture
def course(database: Database) -> Course:
    with database.writing() as session:
        return a_course(session)


@pytest.fixture
def ben(database: Database, course: Course) -> Subscription:
    with database.writing() as session:
        return a_subscription(session, course, a_listener(session, email=BEN))


def come_back(database: Database, *, after: timedelta = timedelta(0), to: str = BEN) -> bool:
    report = Report(kind=Kind.SOFT, recipient=to, diagnostic="452 4.2.2")
    with database.writing() as session:
        return returns.take(session, report, source="ses", is_trusted=True, now=START + after)


def counts(database: Database) -> list[int]:
    with database.reading() as session:
        return list(session.scalars(select(SoftBounce.count)))


def seen(database: Database, course: Course, *, after: timedelta = timedelta(0)) -> list[str]:
    with database.reading() as session:
        found = soft_bounces.in_course(session, course.id, limit=10, now=START + after)
        return [each.email for each in found]


def test_it_is_counted_and_stops_nothing(
    database: Database, course: Course, ben: Subscription
) -> None:
    assert not come_back(database)
    assert not come_back(database, after=DAY)
    with database.reading() as session:
        (found,) = soft_bounces.in_course(session, course.id, limit=10, now=START + DAY)
        assert session.scalars(select(Suppression)).all() == []
    assert (found.public_id, found.count, found.last_at) == (ben.public_id, 2, START + DAY)
    assert found.diagnostic == "452 4.2.2"


@pytest.mark.usefixtures("ben")
def test_it_is_forgotten_after_a_month(database: Database, course: Course) -> None:
    come_back(database)
    assert seen(database, course, after=30 * DAY - timedelta(seconds=1)) == [BEN]
    assert seen(database, course, after=30 * DAY) == []
    with database.writing() as session:
        assert soft_bounces.forget_old(session, now=START + 30 * DAY) == 1
    assert counts(database) == []


def test_stranger_is_not_written_down(database: Database) -> None:
    come_back(database, to="eve@example.org")
    assert counts(database) == []


def test_report_that_proves_nothing_and_names_no_mail_of_ours_is_not_believed(
    database: Database, ben: Subscription
) -> None:
    report = Report(kind=Kind.SOFT, recipient=BEN)
    with database.writing() as session:
        returns.take(session, report, source="mailbox", is_trusted=False, now=START)
    assert counts(database) == []
    assert ben.ended_at is None


@pytest.mark.usefixtures("ben")
def test_mail_that_is_only_late_is_not_written_down(database: Database) -> None:
    report = Report(kind=Kind.DELAYED, recipient=BEN)
    with database.writing() as session:
        returns.take(session, report, source="ses", is_trusted=True, now=START)
    assert counts(database) == []


@pytest.mark.usefixtures("ben")
def test_who_gets_no_mail_at_all_stands_in_the_other_list(
    database: Database, course: Course
) -> None:
    come_back(database)
    with database.writing() as session:
        trouble = Trouble(email_key=BEN, reason=SuppressionReason.HARD_BOUNCE, source="smtp")
        suppressions.suppress(session, trouble, now=START)
    assert seen(database, course) == []


def test_who_left_and_who_is_of_another_course_is_not_listed(
    database: Database, course: Course, ben: Subscription
) -> None:
    come_back(database)
    with database.writing() as session:
        other = a_course(session)
        row = session.get_one(Subscription, ben.id)
        row.ended_at, row.end_reason = START, EndReason.LEFT
    assert seen(database, course) == []
    assert seen(database, other) == []


@pytest.mark.parametrize(("made", "left"), [(-DAY, [1]), (DAY, [])])
def test_link_mailed_after_it_and_opened_forgets_it(
    database: Database, ben: Subscription, made: timedelta, left: list[int]
) -> None:
    come_back(database)
    with database.writing() as session:
        suppressions.answered(session, ben.listener_id, made_at=START + made, now=START + 2 * DAY)
    assert counts(database) == left
