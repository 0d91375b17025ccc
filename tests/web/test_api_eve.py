"""Every operation of the API against Eve: no token, a dead one, one of elsewhere."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.house import House
from app.kinds import Role
from app.policy import Access
from app.services import api_tokens, uploads
from app.services.wanted_files import Known, Wanted
from app.web.api.face import OPERATIONS, PREFIX, Operation
from tests.builders import a_membership, an_account
from tests.parts.house import SettableClock
from tests.web.api import Made, Script, a_script, a_token, an_owner

# Those that anybody may call, and those that name no course of somebody else's.
CLOSED = {name: each for name, each in OPERATIONS.items() if each.access is Access.SCRIPT}
OF_A_COURSE = {name: each for name, each in CLOSED.items() if "<" in each.path}


@pytest.fixture
def owner(house: House) -> Made:
    return an_owner(house, lessons=1)


@pytest.fixture
def paths(house: House, owner: Made) -> dict[str, str]:
    """The path of every operation, about things of the owner's that are there."""
    wanted = Wanted(
        course_id=owner.course.id, account_id=owner.account.id, file_name="a.mp3", size_bytes=9
    )
    upload = uploads.begin(house, wanted, now=house.clock())
    assert not isinstance(upload, Known)
    values = {
        "<slug>": owner.course.slug,
        "<int:lesson_id>": "1",
        "<upload_id>": upload.public_id,
        "<int:number>": "1",
    }
    return {name: _filled(each, values) for name, each in OPERATIONS.items()}


def _filled(operation: Operation, values: dict[str, str]) -> str:
    path = operation.path
    for hole, value in values.items():
        path = path.replace(hole, value)
    return path


# What would be done, were Eve let in.
BODIES: dict[str, dict[str, Any]] = {
    "create_course": {"title": "Hers"},
    "edit_course": {"version": 1, "title": "Hers"},
    "create_lesson": {"title": "Hers"},
    "edit_lesson": {"version": 1, "title": "Hers"},
    "order_lessons": {"lessons": [1]},
    "begin_upload": {"file_name": "hers.mp3", "size_bytes": 9},
}


def body_of(name: str) -> dict[str, Any]:
    if OPERATIONS[name].takes_bytes:
        return {"data": b"123456789"}
    return {"json": BODIES.get(name, {})}


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer x", "Basic YTpi", f"Bearer cadans_{'0' * 64}"]
)
def test_without_a_good_token_there_is_nothing(
    client: FlaskClient, paths: dict[str, str], name: str, header: str | None
) -> None:
    operation = CLOSED[name]
    headers = {"Authorization": header} if header else {}

    answer = client.open(
        PREFIX + paths[name], method=operation.method, headers=headers, **body_of(name)
    )

    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", OF_A_COURSE)
def test_another_account_sees_no_such_thing(
    client: FlaskClient, house: House, paths: dict[str, str], name: str
) -> None:
    eve = a_script(client, house, an_owner(house).account)
    operation = OF_A_COURSE[name]

    answer = eve.call(operation.method, paths[name], **body_of(name))

    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("name", OF_A_COURSE)
def test_a_token_of_another_course_opens_no_such_thing(
    client: FlaskClient, house: House, owner: Made, paths: dict[str, str], name: str
) -> None:
    other = an_owner(house)
    with house.database.writing() as session:
        a_membership(session, owner.account, other.course)
    token = a_token(house, owner.account, course=other.course).text
    operation = OF_A_COURSE[name]

    answer = Script(client=client, token=token).call(operation.method, paths[name], **body_of(name))

    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize("name", ["get_upload", "put_part", "complete_upload", "abort_upload"])
def test_a_colleague_on_the_same_course_has_no_business_with_an_upload(
    client: FlaskClient, house: House, owner: Made, paths: dict[str, str], name: str
) -> None:
    with house.database.writing() as session:
        colleague = an_account(session)
        a_membership(session, colleague, owner.course, Role.EDITOR)
    operation = OPERATIONS[name]

    answer = a_script(client, house, colleague).call(operation.method, paths[name], **body_of(name))

    assert answer.status_code == 404


def test_a_revoked_token_opens_nothing(client: FlaskClient, house: House, owner: Made) -> None:
    made = a_token(house, owner.account)
    with house.database.writing() as session:
        api_tokens.revoke(session, made.token.id, now=house.clock())

    assert Script(client=client, token=made.text).get("/courses").status_code == 401


def test_a_token_opens_until_the_second_in_which_it_expires(
    client: FlaskClient, house: House, owner: Made, clock: SettableClock
) -> None:
    expires_at = house.clock() + timedelta(hours=1)
    script = Script(client=client, token=a_token(house, owner.account, expires_at=expires_at).text)

    clock.advance(timedelta(minutes=59, seconds=59))
    before = script.get("/courses").status_code
    clock.advance(timedelta(seconds=1))

    assert (before, script.get("/courses").status_code) == (200, 401)


def test_the_token_of_a_disabled_account_opens_nothing(
    client: FlaskClient, house: House, owner: Made
) -> None:
    script = a_script(client, house, owner.account)
    with house.database.writing() as session:
        session.merge(owner.account).disabled_at = house.clock()

    assert script.get("/courses").status_code == 401


def test_a_token_of_one_course_lists_only_that_one_and_makes_none(
    client: FlaskClient, house: House, owner: Made
) -> None:
    other = an_owner(house)
    with house.database.writing() as session:
        a_membership(session, owner.account, other.course)
    script = Script(client=client, token=a_token(house, owner.account, course=owner.course).text)

    listed = [each["slug"] for each in script.get("/courses").get_json()["items"]]

    assert listed == [owner.course.slug]
    assert script.post("/courses", {"title": "More"}).status_code == 403


def test_only_the_digest_of_a_token_is_kept(house: House, owner: Made) -> None:
    made = a_token(house, owner.account)

    assert made.text.startswith("cadans_")
    assert made.text.encode() not in made.token.sha256
    assert len(made.token.sha256) == 32


def test_last_use_is_noted_once_a_minute(
    client: FlaskClient, house: House, owner: Made, clock: SettableClock
) -> None:
    script = a_script(client, house, owner.account)
    first = house.clock()
    script.get("/courses")
    clock.advance(timedelta(seconds=59))
    script.get("/courses")

    with house.database.reading() as session:
        (token,) = api_tokens.of_account(session, owner.account.id)
    assert token.last_used_at == first


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": "x", "colour": "red"}, "colour"),
        ({"title": 3}, "title"),
        ({}, "title"),
        ({"title": "x", "target_seconds": True}, "target_seconds"),
        ({"title": ""}, "title"),
        ([], "body"),
    ],
)
def test_a_body_that_is_not_as_described_is_refused_by_field(
    client: FlaskClient, house: House, owner: Made, body: object, field: str
) -> None:
    answer = a_script(client, house, owner.account).post("/courses", body)

    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert field in answer.get_json()["errors"]


def test_a_body_that_is_no_json_is_refused(client: FlaskClient, house: House, owner: Made) -> None:
    script = a_script(client, house, owner.account)

    assert script.call("POST", "/courses", data=b"{").status_code == 422


def test_every_route_of_the_api_is_described_and_nothing_else_is(
    app: Flask, client: FlaskClient
) -> None:
    described = client.get(f"{PREFIX}/openapi.json").get_json()
    found = {
        (path, method.upper()) for path, methods in described["paths"].items() for method in methods
    }
    routed = {
        (_as_template(rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(PREFIX)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert found == routed


def test_every_reference_in_the_description_leads_somewhere(client: FlaskClient) -> None:
    described = client.get(f"{PREFIX}/openapi.json").get_json()

    missing = set(_references(described)) - {
        f"#/components/schemas/{name}" for name in described["components"]["schemas"]
    }
    assert missing == set()


def _as_template(rule: str) -> str:
    return rule.replace("<int:", "{").replace("<", "{").replace(">", "}")


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [each for value in node.values() for each in _references(value)]
    return [each for item in node for each in _references(item)] if isinstance(node, list) else []
