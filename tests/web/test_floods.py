"""What changes something, or costs more than a page, has a limit that all processes share."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app import create_app
from app.db.models import LimitCount, OutboxMail
from app.house import House
from app.policy import Access
from app.services import limits, signup
from app.services.limits import Limit
from app.settings import Settings
from app.web import floods
from app.web.access import access_of
from app.web.admin import sign_in as sign_in_rooms
from tests.builders import a_subscription
from tests.parts.house import MakeHouse, SettableClock
from tests.web.api import a_token
from tests.web.rooms import Rooms, rooms_of

HERE = limits.network_of("127.0.0.1")
# Each mail that it tells of may have come back: nothing is counted before it has proven who it is.
UNCOUNTED = {Access.PROVIDER, Access.DOCTOR, Access.MONITOR, Access.DEMO}
# Tighter ones, where they are kept: the answer when one is reached, and what it must not change.
TIGHTER: dict[str, tuple[Limit, int]] = {
    "/my/": (signup.PER_NETWORK, 200),
    "/sign-in": (sign_in_rooms.TRIES, 429),
    "/sign-in/forgotten": (sign_in_rooms.RESETS, 200),
}


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A browser with every kind of session, and a token."""

    rooms: Rooms
    token: str
    listener_id: int
    token_id: int
    public_id: str

    def who(self, access: Access) -> str:
        """Under which name the limits count it."""
        return {
            Access.LISTENER: str(self.listener_id),
            Access.ACCOUNT: str(self.rooms.account.id),
            Access.COURSE: str(self.rooms.account.id),
            Access.SCRIPT: str(self.token_id),
        }.get(access, HERE)


@pytest.fixture
def caller(app: Flask, house: House) -> Caller:
    rooms = rooms_of(app, house)
    with house.database.writing() as session:
        subscription = a_subscription(session, rooms.course)
    made = a_token(house, rooms.account)
    with rooms.client.session_transaction() as cookie:
        entered_at = int(house.clock().timestamp())
        cookie["listener"] = [
            subscription.listener_id, None, entered_at + 3600, entered_at, "sign-in",
        ]  # fmt: skip
    return Caller(
        rooms=rooms,
        token=made.text,
        listener_id=subscription.listener_id,
        token_id=made.token.id,
        public_id=str(subscription.public_id),
    )


@pytest.fixture
def both_kinds(environ: dict[str, str], database_url: str, make_house: MakeHouse) -> House:
    """On SQLite and on PostgreSQL."""
    keys = {
        "CADANS_DATABASE_URL": database_url,
        "CADANS_FEED_KEYS": f"1:{secrets.token_hex(32)}",
        "CADANS_SECRET_KEYS": secrets.token_hex(32),
    }
    return make_house(Settings.from_env({**environ, **keys}))


def use_up(house: House, limit: Limit, who: str) -> None:
    """As if it had been tried as often as is allowed."""
    with house.database.writing() as session:
        limits.is_within(session, limit, who, now=house.clock())
        key = limits.count_key(session, f"{limit.name}\0{who}", now=house.clock())
        row = session.scalars(select(LimitCount).where(LimitCount.sha256 == key)).one()
        row.count = limit.times


def limited(app: Flask) -> Iterator[tuple[str, str, Access, Limit]]:
    """Every address and method with a limit: endpoint, method, kind, limit."""
    for rule in app.url_map.iter_rules():
        access = access_of(app, rule.endpoint)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            limit = floods.limit_of(rule.endpoint, access, method) if access else None
            if access and limit:
                yield rule.endpoint, method, access, limit


def address_of(app: Flask, endpoint: str, caller: Caller) -> str:
    rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint)
    known: dict[str, Any] = {
        "course_id": caller.rooms.course.id,
        "slug": caller.rooms.course.slug,
        "public_id": caller.public_id,
        "turn": "trash" if "lesson_id" in rule.arguments else "open",
        "kind": "welcome",
        "side": "new",
        "extension": "jpg",
        **dict.fromkeys(("token", "upload_id", "key"), "x"),
    }
    values = {name: known.get(name, 1) for name in rule.arguments}
    return app.url_map.bind("localhost").build(
        endpoint, values, next(iter(rule.methods or {"GET"}))
    )


def test_every_route_that_changes_something_has_a_limit(app: Flask) -> None:
    free = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - floods.READING
        if (access := access_of(app, rule.endpoint)) not in UNCOUNTED
        and (access is None or floods.limit_of(rule.endpoint, access, method) is None)
    }
    assert free == set()


def test_tables_name_only_what_is_there(app: Flask) -> None:
    assert {*floods.OF_VIEW, *floods.COSTLY} <= set(app.view_functions)
    assert set(floods.OF_KIND) == set(Access)


def test_every_limit_holds_at_its_route(app: Flask, house: House, caller: Caller) -> None:
    wrong = {}
    for endpoint, method, access, limit in limited(app):
        use_up(house, limit, caller.who(access))
        answer = caller.rooms.client.open(
            address_of(app, endpoint, caller),
            method=method,
            headers={"Authorization": f"Bearer {caller.token}"} if access is Access.SCRIPT else {},
        )
        if answer.status_code != 429:
            wrong[f"{method} {endpoint}"] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize("path", TIGHTER)
def test_what_hurts_people_has_a_tighter_limit_that_writes_nothing(
    client: FlaskClient, house: House, path: str
) -> None:
    limit, status = TIGHTER[path]
    use_up(house, limit, HERE)

    answer = client.post(path, data={"email": "ada@example.org", "password": "x"})

    assert answer.status_code == status
    assert limit.times < (floods.OF_KIND[Access.ANYONE] or limit).times
    with house.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(OutboxMail)) == 0


def test_limit_is_shared_by_all_processes(
    both_kinds: House, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = Limit(name="forms", times=3, window=timedelta(hours=1))
    monkeypatch.setattr(floods, "OF_KIND", {**floods.OF_KIND, Access.ANYONE: few})
    processes = [create_app(both_kinds.settings, both_kinds).test_client() for _ in range(2)]

    answers = [processes[n % 2].post("/my/", data={"email": "no"}).status_code for n in range(5)]
    assert answers == [422, 422, 422, 429, 429]

    clock.advance(timedelta(hours=1))
    assert processes[0].post("/my/", data={"email": "no"}).status_code == 422


def test_who_is_stopped_hears_when_to_come_back(app: Flask, house: House, caller: Caller) -> None:
    limit = floods.OF_KIND[Access.SCRIPT]
    assert limit is not None
    use_up(house, limit, caller.who(Access.SCRIPT))

    answer = app.test_client().post(
        "/api/v1/courses", json={}, headers={"Authorization": f"Bearer {caller.token}"}
    )

    assert (answer.status_code, answer.content_type) == (429, "application/problem+json")
    assert answer.headers["Retry-After"] == "3600"


def test_one_person_stops_nobody_else(app: Flask, house: House, caller: Caller) -> None:
    limit = floods.OF_KIND[Access.COURSE]
    assert limit is not None
    use_up(house, limit, caller.who(Access.COURSE))

    assert caller.rooms.post("/order").status_code == 429
    assert rooms_of(app, house).post("/order").status_code != 429
