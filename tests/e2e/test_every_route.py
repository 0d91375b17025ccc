"""Every route of the whole house says who it is for, and Eve gets nowhere with the others.

A room that is added later is here by itself: the routes come from the url map.
"""

import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from app.db.models import Course, Subscription
from app.house import House
from app.policy import Access
from app.web.access import access_of
from tests.builders import (
    a_course,
    a_lesson,
    a_listener,
    a_membership,
    a_subscription,
    an_account,
)
from tests.web.api import a_token
from tests.web.rooms import sign_in

OPEN_TO_ALL = {Access.ANYONE, Access.LINK}
# What somebody without any business here gets: the way to the door, or nothing. A script that
# names no token is asked for one.
NOBODY = {
    Access.ACCOUNT: {303},
    Access.COURSE: {303},
    Access.LISTENER: {303},
    Access.SCRIPT: {401},
    # Closed until its setting opens it; what gets in then stands in tests/web/test_hooks.py.
    Access.PROVIDER: {404},
    # Whoever has no secret key of the house; what the doctor hears stands in tests/doctor/.
    Access.DOCTOR: {404},
    # Closed until its setting opens it; who may then stands in tests/web/test_metrics.py.
    Access.MONITOR: {404},
    Access.DEMO: {404},
}
# What Eve gets, who has an account, a course of her own to hear and a token, at somebody else's.
EVE = dict.fromkeys(
    (
        Access.COURSE,
        Access.LISTENER,
        Access.SCRIPT,
        Access.PROVIDER,
        Access.DOCTOR,
        Access.MONITOR,
        Access.DEMO,
    ),
    404,
)
# Their addresses name nothing: whoever gets in may, whoever does not finds nothing at all.
WITHOUT_NAMES = {Access.DEMO, Access.DOCTOR, Access.MONITOR, Access.PROVIDER}
# The API reads what it is sent before it looks whose course it is: so it is sent what it expects.
BODIES: dict[str, dict[str, Any]] = {
    "api.create_lesson": {"title": "Eve was here"},
    "api.edit_course": {"version": 1, "title": "Eve was here"},
    "api.edit_lesson": {"version": 1, "title": "Eve was here"},
    "api.order_lessons": {"lessons": [2, 1]},
    "api.begin_upload": {"file_name": "eve.mp3", "size_bytes": 1000},
}

# What else stands in addresses, and names nothing of anybody.
VALUES: dict[str, Any] = {"extension": "jpg", "mark": "2026-11-nl"}


@dataclass(frozen=True, kw_only=True)
class Victim:
    """Somebody's course, lesson and subscription, as they stand in addresses."""

    course_id: int
    slug: str
    lesson_id: int
    public_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class Eve:
    """A browser with a session of each kind, and a token: all hers, none for what is not hers."""

    client: FlaskClient
    token: str


@pytest.fixture
def victim(house: House) -> Victim:
    with house.database.writing() as session:
        course = a_course(session, lessons=1, slug="secret-course")
        lesson = a_lesson(session, course, position=2)
        subscription = a_subscription(session, course)
        return Victim(
            course_id=course.id,
            slug=course.slug,
            lesson_id=lesson.id,
            public_id=subscription.public_id,
        )


@pytest.fixture
def eve(app: Flask, house: House) -> Eve:
    with house.database.writing() as session:
        account, listener = an_account(session), a_listener(session)
        a_subscription(session, a_course(session), listener)
    client = app.test_client()
    sign_in(client, account)
    with client.session_transaction() as cookie:
        entered_at = int(house.clock().timestamp())
        # By a link of her own, just now: so nothing asks her for a fresh one first.
        cookie["listener"] = [listener.id, None, entered_at + 3600, entered_at, "sign-in"]
    return Eve(client=client, token=a_token(house, account).text)


def routes(app: Flask) -> list[tuple[Rule, str]]:
    """Every address with every method that it takes."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def path_of(app: Flask, rule: Rule, victim: Victim) -> str:
    """The address of the victim's own thing, where the address names one."""
    values: dict[str, Any] = {
        "course_id": victim.course_id,
        "slug": victim.slug,
        "lesson_id": victim.lesson_id,
        "public_id": victim.public_id,
        "turn": "trash" if "lesson_id" in rule.arguments else "open",
        "kind": "welcome",
        **dict.fromkeys(("recording_id", "number"), 1),
        **dict.fromkeys(("upload_id", "key", "token"), "x"),
        "side": "old" if "token" in rule.arguments else 320,
        **VALUES,
    }
    chosen = {name: values[name] for name in rule.arguments}
    return app.url_map.bind("localhost").build(
        rule.endpoint, chosen, next(iter(rule.methods or {"GET"}))
    )


def test_every_route_says_who_it_is_for(app: Flask) -> None:
    unmarked = [rule.rule for rule, _ in routes(app) if access_of(app, rule.endpoint) is None]
    assert unmarked == []


def test_every_kind_of_caller_has_its_check_here() -> None:
    assert set(NOBODY) | OPEN_TO_ALL == set(Access)
    assert set(EVE) | OPEN_TO_ALL | {Access.ACCOUNT} == set(Access)


def test_nobody_gets_in_anywhere(app: Flask, victim: Victim) -> None:
    wrong = {}
    for rule, method in routes(app):
        access = access_of(app, rule.endpoint)
        if access is None or access in OPEN_TO_ALL:
            continue
        response = app.test_client().open(path_of(app, rule, victim), method=method)
        if response.status_code not in NOBODY[access]:
            wrong[f"{method} {rule.rule}"] = response.status_code
    assert wrong == {}


def test_eve_finds_nothing_of_others(app: Flask, victim: Victim, eve: Eve) -> None:
    wrong = {}
    for rule, method in routes(app):
        access = access_of(app, rule.endpoint)
        if access not in EVE or (access not in WITHOUT_NAMES and not rule.arguments):
            continue
        response = eve.client.open(
            path_of(app, rule, victim),
            method=method,
            headers={"Authorization": f"Bearer {eve.token}"} if access is Access.SCRIPT else {},
            json=BODIES.get(rule.endpoint) if method != "GET" else None,
        )
        if response.status_code != EVE[access]:
            wrong[f"{method} {rule.rule}"] = response.status_code
    assert wrong == {}


def test_every_page_leads_to_the_source_of_this_very_version(
    app: Flask, house: House, victim: Victim
) -> None:
    insider = _insider(app, house, victim)
    link = f'href="{house.settings.source_url}"'
    without, seen = [], 0
    for rule, method in routes(app):
        if method != "GET" or rule.endpoint == "static":
            continue
        for client in (insider, app.test_client()):
            answer = client.get(path_of(app, rule, victim), follow_redirects=True)
            if answer.content_type.startswith("text/html"):
                seen += 1
                without += [rule.rule] if link not in answer.text else []
    assert without == []
    assert seen > 50


def _insider(app: Flask, house: House, victim: Victim) -> FlaskClient:
    """A browser in which the owner of the course and its listener are signed in."""
    with house.database.writing() as session:
        account = an_account(session)
        a_membership(session, account, session.get_one(Course, victim.course_id))
        listener_id = session.scalars(select(Subscription.listener_id)).first()
    client = app.test_client()
    sign_in(client, account)
    entered_at = int(house.clock().timestamp())
    with client.session_transaction() as cookie:
        cookie["listener"] = [listener_id, None, entered_at + 3600, entered_at, "sign-in"]
    return client


def test_lists_that_eve_may_see_name_nothing_of_others(victim: Victim, eve: Eve) -> None:
    headers = {"Authorization": f"Bearer {eve.token}"}
    for path in ("/admin/", "/my/", "/api/v1/courses"):
        response = eve.client.get(path, headers=headers)
        assert response.status_code == 200, path
        assert victim.slug not in response.text, path
