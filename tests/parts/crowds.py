"""Subscriptions by the thousand or the million, made by the database itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    LargeBinary,
    String,
    Uuid,
    cast,
    func,
    insert,
    literal,
    select,
    text,
)
from sqlalchemy.orm import Session

from app.db.base import Instant
from app.db.models import Course, FeedAddress, Listener, Subscription, Unlock


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many listeners who all started at one instant, and stand at the same place.

    `heard`: (lesson id, instant) of each unlock that is written down. `plan`: the revision of the
    plan that `next_unlock_at` was computed from. Their ids run from `first_id`.
    """

    count: int
    first_id: int
    started_at: datetime
    next_unlock_at: datetime | None
    heard: Sequence[tuple[int, datetime]] = ()
    plan: int = 1
    key_number: int = 1


def add_crowd(session: Session, course: Course, crowd: Crowd) -> None:
    """Write them all: listeners, subscriptions, feed addresses, unlocks."""
    numbers = _numbers(crowd)
    n = numbers.c.n
    is_postgres = session.get_bind().dialect.name == "postgresql"
    address = literal("l").concat(cast(n, String)).concat("@example.org")
    at = literal(crowd.started_at, Instant)
    _put(
        session,
        Listener,
        {"id": n, "email": address, "email_key": address, "name": literal("Ben"), "created_at": at},
    )
    _put(session, Subscription, _subscription(course, crowd, n, at, is_postgres=is_postgres))
    _put(
        session,
        FeedAddress,
        {
            "random_id": _random_bytes(is_postgres=is_postgres),
            "subscription_id": n,
            "key_number": literal(crowd.key_number),
            "created_at": at,
        },
        numbers,
    )
    for lesson_id, instant in crowd.heard:
        then = literal(instant, Instant)
        _put(
            session,
            Unlock,
            {
                "subscription_id": n,
                "lesson_id": literal(lesson_id),
                "unlocked_at": then,
                "pub_at": then,
                "recorded_at": then,
            },
            numbers,
        )
    if is_postgres:
        session.execute(text("SELECT setval('listeners_id_seq', max(id)) FROM listeners"))
        session.execute(text("SELECT setval('subscriptions_id_seq', max(id)) FROM subscriptions"))


def analyse(session: Session) -> None:
    """Let the database count what it has, so that it plans as it would after a day of work."""
    session.execute(text("ANALYZE"))


def _subscription(
    course: Course,
    crowd: Crowd,
    n: ColumnElement[int],
    at: ColumnElement[datetime],
    *,
    is_postgres: bool,
) -> dict[str, ColumnElement[Any]]:
    return {
        "id": n,
        "public_id": _random_uuid(is_postgres=is_postgres),
        "listener_id": n,
        "course_id": literal(course.id),
        "started_at": at,
        "zone": literal(course.zone),
        "language": literal(course.language),
        "revision": literal(1),
        "revised_at": at,
        "next_unlock_at": literal(crowd.next_unlock_at, Instant),
        "next_unlock_plan": literal(crowd.plan),
        "consent_version": literal("1"),
        "consented_at": at,
    }


def _numbers(crowd: Crowd) -> CTE:
    last = crowd.first_id + crowd.count - 1
    numbers = select(literal(crowd.first_id).label("n")).cte("numbers", recursive=True)
    return numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < last))


def _put(
    session: Session,
    table: type[Any],
    columns: dict[str, ColumnElement[Any]],
    numbers: CTE | None = None,
) -> None:
    wanted = select(*columns.values())
    if numbers is not None:
        wanted = wanted.select_from(numbers)
    session.execute(insert(table).from_select(list(columns), wanted, include_defaults=False))


def _random_uuid(*, is_postgres: bool) -> ColumnElement[Any]:
    if is_postgres:
        return func.gen_random_uuid(type_=Uuid)
    return func.lower(func.hex(func.randomblob(16)))


def _random_bytes(*, is_postgres: bool) -> ColumnElement[Any]:
    if is_postgres:
        return func.uuid_send(func.gen_random_uuid(type_=Uuid), type_=LargeBinary)
    return func.randomblob(16, type_=LargeBinary)
