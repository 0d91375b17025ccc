"""Many rows in one statement: the same on both databases, and at the same cost for each row."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.db.many import insert_many, insert_new, is_one_of, update_many
from app.db.models import Lesson, OutboxMail, Subscription, Unlock
from app.db.session import Database
from app.services.unlocking import record_due
from tests.builders import START, a_course, a_listener, a_subscription
from tests.parts.crowds import Crowd, add_crowd, analyse

WEEK = timedelta(days=7)


def a_mail(notice: str, **more: object) -> dict[str, object]:
    return {
        "notice": notice,
        "template": "complete",
        "language": "nl",
        "address": "é'\"{}@example.org",
        "ids": {"lessons": "1,2"},
        "message_id": f"<{notice}@example.org>",
        "created_at": START,
        "due_at": START,
        "is_waited_for": False,
        **more,
    }


def test_rows_come_in_as_they_are_and_the_new_ones_are_answered(database: Database) -> None:
    with database.writing() as session:
        assert insert_new(session, OutboxMail, [], unique="notice", returning=("id",)) == []
        insert_many(session, OutboxMail, [])
        insert_many(session, OutboxMail, [a_mail("one"), a_mail("two", address=None)])
        found = insert_new(
            session,
            OutboxMail,
            [a_mail("two", message_id="<again>"), a_mail("three"), a_mail("four")],
            unique="notice",
            returning=("notice", "id"),
        )
        assert {row.notice for row in found} == {"three", "four"}
    with database.reading() as session:
        kept = session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    assert [each.notice for each in kept] == ["one", "two", "three", "four"]
    assert {row.notice: row.id for row in found} == {each.notice: each.id for each in kept[2:]}
    assert (kept[0].address, kept[1].address) == ("é'\"{}@example.org", None)
    assert (kept[0].ids, kept[0].due_at, kept[0].attempts) == ({"lessons": "1,2"}, START, 0)


def test_each_row_is_set_by_its_id_and_no_other_one(database: Database) -> None:
    with database.writing() as session:
        course = a_course(session)
        ids = [a_subscription(session, course, a_listener(session)).id for _ in range(3)]
    with database.writing() as session:
        update_many(session, Subscription, [])
        rows: list[dict[str, object]] = [
            {"id": ids[0], "next_unlock_at": START + WEEK, "next_unlock_plan": 7},
            {"id": ids[2], "next_unlock_at": None, "next_unlock_plan": 8},
        ]
        update_many(session, Subscription, rows)
    with database.reading() as session:
        hers = [session.get_one(Subscription, each) for each in ids]
        among = is_one_of(session, Subscription.id, {ids[0], ids[2]})
        assert session.scalars(select(Subscription.id).where(among)).all() == [ids[0], ids[2]]
    assert [each.next_unlock_plan for each in hers] == [7, hers[1].next_unlock_plan, 8]
    assert hers[1].next_unlock_plan not in {7, 8}
    assert (hers[0].next_unlock_at, hers[2].next_unlock_at) == (START + WEEK, None)


@pytest.mark.postgres
def test_an_unlock_costs_no_look_through_all_that_waits_to_be_sent(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite keeps no plan for a foreign key")
    with database.writing() as session:
        course = a_course(session, lessons=2)
        heard = session.scalars(select(Lesson.id).order_by(Lesson.position)).first()
        assert heard is not None
        add_crowd(
            session,
            course,
            Crowd(
                count=3_000,
                first_id=1,
                started_at=START,
                next_unlock_at=START + WEEK,
                heard=[(heard, START)],
            ),
        )
        # The outbox is known to be empty: the best that there is to read all of it.
        analyse(session)
    read = []
    for _ in range(15):
        with database.writing() as session:
            before = rows_read_of_outbox(session)
            assert record_due(session, now=START + WEEK, limit=200, host="example.org") == 200
            read.append(rows_read_of_outbox(session) - before)
    assert read[-1] == 0
    with database.reading() as session:
        assert len(session.scalars(select(Unlock.id)).all()) == 6_000


def rows_read_of_outbox(session: Session) -> int:
    """By looks through all of it; what earlier transactions read may still be among it.

    PostgreSQL passes on what a connection counted once a second, not with every transaction.
    """
    statistic = "SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'outbox'"
    return int(session.scalars(text(statistic)).one())
