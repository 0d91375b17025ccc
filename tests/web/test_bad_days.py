"""Days on which clocks are wrong or change: what a podcast app gets on them, to the second."""

from datetime import datetime, timedelta

import feedparser
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Lesson, Subscription
from app.jobs.plans import carry_out
from app.jobs.unlocks import record_unlocks
from app.services import publishing
from tests.builders import START
from tests.web.conftest import SECOND, WEEK, Visit

DAY = timedelta(days=1)


def dates(visit: Visit) -> list[tuple[str, str]]:
    """Guid and date of each lesson in the feed, newest first."""
    with visit.house.database.reading() as session:
        guids = {str(lesson.guid) for lesson in session.scalars(select(Lesson))}
    found = feedparser.parse(visit.get(visit.feed).data).entries
    return [(each.id, each.published) for each in found if each.id in guids]


def begin(visit: Visit, zone: str, started_at: datetime) -> None:
    """Let her have begun then and there, in a course that is older."""

    def older(session: Session) -> None:
        for lesson in session.scalars(select(Lesson)):
            lesson.published_at = lesson.placed_at = started_at - DAY

    visit.change(older)
    visit.set(
        Subscription,
        visit.subscription_id,
        zone=zone,
        started_at=started_at,
        next_unlock_at=started_at,
    )


def test_clock_that_is_stepped_back_takes_no_lesson_out_of_a_feed(both: Visit) -> None:
    both.at(START + WEEK)
    record_unlocks(both.house)
    before = dates(both)

    both.at(START + WEEK - 3 * DAY)

    assert dates(both) == before
    assert len(before) == 2
    assert both.get(both.audio(2)).status_code == 200
    record_unlocks(both.house)
    both.at(START + 2 * WEEK - SECOND)
    assert dates(both) == before
    both.at(START + 2 * WEEK)
    assert dates(both)[1:] == before


@pytest.mark.parametrize(
    ("zone", "started_at", "opens_at"),
    [
        # Clocks go back on 25 October 2026: eight in the morning is an hour later in UTC.
        ("Europe/Amsterdam", "2026-10-18T06:00:00", "2026-10-25T07:00:00"),
        # And forward on 28 March 2027.
        ("Europe/Amsterdam", "2027-03-21T07:00:00", "2027-03-28T06:00:00"),
        # Half past two in that night is skipped: three, the first instant after it.
        ("Europe/Amsterdam", "2027-03-21T01:30:00", "2027-03-28T01:00:00"),
        # It comes twice in the other night, and the first one counts.
        ("Europe/Amsterdam", "2026-10-18T00:30:00", "2026-10-25T00:30:00"),
        # A zone with 45 minutes that never changes, and one that does on 27 September 2026.
        ("Asia/Kathmandu", "2026-10-18T06:00:00", "2026-10-25T06:00:00"),
        ("Pacific/Chatham", "2026-09-20T07:00:00", "2026-09-27T06:00:00"),
    ],
)
def test_lesson_opens_on_the_second_in_the_week_in_which_clocks_change(
    both: Visit, zone: str, started_at: str, opens_at: str
) -> None:
    began, opens = (datetime.fromisoformat(f"{each}+00:00") for each in (started_at, opens_at))
    begin(both, zone, began)

    both.at(opens - SECOND)
    assert (len(dates(both)), both.get(both.audio(2)).status_code) == (1, 403)
    both.at(opens)
    assert (len(dates(both)), both.get(both.audio(2)).status_code) == (2, 200)


def withdraw_second(visit: Visit) -> None:
    with visit.house.database.writing() as session:
        lesson = session.get_one(Lesson, visit.lesson_ids[1])
        publishing.withdraw(session, lesson, now=visit.clock())


def guid_of(visit: Visit, number: int) -> str:
    with visit.house.database.reading() as session:
        return str(session.get_one(Lesson, visit.lesson_ids[number - 1]).guid)


def test_lesson_withdrawn_while_it_is_her_next_leaves_its_week_to_the_one_after_it(
    both: Visit,
) -> None:
    withdraw_second(both.at(START + WEEK - 2 * SECOND))
    assert len(dates(both)) == 1

    both.at(START + WEEK)

    assert [guid for guid, _ in dates(both)] == [guid_of(both, 3), guid_of(both, 1)]
    assert both.get(both.audio(2)).status_code == 404
    assert both.get(both.audio(3)).status_code == 200


def test_lesson_withdrawn_in_the_last_second_before_it_is_hers_comes_and_stays(
    both: Visit,
) -> None:
    """An app may ask between the look and the commit: what it saw must not go."""
    withdraw_second(both.at(START + WEEK - SECOND))

    both.at(START + WEEK)
    record_unlocks(both.house)
    while carry_out(both.house):
        pass

    assert [guid for guid, _ in dates(both)] == [guid_of(both, 2), guid_of(both, 1)]
    assert both.get(both.audio(2)).status_code == 200
