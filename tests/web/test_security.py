"""What guards people's pages: marks, other sites, forms of their own, headers."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.rooms import form_of


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/my/open/x", "GET"),
        ("/my/confirm/x", "GET"),
        ("/my/confirm/x", "POST"),
        ("/my/unsubscribe/x", "GET"),
        ("/my/unsubscribe/x", "POST"),
        ("/sign-in/new-password/x", "GET"),
    ],
)
def test_a_link_that_nobody_signed_opens_nothing(
    client: FlaskClient, path: str, method: str
) -> None:
    assert client.open(path, method=method).status_code == 404


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
