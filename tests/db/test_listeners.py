"""Who listens to a course, as its owner reads it; on both databases."""

from datetime import timedelta

import pytest

from app.db.models import Course, Subscription
from app.db.session import Database
from app.errors import SubscriptionNotFound
from app.kinds import EndReason, SuppressionReason
from app.services import listeners, soft_bounces, suppressions, unlocking
from app.services.listeners import MOST_LINES, ListenerList
from app.services.suppressions import Trouble
from tests.builders import START, a_course, a_listener, a_subscription

DAY = timedelta(days=1)


@pytest.fixture
def course(database: Database) -> Course:
    with database.writing() as session:
        return a_course(session)


def joins(database: Database, course: Course, name: str, email: str | None = None) -> Subscription:
    with database.writing() as session:
        return a_subscription(session, course, a_listener(session, name=name, email=email))


def read(
    database: Database,
    course: Course,
    *,
    before: int | None = None,
    wanted: str = "",
    now: timedelta = timedelta(0),
) -> ListenerList:
    with database.reading() as session:
        return listeners.in_course(
            session, course.id, before=before, wanted=wanted, now=START + now
        )


def names(found: ListenerList) -> list[str]:
    return [line.name for line in found.lines]


def test_newest_come_first_and_only_those_of_the_course(database: Database, course: Course) -> None:
    with database.writing() as session:
        other = a_course(session)
    for name, place in (("Ada", course), ("Ben", course), ("Eve", other)):
        joins(database, place, name)
    found = read(database, course)
    assert names(found) == ["Ben", "Ada"]
    assert (found.total, found.lessons, found.is_more) == (2, 4, False)


def test_line_says_how_far_and_whether_mail_arrives(database: Database, course: Course) -> None:
    ben = joins(database, course, "Ben", "ben@example.org")
    noor = joins(database, course, "Noor", "noor@example.org")
    with database.writing() as session:
        unlocking.record_subscription(session, ben.id, now=START + 7 * DAY)
        trouble = Trouble(
            email_key="ben@example.org", reason=SuppressionReason.REFUSED, source="smtp"
        )
        suppressions.suppress(session, trouble, now=START)
        soft_bounces.note(session, "noor@example.org", source="x", diagnostic=None, now=START)
    second, first = read(database, course).lines
    assert (first.public_id, first.unlocked, first.reason) == (
        ben.public_id,
        2,
        SuppressionReason.REFUSED,
    )
    assert (second.public_id, second.unlocked, second.reason) == (noor.public_id, 0, None)
    assert (first.is_soft, second.is_soft) == (False, True)
    assert not read(database, course, now=soft_bounces.KEPT_FOR).lines[0].is_soft


def test_list_goes_on_where_it_was_cut(database: Database, course: Course) -> None:
    for number in range(MOST_LINES + 1):
        joins(database, course, f"Nr {number}")
    first = read(database, course)
    assert (len(first.lines), first.is_more) == (MOST_LINES, True)
    rest = read(database, course, before=first.lines[-1].id)
    assert (names(rest), rest.is_more) == (["Nr 0"], False)


@pytest.mark.parametrize("wanted", ["an de", "JAN", "j.p@", "J.P@EXAMPLE.ORG"])
def test_part_of_a_name_or_address_is_found(
    database: Database, course: Course, wanted: str
) -> None:
    joins(database, course, "Jan de Vries", "J.P@example.org")
    joins(database, course, "Zoe", "zoe@example.com")
    assert names(read(database, course, wanted=wanted)) == ["Jan de Vries"]


@pytest.mark.parametrize("wanted", ["%", "_an", "j.p@example.org%", "'"])
def test_signs_that_databases_read_as_patterns_are_letters(
    database: Database, course: Course, wanted: str
) -> None:
    joins(database, course, "Jan", "j.p@example.org")
    assert names(read(database, course, wanted=wanted)) == []


def test_who_left_stands_there_and_who_began_again_once(database: Database, course: Course) -> None:
    left, restarted = joins(database, course, "Left"), joins(database, course, "Again")
    with database.writing() as session:
        for place, reason in ((left, EndReason.LEFT), (restarted, EndReason.RESTARTED)):
            row = session.get_one(Subscription, place.id)
            row.ended_at, row.end_reason = START, reason
    found = read(database, course)
    assert names(found) == ["Left"]
    assert found.lines[0].ended_at == START
    assert found.total == 0


def test_place_in_another_course_is_not_found_here(database: Database, course: Course) -> None:
    with database.writing() as session:
        place = a_subscription(session, a_course(session))
    with database.reading() as session, pytest.raises(SubscriptionNotFound):
        listeners.get(session, course.id, place.public_id, now=START)
