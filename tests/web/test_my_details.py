"""Her name, her language, and another e-mail address that both mailboxes said yes to."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.db.models import EmailChange, Listener, Subscription
from app.house import House
from app.services import mailing
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import SettableClock
from tests.parts.letters import html_of, path_in, send_mail, text_of

NEW = "kim.new@example.org"


@pytest.fixture
def listener(house: House) -> Listener:
    with house.database.writing() as session:
        listener = a_listener(session, email="kim@example.org", name="Kim")
        for _ in range(2):
            a_subscription(session, a_course(session), listener, language="en")
        return listener


@pytest.fixture
def kim(client: FlaskClient, house: House, listener: Listener) -> FlaskClient:
    sign_in(client, house, listener)
    return client


def sign_in(client: FlaskClient, house: House, listener: Listener, only: int | None = None) -> None:
    with client.session_transaction() as cookie:
        now = int(house.clock().timestamp())
        cookie["listener"] = [listener.id, only, now + 86_400 * 30, now, "sign-in"]


def email_of(house: House, listener: Listener) -> str:
    with house.database.reading() as session:
        return session.get_one(Listener, listener.id).email


def ask(kim: FlaskClient, house: House, email: str = NEW) -> dict[str, EmailMessage]:
    """Ask for another address; answer the mails by whom they went to."""
    assert kim.post("/my/email", data={"email": email}).status_code == 200
    return {str(mail["To"]): mail for mail in send_mail(house)}


def paths(mails: dict[str, EmailMessage]) -> tuple[str, str]:
    return path_in(mails["kim@example.org"], "/my/email/old/"), path_in(
        mails[NEW], "/my/email/new/"
    )


def test_name_and_language_can_be_changed(
    kim: FlaskClient, house: House, listener: Listener
) -> None:
    kim.get("/my/details?lang=en")
    answer = kim.post("/my/details", data={"name": " Kim  de Vries ", "language": "nl"})
    assert answer.headers["Location"] == "/my/"
    # The page follows what she chose for herself.
    assert 'lang="nl"' in kim.get("/my/").text
    with house.database.reading() as session:
        assert session.get_one(Listener, listener.id).name == "Kim de Vries"
        assert set(session.scalars(select(Subscription.language))) == {"nl"}


@pytest.mark.parametrize(("name", "language"), [("", "nl"), ("Kim\x00", "nl"), ("Kim", "de")])
def test_no_name_and_a_language_nobody_speaks_here_are_refused(
    kim: FlaskClient, house: House, listener: Listener, name: str, language: str
) -> None:
    answer = kim.post("/my/details", data={"name": name, "language": language})
    assert answer.status_code == 422
    with house.database.reading() as session:
        assert session.get_one(Listener, listener.id).name == "Kim"
        assert set(session.scalars(select(Subscription.language))) == {"en"}


def test_by_the_link_of_one_course_only_its_language_changes(
    client: FlaskClient, house: House, listener: Listener
) -> None:
    with house.database.reading() as session:
        one, other = session.scalars(select(Subscription).order_by(Subscription.id)).all()
    sign_in(client, house, listener, only=one.id)
    client.post("/my/details", data={"name": "Eve", "language": "nl"})
    with house.database.reading() as session:
        assert session.get_one(Listener, listener.id).name == "Kim"
        assert session.get_one(Subscription, one.id).language == "nl"
        assert session.get_one(Subscription, other.id).language == "en"


def test_address_changes_once_both_mailboxes_said_yes(
    kim: FlaskClient, app: Flask, house: House, listener: Listener
) -> None:
    old, new = paths(ask(kim, house))
    elsewhere = app.test_client()
    for path in (old, new):
        # Mail scanners follow links.
        assert elsewhere.get(path).status_code == 200
    assert "That is one of two" in elsewhere.post(new).text
    assert "That is one of two" in elsewhere.post(new).text
    assert email_of(house, listener) == "kim@example.org"
    assert "Your address has changed" in elsewhere.post(old).text
    assert email_of(house, listener) == NEW
    (told,) = send_mail(house)
    assert told["To"] == "kim@example.org"
    # The mailbox of before may be somebody else's by now.
    assert NEW not in text_of(told)
    for path in (old, new):
        assert elsewhere.get(path).status_code == 410
        assert elsewhere.post(path).status_code == 410


def test_mail_to_the_new_address_holds_no_word_of_hers(kim: FlaskClient, house: House) -> None:
    kim.post("/my/details", data={"name": "Buy pills at pills.example", "language": "en"})
    mail = ask(kim, house)[NEW]
    for text in (text_of(mail), html_of(mail), str(mail["Subject"])):
        assert "pills" not in text
        assert "kim@example.org" not in text


def test_link_of_one_mailbox_is_no_yes_of_the_other(
    kim: FlaskClient, house: House, listener: Listener
) -> None:
    old, new = paths(ask(kim, house))
    assert kim.post(old.replace("/old/", "/new/")).status_code == 404
    assert kim.post(new.replace("/new/", "/old/")).status_code == 404
    kim.post(new)
    assert email_of(house, listener) == "kim@example.org"


def test_address_of_somebody_else_answers_the_same_and_changes_nothing(
    kim: FlaskClient, house: House, listener: Listener
) -> None:
    with house.database.writing() as session:
        a_listener(session, email="ben@example.org")
    free = kim.post("/my/email", data={"email": NEW})
    taken = kim.post("/my/email", data={"email": "ben@example.org"})
    assert free.status_code == taken.status_code == 200
    assert free.text.replace(NEW, "x") == taken.text.replace("ben@example.org", "x")
    mails = {str(mail["To"]): mail for mail in send_mail(house)}
    assert set(mails) == {"kim@example.org"}
    assert (
        "That is one of two" in kim.post(path_in(mails["kim@example.org"], "/my/email/old/")).text
    )
    assert email_of(house, listener) == "kim@example.org"


def test_address_that_somebody_takes_meanwhile_stays_theirs(
    kim: FlaskClient, house: House, listener: Listener
) -> None:
    old, new = paths(ask(kim, house))
    kim.post(old)
    with house.database.writing() as session:
        a_listener(session, email=NEW)
    assert "Nothing was changed" in kim.post(new).text
    assert email_of(house, listener) == "kim@example.org"


def test_wish_is_forgotten_after_seven_days(
    kim: FlaskClient, house: House, clock: SettableClock, listener: Listener
) -> None:
    old, new = paths(ask(kim, house))
    kim.post(old)
    clock.advance(timedelta(days=7))
    assert kim.post(new).status_code == 410
    assert email_of(house, listener) == "kim@example.org"
    mailing.forget_old(house)
    with house.database.reading() as session:
        assert session.scalars(select(EmailChange)).all() == []


def test_links_of_an_earlier_wish_say_yes_to_nothing(
    kim: FlaskClient, house: House, clock: SettableClock, listener: Listener
) -> None:
    old, new = paths(ask(kim, house))
    clock.advance(timedelta(seconds=1))
    ask(kim, house, "other@example.org")
    for path in (old, new):
        assert kim.post(path).status_code == 410
    with house.database.reading() as session:
        change = session.scalars(select(EmailChange)).one()
    assert (change.email, change.old_said_yes_at, change.new_said_yes_at) == (
        "other@example.org",
        None,
        None,
    )
    assert email_of(house, listener) == "kim@example.org"


@pytest.mark.parametrize("typed", ["", "kim", "KIM@example.org", "a@b\r\nBcc: eve@example.org"])
def test_what_is_no_new_address_is_refused(kim: FlaskClient, house: House, typed: str) -> None:
    assert kim.post("/my/email", data={"email": typed}).status_code == 422
    assert send_mail(house) == []


def test_another_address_asks_for_a_fresh_sign_in(
    kim: FlaskClient, house: House, clock: SettableClock
) -> None:
    clock.advance(timedelta(minutes=30))
    assert kim.get("/my/email").status_code == 403
    assert kim.post("/my/email", data={"email": NEW}).status_code == 403
    assert send_mail(house) == []


def test_session_from_before_a_listener_is_not_hers(
    kim: FlaskClient, house: House, clock: SettableClock, listener: Listener
) -> None:
    # SQLite gives the number of the last row again once that row is gone.
    clock.advance(timedelta(hours=1))
    with house.database.writing() as session:
        session.execute(delete(Subscription))
        session.execute(delete(Listener))
        other = Listener(
            id=listener.id, email="z@example.org", email_key="z", name="Zoe", created_at=clock()
        )
        session.add(other)
    page = kim.get("/my/").text
    assert "z@example.org" not in page
    assert "You need no password here" in page or "geen wachtwoord" in page
