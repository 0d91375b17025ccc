"""What everybody may ask of a house: which text people agreed to, from the form to the export."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import consent
from app.db.models import Confirmation, Course, Subscription
from app.house import House
from app.services import subscriptions
from app.services.links import Links, Purpose
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.consents import forget
from tests.parts.house import SettableClock
from tests.parts.letters import path_in, send_mail

KIM = {"name": "Kim", "email": "kim@example.org"}
LATER = '[[en]]\nquestion = "Why"\nanswer = "Other"\n[[nl]]\nquestion = "Waarom"\nanswer = "Anders"'


@pytest.fixture
def course(house: House) -> Course:
    with house.database.writing() as session:
        return a_course(session, slug="bloei", title="Bloei")


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the texts, as long as the first is the only one."""
    folder = tmp_path / "consents"
    folder.mkdir()
    first = (consent.FOLDER / "2026-11.toml").read_text(encoding="utf-8")
    (folder / "2026-11.toml").write_text(first, encoding="utf-8")
    monkeypatch.setattr(consent, "FOLDER", folder)
    forget()
    yield folder
    forget()


def change_text(folder: Path) -> None:
    (folder / "2027-02.toml").write_text(LATER, encoding="utf-8")
    forget()


def marks(house: House, model: type[Confirmation | Subscription]) -> list[str]:
    with house.database.reading() as session:
        return list(session.scalars(select(model.consent_version).order_by(model.id)))


def confirm(client: FlaskClient, house: House) -> None:
    path = path_in(send_mail(house)[0], "/my/confirm/")
    assert client.post(path).status_code == 303


@pytest.mark.usefixtures("course")
@pytest.mark.parametrize("language", ["nl", "en"])
def test_sign_up_keeps_the_mark_of_the_text_under_the_form(
    client: FlaskClient, house: House, language: str
) -> None:
    page = client.get(f"/bloei?lang={language}").text
    text = consent.current(language)
    assert f'name="consent" value="{text.mark}"' in page
    assert all(term.answer in page for term in text.terms)
    client.post("/bloei", data=KIM | {"consent": text.mark})
    assert marks(house, Confirmation) == [text.mark]
    assert text.mark == f"{consent.versions()[-1]}-{language}"


@pytest.mark.usefixtures("course")
def test_page_that_was_open_when_the_text_changed_is_held_to_what_it_showed(
    client: FlaskClient, house: House, texts: Path
) -> None:
    shown = consent.current("nl").mark
    change_text(texts)
    client.post("/bloei", data=KIM | {"consent": shown})
    assert marks(house, Confirmation) == ["2026-11-nl"]


@pytest.mark.usefixtures("course")
def test_page_that_confirms_shows_what_was_agreed_to(client: FlaskClient, house: House) -> None:
    client.post("/bloei", data=KIM | {"consent": "2026-11-en"})
    page = client.get(path_in(send_mail(house)[0], "/my/confirm/") + "?lang=nl").text
    assert '<dl class="terms small" lang="en">' in page
    assert "Your name, your e-mail address" in page


@pytest.mark.usefixtures("course")
def test_who_takes_part_stays_with_her_text_when_it_changes_and_gets_no_mail(
    client: FlaskClient, house: House, texts: Path
) -> None:
    client.post("/bloei", data=KIM | {"consent": "2026-11-nl"})
    confirm(client, house)
    send_mail(house)
    change_text(texts)
    assert send_mail(house) == []
    assert marks(house, Subscription) == ["2026-11-nl"]
    assert "Anders" in client.get("/bloei?lang=nl").text


@pytest.mark.usefixtures("course")
def test_who_comes_back_after_leaving_agrees_to_the_text_of_today(
    client: FlaskClient, house: House, texts: Path, clock: SettableClock
) -> None:
    client.post("/bloei", data=KIM | {"consent": "2026-11-nl"})
    confirm(client, house)
    send_mail(house)
    with house.database.writing() as session:
        first = session.scalars(select(Subscription)).one()
        subscriptions.leave(session, first.id, host="h", now=clock())
    change_text(texts)
    clock.advance(timedelta(hours=3))
    client.post("/bloei", data=KIM | {"consent": "2027-02-nl"})
    confirm(client, house)
    assert marks(house, Subscription) == ["2026-11-nl", "2027-02-nl"]


def test_old_text_is_shown_as_it_was_and_says_that_it_is_old(
    client: FlaskClient, texts: Path
) -> None:
    change_text(texts)
    old = client.get("/my/privacy/agreed/2026-11-nl?lang=en").text
    assert '<dl class="terms small" lang="nl">' in old
    assert "Je naam, je e-mailadres" in old
    assert "stood under the sign-up forms before" in old
    assert 'href="/my/privacy/agreed/2027-02-en"' in old
    assert "stands under every sign-up form now" in client.get("/my/privacy/agreed/2027-02-en").text


@pytest.mark.parametrize("mark", ["1", "2026-12-nl", "2026-11-xx", "%2e%2e"])
def test_text_that_never_was_is_not_found(client: FlaskClient, mark: str) -> None:
    assert client.get(f"/my/privacy/agreed/{mark}").status_code == 404


def enter(app: Flask, house: House, subscription: Subscription) -> FlaskClient:
    client = app.test_client()
    links = Links(keys=house.settings.secret_keys)
    client.get(f"/my/open/{links.sign(Purpose.SIGN_IN, subscription.id, now=house.clock())}")
    return client


def test_her_page_and_her_export_say_what_she_agreed_to(
    app: Flask, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        kim = a_subscription(session, course, a_listener(session), consent_version="2026-11-en")
    client = enter(app, house, kim)
    page = client.get(f"/my/course/{kim.public_id}").text
    assert 'href="/my/privacy/agreed/2026-11-en"' in page
    assert "Op maandag 1 juni 2026." in page
    found = json.loads(client.get("/my/export/json").text)["subscriptions"][0]
    assert found["consent_version"] == "2026-11-en"
    assert found["consent_text"].splitlines()[1] == (
        "Why: To give you your own lessons at the right time, and for nothing else."
    )


def test_mark_of_no_text_leads_nowhere_and_is_exported_as_it_is(
    app: Flask, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        kim = a_subscription(session, course, a_listener(session), consent_version="1")
    client = enter(app, house, kim)
    assert "/my/privacy/agreed/" not in client.get(f"/my/course/{kim.public_id}").text
    found = json.loads(client.get("/my/export/json").text)["subscriptions"][0]
    assert (found["consent_version"], found["consent_text"]) == ("1", None)
