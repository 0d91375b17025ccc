"""Eve has an account but no role, Nobody has neither, and a host may not do what owners do."""

import uuid

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app.house import House
from app.kinds import Role
from app.policy import Access
from app.services import lessons
from app.web import access
from app.web.admin import admin, uploading
from app.web.faces import BLUEPRINTS
from tests.builders import an_account
from tests.web.rooms import rooms_of, sign_in

VALUES = {
    "course_id": 1,
    "lesson_id": 1,
    "recording_id": 1,
    "turn": None,
    "kind": "welcome",
    "public_id": uuid.UUID(int=1),
    "key": "welcome",
    "number": 1,
}
OURS = (admin.name, uploading.name)


def _app_of_blueprints() -> Flask:
    app = Flask("routes")
    for blueprint in BLUEPRINTS:
        if blueprint.name in OURS:
            app.register_blueprint(blueprint)
    return app


APP = _app_of_blueprints()
ROUTES = sorted(
    (
        (rule, method)
        for rule in APP.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in OURS
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ),
    key=lambda route: (route[0].rule, route[1]),
)
COURSE_ROUTES = [
    route for route in ROUTES if access.access_of(APP, route[0].endpoint) is Access.COURSE
]
ACCOUNT_ROUTES = [
    route for route in ROUTES if access.access_of(APP, route[0].endpoint) is Access.ACCOUNT
]
OWNER_ONLY = {
    "admin.ask_turn",
    "admin.take_turn",
    "admin.under_way",
    "admin.retry_mails",
    "admin.retry_mail",
    "admin.retry_recording",
    "admin.retry_job",
    "admin.leak_room",
    "admin.choose_leak_answer",
    "admin.dismiss_leak",
}
NOT_FOR_HOSTS = OWNER_ONLY | {"admin.edit_course", "admin.save_course", "admin.upload_cover"}
NOT_FOR_HOSTS |= {
    "admin.spoken_turns",
    "admin.spoken_audio",
    "admin.replace_spoken",
    "admin.put_spoken_back",
    "admin.mail_room",
    "admin.save_mails",
    "admin.look_at_mail",
    "admin.mail_frame",
    "admin.send_test_mail",
}


def _name(value: object) -> str:
    return value.rule if isinstance(value, Rule) else str(value)


def path_of(rule: Rule, course_id: int = 1) -> str:
    adapter = APP.url_map.bind("localhost")
    values = {name: VALUES[name] for name in rule.arguments} | {"course_id": course_id}
    if "turn" in values:
        values["turn"] = "open" if "lesson_id" not in values else "withdraw"
    values = {name: value for name, value in values.items() if name in rule.arguments}
    return adapter.build(rule.endpoint, values, next(iter(rule.methods or {"GET"})))


@pytest.mark.parametrize(("rule", "method"), ROUTES, ids=_name)
def test_every_view_says_who_it_is_for(rule: Rule, method: str) -> None:
    assert access.access_of(APP, rule.endpoint) is not None, method


@pytest.mark.parametrize(("rule", "method"), COURSE_ROUTES, ids=_name)
def test_every_view_of_a_course_names_its_rule(rule: Rule, method: str) -> None:
    assert hasattr(APP.view_functions[rule.endpoint], "rule"), method


@pytest.mark.parametrize(("rule", "method"), [*COURSE_ROUTES, *ACCOUNT_ROUTES], ids=_name)
def test_nobody_is_sent_to_sign_in(app: Flask, rule: Rule, method: str) -> None:
    response = app.test_client().open(path_of(rule), method=method)

    assert response.status_code == 303
    assert response.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize(("rule", "method"), COURSE_ROUTES, ids=_name)
def test_eve_finds_nothing_where_another_course_is(
    app: Flask, house: House, rule: Rule, method: str
) -> None:
    course = rooms_of(app, house).course
    with house.database.writing() as session:
        eve = an_account(session)
    client = app.test_client()
    sign_in(client, eve)

    response = client.open(path_of(rule, course.id), method=method)

    assert response.status_code == 404
    assert course.title not in response.text


@pytest.mark.parametrize(
    ("rule", "method"),
    [route for route in COURSE_ROUTES if route[0].endpoint in NOT_FOR_HOSTS],
    ids=_name,
)
def test_a_host_does_not_change_the_course(
    app: Flask, house: House, rule: Rule, method: str
) -> None:
    rooms = rooms_of(app, house, role=Role.HOST)

    response = rooms.client.open(path_of(rule, rooms.course.id), method=method)

    assert response.status_code == 403


@pytest.mark.parametrize(
    ("rule", "method"),
    [route for route in COURSE_ROUTES if route[0].endpoint in OWNER_ONLY],
    ids=_name,
)
def test_an_editor_does_not_open_or_close(
    app: Flask, house: House, rule: Rule, method: str
) -> None:
    rooms = rooms_of(app, house, role=Role.EDITOR)

    assert rooms.client.open(path_of(rule, rooms.course.id), method=method).status_code == 403


def test_a_lesson_is_not_reached_through_another_course(app: Flask, house: House) -> None:
    bob = rooms_of(app, house, lessons=1)
    eve = rooms_of(app, house, lessons=0)
    with house.database.reading() as session:
        lesson = lessons.of_course(session, bob.course.id)[0]
        lesson_id, recording_id = lesson.id, lesson.recording_id

    for path in (f"/lessons/{lesson_id}/", f"/recordings/{recording_id}/audio"):
        assert bob.get(path).status_code in {200, 404}
        assert eve.get(path).status_code == 404
    for path in ("publish", "withdraw", "trash", "move", "transcript"):
        assert eve.post(f"/lessons/{lesson_id}/{path}").status_code == 404


def test_an_upload_of_another_account_is_not_found(app: Flask, house: House) -> None:
    bob = rooms_of(app, house, lessons=0)
    begun = bob.client.post(
        f"{bob.course_path}/uploads", json={"file_name": "a.mp3", "size_bytes": 10}
    )
    eve = rooms_of(app, house, lessons=0)

    path = f"{eve.course_path}/uploads/{begun.get_json()['id']}"

    assert eve.client.get(path).status_code == 404
    assert eve.client.delete(path).status_code == 404
    assert bob.client.get(f"{bob.course_path}/uploads/{begun.get_json()['id']}").status_code == 200


def test_a_form_without_its_token_changes_nothing(app: Flask, house: House) -> None:
    rooms = rooms_of(app, house)
    app.config["WTF_CSRF_ENABLED"] = True

    response = rooms.post("/close")

    assert response.status_code == 400
    assert "Open for sign-up" in rooms.get("/").text


def test_a_form_that_another_site_sends_is_refused(app: Flask, house: House) -> None:
    rooms = rooms_of(app, house)

    response = rooms.post("/close", headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 403
