"""What may come in at all: bodies, texts and numbers, on both databases."""

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.house import House
from app.policy import Access
from app.web.access import access_of
from app.web.bounds import BODY_BYTES, LARGEST_NUMBER, STRANGER_BYTES
from tests.builders import a_course
from tests.parts.house import environ_on
from tests.web.api import Script, a_script, an_owner
from tests.web.rooms import rooms_of

HALF_A_PAIR = '"\\ud800"'


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return environ_on(database_url, tmp_path)


@pytest.fixture
def slug(house: House) -> str:
    with house.database.writing() as session:
        return a_course(session).slug


@pytest.fixture
def script(client: FlaskClient, house: House) -> Script:
    return a_script(client, house, an_owner(house).account)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/%00", 404), ("/my/open/%00", 404), ("/sign-in?next=%00", 200), ("/?lang=%00", 200)],
)
def test_sign_that_no_table_keeps_breaks_nothing_in_an_address(
    client: FlaskClient, path: str, status: int
) -> None:
    assert client.get(path).status_code == status


def test_sign_that_no_table_keeps_breaks_nothing_in_a_form(
    app: Flask, house: House, client: FlaskClient, slug: str
) -> None:
    typed = {"name": "Kim", "email": "kim@example.org", "zone": "Europe/\0"}
    assert client.post(f"/{slug}", data=typed).status_code == 200
    assert client.post(f"/{slug}", data=typed | {"name": "Kim\0"}).status_code == 422

    rooms = rooms_of(app, house)
    assert rooms.post("/listeners", {"wanted": "a\0b"}).status_code == 200


@pytest.mark.parametrize("digits", [str(LARGEST_NUMBER + 1), "9" * 5000])
def test_number_that_no_table_keeps_names_nothing(
    app: Flask, house: House, script: Script, slug: str, digits: str
) -> None:
    assert app.test_client().get(f"/{slug}/cover-{digits}.jpg").status_code == 404
    assert rooms_of(app, house).get(f"/lessons/{digits}/").status_code == 404
    assert script.get(f"/courses/{slug}/lessons/{digits}").status_code == 404
    assert script.call("PATCH", f"/courses/{slug}/lessons/{digits}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        f'{{"title": {HALF_A_PAIR}}}',
        f'{{"title": "x", {HALF_A_PAIR}: 1}}',
        '{"title": "a\\u0000b"}',
        f'{{"title": "x", "target_seconds": {LARGEST_NUMBER}}}',
        f'{{"title": "x", "target_seconds": {LARGEST_NUMBER + 1}}}',
        f'{{"title": "x", "target_seconds": {"9" * 5000}}}',
        '{"title": "x", "target_seconds": NaN}',
        '{"title": "x", "target_seconds": -Infinity}',
        '{"title": "x", "target_seconds": 1e999}',
        b"\xff\xfe\x00",
    ],
    ids=(
        *("deep", "half a pair", "in a name", "nul", "long", "number", "digits"),
        *("nan", "infinity", "endless", "no text"),
    ),
)
def test_json_that_no_table_keeps_is_refused_in_words(script: Script, body: str | bytes) -> None:
    answer = script.call("POST", "/courses", data=body)

    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")


@pytest.mark.parametrize("body", ["[" * 100_000, "", "[]", f'{{"file_name": {HALF_A_PAIR}}}'])
def test_upload_of_a_page_that_says_nothing_useful_is_refused(
    app: Flask, house: House, body: str
) -> None:
    rooms = rooms_of(app, house)
    assert rooms.client.post(f"{rooms.course_path}/uploads", data=body).status_code == 422


def test_every_kind_of_caller_has_a_bound() -> None:
    assert set(BODY_BYTES) == set(Access)


def test_body_of_a_stranger_that_is_too_long_is_refused_in_words(
    client: FlaskClient, slug: str
) -> None:
    answer = client.post(f"/{slug}", data={"name": "x" * STRANGER_BYTES, "email": "a@b.example"})

    assert answer.status_code == 413
    assert "too big" in answer.text


def test_form_of_unknown_length_is_not_cut_off_but_refused(client: FlaskClient, slug: str) -> None:
    answer = client.post(
        f"/{slug}",
        content_type="application/x-www-form-urlencoded",
        **chunked(b"email=a@b.example&name=" + b"x" * STRANGER_BYTES),
    )

    assert answer.status_code == 411


def test_body_of_unknown_length_is_bounded_too(script: Script) -> None:
    answer = script.call("POST", "/courses", **chunked(b" " * BODY_BYTES[Access.SCRIPT]))

    assert answer.status_code == 413


def test_body_of_a_script_that_is_too_long_is_refused_in_words(script: Script) -> None:
    answer = script.call("POST", "/courses", data=b" " * (BODY_BYTES[Access.SCRIPT] + 1))

    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")


def test_no_view_takes_more_than_it_may_unless_it_says_so(app: Flask) -> None:
    larger = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if hasattr(app.view_functions[rule.endpoint], "body_size")
    }

    assert {access_of(app, endpoint) for endpoint in larger} == {Access.COURSE}


def test_body_of_unknown_length_reaches_a_script(script: Script) -> None:
    answer = script.call("POST", "/courses", **chunked(b'{"title": "Chunked"}'))

    assert (answer.status_code, answer.get_json()["title"]) == (201, "Chunked")


def chunked(body: bytes) -> dict[str, Any]:
    """A request that does not say how long its body is."""
    return {
        "input_stream": io.BytesIO(body),
        "headers": {"Transfer-Encoding": "chunked"},
        "environ_overrides": {"wsgi.input_terminated": True},
    }
