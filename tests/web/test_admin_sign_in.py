import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.db.models import Account
from app.house import House
from app.services import accounts
from app.services.accounts import FREE_TRIES, NewAccount
from app.services.links import Links, Purpose
from app.web.admin.sign_in import TRIES
from tests.parts.house import SettableClock
from tests.parts.letters import send_mail

PASSWORD = "a long enough password"
ANOTHER = "another long password"


@pytest.fixture
def ada(house: House) -> Account:
    with house.database.writing() as session:
        new = NewAccount(email="ada@example.org", password=PASSWORD, language="en")
        return accounts.add(session, new, now=house.clock())


def sign_in(client: FlaskClient, password: str = PASSWORD, **more: str) -> TestResponse:
    form = {"email": "ada@example.org", "password": password, **more}
    return client.post("/sign-in", data=form)


def is_in(client: FlaskClient) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.mark.usefixtures("ada")
def test_the_right_password_leads_to_the_courses(client: FlaskClient) -> None:
    response = sign_in(client)

    assert (response.status_code, response.headers["Location"]) == (303, "/admin/")
    assert is_in(client)


@pytest.mark.usefixtures("ada")
def test_signing_in_goes_on_where_somebody_wanted_to_be(client: FlaskClient) -> None:
    wanted = client.get("/admin/courses/new").headers["Location"]
    assert wanted == "/sign-in?next=/admin/courses/new"

    response = sign_in(client, next="/admin/courses/new")

    assert response.headers["Location"] == "/admin/courses/new"


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize(
    "elsewhere", ["https://eve.example/", "//eve.example/admin/", "/\\eve.example", "javascript:1"]
)
def test_signing_in_never_leads_to_another_site(client: FlaskClient, elsewhere: str) -> None:
    assert sign_in(client, next=elsewhere).headers["Location"] == "/admin/"


@pytest.mark.usefixtures("ada")
def test_a_wrong_password_and_an_unknown_address_look_the_same(client: FlaskClient) -> None:
    wrong = sign_in(client, ANOTHER)
    unknown = client.post("/sign-in", data={"email": "eve@example.org", "password": ANOTHER})

    assert (wrong.status_code, unknown.status_code) == (422, 422)
    # The token of a form names the second in which it was made.
    pages = [re.sub(r'value="[\w.-]{60,}"', "", page.text) for page in (wrong, unknown)]
    assert pages[0].replace("ada@", "eve@") == pages[1]


@pytest.mark.usefixtures("ada")
def test_what_was_typed_stays_but_for_the_password(client: FlaskClient) -> None:
    page = sign_in(client, ANOTHER).text

    assert 'value="ada@example.org"' in page
    assert ANOTHER not in page


@pytest.mark.usefixtures("ada")
def test_after_wrong_tries_a_stranger_waits_and_then_gets_in(
    app: Flask, clock: SettableClock
) -> None:
    client = app.test_client()
    for _ in range(FREE_TRIES):
        sign_in(client, ANOTHER)

    assert sign_in(client).status_code == 422
    clock.advance(timedelta(seconds=2))
    assert sign_in(client).status_code == 303


@pytest.mark.usefixtures("ada")
def test_a_device_that_was_in_before_does_not_wait_for_strangers(app: Flask) -> None:
    own, strange = app.test_client(), app.test_client()
    sign_in(own)
    own.post("/sign-in/out")
    for _ in range(FREE_TRIES + 2):
        sign_in(strange, ANOTHER)

    assert sign_in(strange).status_code == 422
    assert sign_in(own).status_code == 303


@pytest.mark.usefixtures("ada")
def test_one_network_cannot_make_us_check_passwords_without_end(client: FlaskClient) -> None:
    for _ in range(TRIES.times):
        client.post("/sign-in", data={"email": "no address", "password": "x"})

    assert sign_in(client).status_code == 429


@pytest.mark.usefixtures("ada")
def test_signing_out_ends_the_session(client: FlaskClient) -> None:
    sign_in(client)

    client.post("/sign-in/out")

    assert not is_in(client)


def test_a_changed_password_ends_sessions_elsewhere(
    client: FlaskClient, house: House, ada: Account
) -> None:
    sign_in(client)
    with house.database.writing() as session:
        accounts.change_password(session, ada.id, ANOTHER)

    assert not is_in(client)


def test_a_disabled_account_is_out_at_once(client: FlaskClient, house: House, ada: Account) -> None:
    sign_in(client)
    with house.database.writing() as session:
        session.get_one(Account, ada.id).disabled_at = house.clock()

    assert not is_in(client)


@pytest.mark.usefixtures("ada")
def test_asking_for_a_new_password_never_tells_who_has_an_account(client: FlaskClient) -> None:
    known = client.post("/sign-in/forgotten", data={"email": "ada@example.org"})
    unknown = client.post("/sign-in/forgotten", data={"email": "eve@example.org"})

    assert known.text == unknown.text


@pytest.mark.usefixtures("ada")
def test_a_new_password_is_mailed_to_an_account_and_to_nobody_else(
    client: FlaskClient, house: House
) -> None:
    for email in ("eve@example.org", "ada@example.org", "nobody@localhost"):
        client.post("/sign-in/forgotten", data={"email": email})

    assert [mail["To"] for mail in send_mail(house)] == ["ada@example.org"]


def test_a_reset_link_sets_a_password_and_leaves_the_address_bar(
    client: FlaskClient, house: House, ada: Account
) -> None:
    opened = client.get(f"/sign-in/new-password/{reset_link(house, ada)}")
    assert opened.headers["Location"] == "/sign-in/new-password"

    done = client.post("/sign-in/new-password", data={"password": ANOTHER})

    assert (done.status_code, done.headers["Location"]) == (303, "/admin/")
    assert is_in(client)
    client.post("/sign-in/out")
    assert sign_in(client).status_code == 422
    assert sign_in(client, ANOTHER).status_code == 303


def test_a_reset_link_works_once(client: FlaskClient, house: House, ada: Account) -> None:
    link = f"/sign-in/new-password/{reset_link(house, ada)}"
    client.get(link)
    client.post("/sign-in/new-password", data={"password": ANOTHER})

    client.get(link)

    assert client.get("/sign-in/new-password").status_code == 410
    assert client.post("/sign-in/new-password", data={"password": PASSWORD}).status_code == 410


def test_a_reset_link_lasts_half_an_hour(
    client: FlaskClient, house: House, ada: Account, clock: SettableClock
) -> None:
    link = f"/sign-in/new-password/{reset_link(house, ada)}"
    clock.advance(timedelta(minutes=30))

    assert client.get(link).status_code == 410


def test_a_link_for_another_purpose_sets_no_password(
    client: FlaskClient, house: House, ada: Account
) -> None:
    links = Links(keys=house.settings.secret_keys)
    token = links.sign(Purpose.SIGN_IN, ada.id, now=house.clock(), epoch=1)

    assert client.get(f"/sign-in/new-password/{token}").status_code == 404


def test_nobody_sets_a_password_without_a_link(client: FlaskClient) -> None:
    response = client.post("/sign-in/new-password", data={"password": ANOTHER})

    assert response.status_code == 410


def test_a_short_password_is_refused_with_the_reason(
    client: FlaskClient, house: House, ada: Account
) -> None:
    client.get(f"/sign-in/new-password/{reset_link(house, ada)}")

    response = client.post("/sign-in/new-password", data={"password": "x" * 11})

    assert response.status_code == 422
    assert "12" in response.text


def reset_link(house: House, account: Account) -> str:
    links = Links(keys=house.settings.secret_keys)
    return links.sign(
        Purpose.PASSWORD_RESET, account.id, now=house.clock(), epoch=account.session_epoch
    )
