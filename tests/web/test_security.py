"""What guards people's pages: marks, other sites, forms of their own, headers, cookies."""

import re
import secrets
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import app as package
from app import create_app
from app.house import House
from app.services import accounts
from app.services.accounts import NewAccount
from app.settings import Settings
from tests.builders import a_course
from tests.parts.house import MakeHouse
from tests.web.rooms import form_of

TEMPLATES = Path(package.__file__).parent / "templates"
# What a policy without inline code would not run: a page that has it is broken.
INLINE = re.compile(
    r"""<script(?![^>]*\ssrc=)|\sstyle\s*=|\son[a-z]+\s*=\s*["']|<style|javascript:""",
    re.IGNORECASE,
)
PASSWORD = "a long enough password"


@pytest.fixture
def secure(environ: dict[str, str], make_house: MakeHouse) -> House:
    """A house in public, behind TLS."""
    more = {
        "CADANS_BASE_URL": "https://cadans.example",
        "CADANS_MAIL": "smtp://127.0.0.1:9",
        "CADANS_MAIL_FROM": "Ada <ada@cadans.example>",
    }
    return make_house(Settings.from_env({**environ, **more}))


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


def test_no_page_holds_inline_code_or_style() -> None:
    found = {
        str(path.relative_to(TEMPLATES)): INLINE.findall(path.read_text())
        for path in TEMPLATES.rglob("*.html")
        # No page of ours but a file of hers: she opens it from her own disk.
        if path.name != "export_file.html"
    }
    assert {name: what for name, what in found.items() if what} == {}


def test_policy_lets_pages_reach_the_store_and_nothing_else(
    environ: dict[str, str], make_house: MakeHouse
) -> None:
    store = "s3://lessons?endpoint=https://s3.example&addressing=path"
    keys = {
        "CADANS_STORE": store,
        "CADANS_FEED_KEYS": f"1:{secrets.token_hex(32)}",
        "CADANS_SECRET_KEYS": secrets.token_hex(32),
    }
    house = make_house(Settings.from_env({**environ, **keys}))
    policy = (
        create_app(house.settings, house).test_client().get("/").headers["Content-Security-Policy"]
    )

    sources = {word for word in policy.replace(";", " ").split() if "://" in word or "*" in word}
    assert sources == {"https://s3.example"}


def test_pages_say_that_this_house_is_only_on_https_when_it_is(
    client: FlaskClient, secure: House
) -> None:
    behind_tls = create_app(secure.settings, secure).test_client()

    assert "Strict-Transport-Security" not in client.get("/").headers
    for path in ("/", "/no-such-page", "/api/v1/openapi.json", "/static/cadans.css"):
        with behind_tls.get(path) as answer:
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_every_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(secure: House) -> None:
    with secure.database.writing() as session:
        accounts.add(
            session, NewAccount(email="a@b.example", password=PASSWORD), now=secure.clock()
        )
        slug = a_course(session).slug
    client = create_app(secure.settings, secure).test_client()
    there = "https://cadans.example"
    page = client.get("/sign-in", base_url=there)
    typed = form_of(page) | {"email": "a@b.example", "password": PASSWORD}
    signed_in = client.post("/sign-in", base_url=there, data=typed)
    chosen = client.get(f"/{slug}?lang=nl", base_url=there)

    cookies = {
        name: cookie
        for answer in (page, signed_in, chosen)
        for header in answer.headers.getlist("Set-Cookie")
        for name, cookie in SimpleCookie(header).items()
    }

    assert signed_in.status_code == 303
    assert set(cookies) == {"__Host-cadans", "__Host-cadans-device", "language"}
    for name, cookie in cookies.items():
        assert cookie["secure"], name
        assert cookie["httponly"], name
        assert cookie["samesite"] in {"Lax", "Strict"}, name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name


@pytest.mark.parametrize(
    "way",
    ["/admin/%0d%0aSet-Cookie:%20a=b", "/admin/\r\nSet-Cookie: a=b", "/admin/..//eve.example"],
)
def test_no_address_to_go_on_to_makes_a_header_or_another_site(
    client: FlaskClient, house: House, way: str
) -> None:
    with house.database.writing() as session:
        accounts.add(session, NewAccount(email="a@b.example", password=PASSWORD), now=house.clock())

    answer = client.post(
        "/sign-in", data={"email": "a@b.example", "password": PASSWORD, "next": way}
    )

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/admin/")
    assert "\n" not in answer.headers["Location"]
    assert not any(header.startswith("a=b") for header in answer.headers.getlist("Set-Cookie"))


def test_every_redirect_stays_in_this_house(client: FlaskClient) -> None:
    for path in ("/my/course/00000000-0000-0000-0000-000000000000", "/admin/", "//eve.example/"):
        answer = client.get(
            path, headers={"Host": "eve.example", "X-Forwarded-Host": "eve.example"}
        )
        assert answer.headers.get("Location", "/").startswith("/"), path
        assert not answer.headers.get("Location", "").startswith("//"), path
