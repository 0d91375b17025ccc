"""What is due is found by index, never by a scan: both databases say how they go about it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.db.models import Course
from app.db.session import Database
from app.services import due
from tests.builders import START, a_course
from tests.parts.crowds import Crowd, add_crowd, analyse

WEEK = timedelta(days=7)
QUESTIONS: dict[str, Select[*tuple[Any, ...]]] = {
    "due": due.due(START).limit(200),
    "due in a course": due.due(START, 1).limit(200),
    "stale in a course": due.stale(1, 2).limit(200),
    "courses with stale ones": due.courses_with_stale(),
}


def plan_of(session: Session, question: Select[*tuple[Any, ...]]) -> str:
    """How the database would go about a question, in its own words."""
    is_postgres = session.get_bind().dialect.name == "postgresql"
    statement = question.compile(session.get_bind(), compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN " if is_postgres else "EXPLAIN QUERY PLAN "
    rows = session.connection().exec_driver_sql(explain + str(statement).replace("%", "%%"))
    return "\n".join(str(row[-1]) for row in rows)


def a_house_of_many(database: Database) -> None:
    """Three thousand who wait for next week in each of two courses, and a few who do not."""
    with database.writing() as session:
        for first_id, next_unlock_at, count in (
            (1, START + WEEK, 3_000),
            (10_001, START + WEEK, 3_000),
            (20_001, START, 3),
        ):
            course = a_course(session, lessons=1, plan_revision=2)
            add_crowd(
                session,
                course,
                Crowd(
                    count=count,
                    first_id=first_id,
                    started_at=START,
                    next_unlock_at=next_unlock_at,
                    plan=2 if count > 3 else 1,
                ),
            )
        analyse(session)


def test_what_is_due_is_found_by_index_and_taken_in_order_without_sorting(
    database: Database,
) -> None:
    a_house_of_many(database)
    with database.reading() as session:
        plans = {name: plan_of(session, question) for name, question in QUESTIONS.items()}
    for name, plan in plans.items():
        assert "ix_subscriptions_" in plan, name
        for costly in ("SCAN subscriptions", "Seq Scan on subscriptions", "TEMP B-TREE", "Sort"):
            assert costly not in plan, (name, plan)


def test_only_what_waits_in_a_course_is_counted_and_each_once(database: Database) -> None:
    a_house_of_many(database)
    with database.reading() as session:
        counts = [
            due.count_in_course(session, course, now=START)
            for course in session.scalars(select(Course).order_by(Course.id))
        ]
    assert counts == [0, 0, 3]
