"""Erase me, on her pages and in her mails: asked, undone, carried out, and what links say then."""

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db.models import Course, Erasure, Listener, OutboxMail, Subscription
from app.house import House
from app.jobs.erasing import erase_next
from app.services.links import Links, Purpose
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import SettableClock
from tests.parts.letters import path_in, send_mail, text_of

DAY = timedelta(days=1)


class Home:
    """A listener with one course, and the ways in."""

    def __init__(self, app: Flask, house: House, clock: SettableClock) -> None:
        self.app, self.house, self.clock = app, house, clock
        with house.database.writing() as session:
            self.course: Course = a_course(session, slug="bloei", title="Bloei")
            self.listener: Listener = a_listener(session, email="mathilde@example.org")
            self.subscription: Subscription = a_subscription(session, self.course, self.listener)

    def link(self, purpose: Purpose, row_id: int) -> str:
        keys = self.house.settings.secret_keys
        return Links(keys=keys).sign(purpose, row_id, now=self.house.clock())

    def comes_in(self, purpose: Purpose = Purpose.SIGN_IN) -> FlaskClient:
        client = self.app.test_client()
        client.get(f"/my/open/{self.link(purpose, self.subscription.id)}")
        return client

    def due(self) -> list[datetime]:
        with self.house.database.reading() as session:
            return list(session.scalars(select(Erasure.due_at)))

    def is_here(self) -> bool:
        with self.house.database.reading() as session:
            return session.get(Listener, self.listener.id) is not None


@pytest.fixture
def home(app: Flask, house: House, clock: SettableClock) -> Home:
    return Home(app, house, clock)


@pytest.fixture
def mathilde(home: Home) -> FlaskClient:
    return home.comes_in()


def test_page_says_what_goes_and_what_stays(mathilde: FlaskClient) -> None:
    page = mathilde.get("/my/erase").text
    for words in ("mathilde@example.org", "Wat er weggaat", "Wat er blijft", "Wis mij"):
        assert words in page


def test_asking_changes_nothing_for_a_day(
    home: Home, mathilde: FlaskClient, house: House, clock: SettableClock
) -> None:
    answer = mathilde.post("/my/erase")
    assert answer.headers["Location"] == "/my/"
    assert home.due() == [clock() + DAY]
    clock.advance(DAY - timedelta(seconds=1))
    assert erase_next(house) == 0
    assert mathilde.get(f"/my/follow/{home.subscription.public_id}").status_code == 200
    clock.advance(timedelta(seconds=1))
    assert (erase_next(house), erase_next(house)) == (1, 0)
    assert not home.is_here()


def test_her_page_shows_it_with_a_button_to_undo(home: Home, mathilde: FlaskClient) -> None:
    mathilde.post("/my/erase")
    page = mathilde.get("/my/").text
    assert "Je wordt gewist" in page
    assert 'action="/my/erase/undo"' in page
    assert mathilde.post("/my/erase/undo").headers["Location"] == "/my/"
    assert home.due() == []
    assert "Je wordt gewist" not in mathilde.get("/my/").text


def test_mail_undoes_it_with_a_button_that_no_scanner_presses(
    home: Home, mathilde: FlaskClient, house: House
) -> None:
    mathilde.post("/my/erase")
    (mail,) = send_mail(house)
    path = path_in(mail, "/my/keep/")
    stranger = home.app.test_client()
    for _ in range(2):
        assert stranger.get(path).status_code == 200
    assert home.due() != []
    for _ in range(2):
        answer = stranger.post(path)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert home.due() == []
    assert "nergens heen" in stranger.get(path).text


def test_only_a_fresh_link_that_she_asked_for_lets_her_ask(
    home: Home, mathilde: FlaskClient, clock: SettableClock
) -> None:
    borrowed = home.comes_in(Purpose.MANAGE)
    clock.advance(timedelta(minutes=30))
    for client in (mathilde, borrowed):
        assert client.get("/my/erase").status_code == 403
        assert client.post("/my/erase").status_code == 403
    assert home.app.test_client().post("/my/erase").headers["Location"] == "/my/"
    assert home.due() == []


def test_eve_undoes_nothing(home: Home, mathilde: FlaskClient, house: House) -> None:
    mathilde.post("/my/erase")
    with house.database.writing() as session:
        eve = a_subscription(session, session.get_one(Course, home.course.id))
    own = home.app.test_client()
    own.get(f"/my/open/{home.link(Purpose.SIGN_IN, eve.id)}")
    own.post("/my/erase/undo")
    home.comes_in(Purpose.MANAGE).post("/my/erase/undo")
    for purpose in (Purpose.SIGN_IN, Purpose.MANAGE, Purpose.UNSUBSCRIBE):
        for number in (home.listener.id, home.subscription.id):
            assert own.post(f"/my/keep/{home.link(purpose, number)}").status_code == 404
    own.post("/my/keep/forged")
    assert len(home.due()) == 1


def test_another_site_presses_no_button(app: Flask, home: Home, mathilde: FlaskClient) -> None:
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert mathilde.post("/my/erase", headers=elsewhere).status_code == 403
    app.config["WTF_CSRF_ENABLED"] = True
    assert mathilde.post("/my/erase").status_code == 400
    assert home.due() == []


def test_last_mail_is_sent_once_and_leaves_no_row(
    home: Home, mathilde: FlaskClient, house: House, clock: SettableClock
) -> None:
    mathilde.post("/my/erase")
    send_mail(house)
    clock.advance(DAY)
    erase_next(house)
    (mail,) = send_mail(house)
    assert mail["To"] == "mathilde@example.org"
    assert mail["Subject"] == "Je bent gewist"
    assert "/my/open/" not in text_of(mail)
    with house.database.reading() as session:
        assert session.scalars(select(OutboxMail)).all() == []
    assert send_mail(house) == []
    assert not home.is_here()


@pytest.mark.parametrize("days", [0, 60])
@pytest.mark.parametrize(
    ("door", "purpose"),
    [("open", Purpose.SIGN_IN), ("open", Purpose.MANAGE), ("unsubscribe", Purpose.UNSUBSCRIBE)],
)
def test_a_link_used_after_erasure_says_that_all_is_gone_and_how_to_begin_anew(
    home: Home, house: House, door: str, purpose: Purpose, days: int
) -> None:
    path = f"/my/{door}/{home.link(purpose, home.subscription.id)}"
    home.comes_in().post("/my/erase")
    home.clock.advance(DAY + timedelta(days=days))
    erase_next(house)
    answer = home.app.test_client().get(path)
    assert answer.status_code == 410
    assert "Nothing of you is kept here" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert re.search(r'href="/"[^>]*>\s*Look at the courses', answer.text)


def test_undo_link_pressed_too_late_says_so(
    home: Home, mathilde: FlaskClient, house: House, clock: SettableClock
) -> None:
    mathilde.post("/my/erase")
    path = path_in(send_mail(house)[0], "/my/keep/")
    clock.advance(DAY)
    erase_next(house)
    for answer in (mathilde.get(path), mathilde.post(path)):
        assert answer.status_code == 410
    assert not home.is_here()


def test_session_and_links_of_somebody_erased_open_nothing_of_who_gets_her_number(
    home: Home, mathilde: FlaskClient, house: House, clock: SettableClock
) -> None:
    manage = home.link(Purpose.MANAGE, home.subscription.id)
    stop = home.link(Purpose.UNSUBSCRIBE, home.subscription.id)
    mathilde.post("/my/erase")
    keep = path_in(send_mail(house)[0], "/my/keep/")
    clock.advance(DAY)
    erase_next(house)
    clock.advance(timedelta(seconds=1))
    with house.database.writing() as session:
        course = session.get_one(Course, home.course.id)
        newcomer = Listener(
            id=home.listener.id,
            email="new@example.org",
            email_key="new@example.org",
            name="New",
            created_at=clock(),
        )
        session.add(newcomer)
        session.flush()
        theirs = a_subscription(
            session, course, newcomer, id=home.subscription.id, started_at=clock()
        )
        erasures_row = Erasure(
            listener_id=newcomer.id, language="nl", asked_at=clock(), due_at=clock() + DAY
        )
        session.add(erasures_row)
    assert mathilde.get(f"/my/follow/{theirs.public_id}").headers["Location"] == "/my/"
    assert mathilde.get(f"/my/open/{manage}").status_code == 410
    for answer in (
        mathilde.get(f"/my/unsubscribe/{stop}"),
        mathilde.post(f"/my/unsubscribe/{stop}"),
    ):
        assert answer.status_code == 410
    assert mathilde.post(keep).status_code == 410
    with house.database.reading() as session:
        assert session.get_one(Subscription, theirs.id).mail_stopped_at is None
    assert len(home.due()) == 1


def test_signing_in_undoes_nothing_but_confirming_a_sign_up_does_and_says_so(
    home: Home, mathilde: FlaskClient, house: House, clock: SettableClock
) -> None:
    mathilde.post("/my/erase")
    home.comes_in()
    assert len(home.due()) == 1
    with house.database.writing() as session:
        a_course(session, slug="ander")
    asked = {"name": "Mathilde", "email": "Mathilde@example.org", "zone": "Europe/Amsterdam"}
    mathilde.post("/ander", data=asked)
    path = path_in(send_mail(house)[0], "/my/confirm/")
    assert "Je vroeg om gewist te worden" in mathilde.get(path).text
    assert len(home.due()) == 1
    mathilde.post(path)
    assert home.due() == []
    clock.advance(DAY)
    assert erase_next(house) == 0


def test_who_signed_up_but_asked_for_nothing_is_told_nothing_of_erasure(
    client: FlaskClient, home: Home, house: House
) -> None:
    asked = {"name": "Kim", "email": "kim@example.org", "zone": "Europe/Amsterdam"}
    client.post("/bloei", data=asked)
    assert home.course.id
    assert "gewist" not in client.get(path_in(send_mail(house)[-1], "/my/confirm/")).text


def test_confirm_link_of_a_sign_up_that_was_forgotten_confirms_no_other_one(
    client: FlaskClient, home: Home, house: House, clock: SettableClock
) -> None:
    """SQLite gives the number of the last row again."""
    assert home.course.id
    client.post("/bloei", data={"name": "Eve", "email": "eve@example.org", "zone": ""})
    mail = send_mail(house)[-1]
    confirm, forget = path_in(mail, "/my/confirm/"), path_in(mail, "/my/unsubscribe/")
    client.post(forget)
    clock.advance(timedelta(seconds=1))
    client.post("/bloei", data={"name": "Kim", "email": "kim@example.org", "zone": ""})
    for answer in (client.get(confirm), client.post(confirm)):
        assert answer.status_code == 410
    client.post(forget)
    assert client.post(path_in(send_mail(house)[-1], "/my/confirm/")).status_code == 303
