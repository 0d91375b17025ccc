"""All that is kept of her, to take along: a page, a document, an archive; for her alone."""

import io
import json
import re
from zipfile import ZipFile

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.db.models import Course, Listener, Subscription
from app.house import House
from app.services import exports
from app.services.links import Links, Purpose
from app.web.my.export_words import KEYS, PARTS
from tests.builders import a_course, a_listener, a_subscription

FILES = ("/my/export/json", "/my/export/zip")


@pytest.fixture
def subscription(house: House) -> Subscription:
    with house.database.writing() as session:
        course: Course = a_course(session, title="Bloei")
        kim: Listener = a_listener(session, email="kim@example.org", name="Kim <b>&")
        return a_subscription(session, course, kim)


def comes_in(
    app: Flask, house: House, subscription: Subscription, purpose: Purpose = Purpose.SIGN_IN
) -> FlaskClient:
    keys = house.settings.secret_keys
    client = app.test_client()
    client.get(f"/my/open/{Links(keys=keys).sign(purpose, subscription.id, now=house.clock())}")
    return client


@pytest.fixture
def kim(app: Flask, house: House, subscription: Subscription) -> FlaskClient:
    return comes_in(app, house, subscription)


def test_page_offers_both_files(kim: FlaskClient) -> None:
    page = kim.get("/my/export").text
    for path in FILES:
        assert f'href="{path}"' in page


def test_document_says_what_it_is_and_what_its_keys_mean(kim: FlaskClient) -> None:
    answer = kim.get("/my/export/json")
    assert answer.content_type == "application/json"
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="cadans-2026-06-01.json"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.is_streamed
    found = json.loads(answer.text)
    assert found["listener"]["name"] == "Kim <b>&"
    assert found["keys"]["started_at"] == "Begonnen op"


def test_archive_holds_the_document_and_a_page_in_her_language(kim: FlaskClient) -> None:
    answer = kim.get("/my/export/zip")
    assert answer.is_streamed
    with ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["cadans.html", "cadans.json"]
        page = archive.read("cadans.html").decode()
        found = json.loads(archive.read("cadans.json"))
    assert '<html lang="nl">' in page
    assert "Kim &lt;b&gt;&amp;" in page
    address = found["subscriptions"][0]["feed_addresses"][0]["url"]
    assert re.fullmatch(r"http://\S+/f/[a-z2-7]{40}\.xml", address)
    assert address in page
    assert "Bloei" in page


def test_every_key_and_every_part_has_its_words(kim: FlaskClient) -> None:
    assert {part.key for part in exports.PARTS} == set(PARTS)
    columns = {
        column.name
        for part in exports.PARTS
        for column in part.row.__table__.columns
        if column.name != "id" and not column.foreign_keys and column.name not in part.leave_out
    }
    top = {"consent_text", "format", "version", "made_at", "house", "keys", "parts"}
    assert columns | top | {"course", "lesson", "title", "slug", "url"} == set(KEYS)
    assert kim.get("/my/export/json").status_code == 200


def test_only_a_fresh_link_that_she_asked_for_opens_it(
    app: Flask, house: House, subscription: Subscription
) -> None:
    borrowed = comes_in(app, house, subscription, Purpose.MANAGE)
    for path in ("/my/export", *FILES):
        assert borrowed.get(path).status_code == 403
        assert "/f/" not in borrowed.get(path).text
        assert app.test_client().get(path).headers["Location"] == "/my/"


def test_eve_gets_her_own(app: Flask, house: House, subscription: Subscription) -> None:
    with house.database.writing() as session:
        course = session.get_one(Course, subscription.course_id)
        eve = a_subscription(session, course, a_listener(session, email="eve@example.org"))
    client = comes_in(app, house, eve)
    for path in ("/my/export", "/my/export/json"):
        assert "kim@" not in client.get(path).text
    found = json.loads(client.get("/my/export/json").text)
    assert found["listener"]["email"] == "eve@example.org"
    assert len(found["subscriptions"]) == 1
