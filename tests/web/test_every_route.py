"""Every route of the whole house says who it is for, and answers nobody else."""

import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.policy import Access
from app.web.access import access_of
from app.web.faces import BLUEPRINTS
from tests.web.rooms import form_of

VALUES = {
    "slug": "course",
    "token": "x",
    "public_id": str(uuid.UUID(int=1)),
    "key": "x",
    "course_id": 1,
    "lesson_id": 1,
    "recording_id": 1,
    "upload_id": "x",
    "number": 1,
    "side": 160,
    "extension": "jpg",
    "turn": "open",
    "filename": "x",
}


def _house_of_routes() -> Flask:
    app = Flask("routes")
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


APP = _house_of_routes()
ROUTES = [
    (rule, method)
    for rule in sorted(APP.url_map.iter_rules(), key=lambda rule: rule.rule)
    for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
]


def routes_for(*kinds: Access) -> list[tuple[Rule, str]]:
    return [route for route in ROUTES if access_of(APP, route[0].endpoint) in kinds]


def path_of(rule: Rule) -> str:
    values = {name: VALUES[name] for name in rule.arguments}
    if "lesson_id" in values and "turn" in values:
        values["turn"] = "trash"
    return APP.url_map.bind("localhost").build(rule.endpoint, values)


def _name(value: object) -> str:
    return value.rule if isinstance(value, Rule) else str(value)


@pytest.mark.parametrize(("rule", "method"), ROUTES, ids=_name)
def test_every_route_says_who_it_is_for(rule: Rule, method: str) -> None:
    assert access_of(APP, rule.endpoint) is not None, method


@pytest.mark.parametrize(("rule", "method"), routes_for(Access.SCRIPT), ids=_name)
def test_a_script_without_a_token_is_refused(client: FlaskClient, rule: Rule, method: str) -> None:
    answer = client.open(path_of(rule), method=method)

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("rule", "method"), routes_for(Access.LISTENER, Access.ACCOUNT, Access.COURSE), ids=_name
)
def test_somebody_without_a_session_is_shown_the_way_in(
    client: FlaskClient, rule: Rule, method: str
) -> None:
    answer = client.open(path_of(rule), method=method)

    assert answer.status_code in {302, 303, 401, 403, 404}
    assert answer.headers.get("Location", "/my/").startswith(("/my/", "/sign-in"))


@pytest.mark.parametrize(("rule", "method"), routes_for(Access.DEMO), ids=_name)
def test_outside_a_demo_its_pages_do_not_exist(
    client: FlaskClient, rule: Rule, method: str
) -> None:
    assert client.open(path_of(rule), method=method).status_code == 404


@pytest.mark.parametrize(
    ("rule", "method"),
    [route for route in routes_for(Access.LINK) if "token" in route[0].arguments],
    ids=_name,
)
def test_a_link_that_nobody_signed_opens_nothing(
    client: FlaskClient, rule: Rule, method: str
) -> None:
    assert client.open(path_of(rule), method=method).status_code == 404


def test_a_view_that_names_nobody_answers_nobody(app: Flask) -> None:
    app.add_url_rule("/my/nobody", "nobody", lambda: "secret")

    assert app.test_client().get("/my/nobody").status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_sends_is_refused(client: FlaskClient, site: str) -> None:
    answer = client.post("/my/", data={"email": "a@b.example"}, headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 403


def test_a_form_of_an_account_needs_its_own_token(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    client = app.test_client()
    page = client.get("/sign-in")
    typed = {"email": "ada@example.org", "password": "wrong"}

    assert client.post("/sign-in", data=typed).status_code == 400
    assert client.post("/sign-in", data=form_of(page) | typed).status_code != 400


def test_pages_send_no_referrer_and_run_no_inline_code(client: FlaskClient) -> None:
    answer = client.get("/")

    assert answer.headers["Referrer-Policy"] == "no-referrer"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
