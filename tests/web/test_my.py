"""A listener's own pages: in, around, out; and Eve, who tries every door."""

import re
import uuid
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.db.models import (
    Course,
    FeedAddress,
    Listener,
    OutboxMail,
    Subscription,
    Unlock,
)
from app.house import House
from app.kinds import CourseState
from app.services.links import Links, Purpose
from feeds.tokens import build_token
from tests.builders import a_course, a_listener, a_subscription
from tests.parts.house import MONDAY, SettableClock
from tests.parts.letters import path_in, send_mail, unsubscribe_path

KIM = {"name": "Kim", "email": "kim@example.org", "zone": "Europe/Amsterdam"}


@pytest.fixture
def course(house: House) -> Course:
    with house.database.writing() as session:
        return a_course(session, slug="bloei", title="Bloei")


@pytest.fixture
def eve(app: Flask) -> FlaskClient:
    return app.test_client()


def confirm_path(client: FlaskClient, house: House, **more: str) -> str:
    client.post("/bloei", data=KIM | more)
    # It goes first, whatever else is due.
    return path_in(send_mail(house)[0], "/my/confirm/")


def join(client: FlaskClient, house: House, **more: str) -> str:
    """Sign up, confirm, and answer the address of the follow page."""
    answer = client.post(confirm_path(client, house, **more))
    assert answer.status_code == 303
    return answer.headers["Location"]


def link(house: House, purpose: Purpose, row_id: int) -> str:
    return Links(keys=house.settings.secret_keys).sign(purpose, row_id, now=house.clock())


def the_subscription(house: House) -> Subscription:
    with house.database.reading() as session:
        return session.scalars(select(Subscription)).one()


@pytest.mark.usefixtures("course")
def test_looking_at_the_confirm_page_confirms_nothing(client: FlaskClient, house: House) -> None:
    path = confirm_path(client, house)
    for _ in range(3):
        answer = client.get(path)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert client.head(path).status_code == 200
    with house.database.reading() as session:
        assert session.scalars(select(Subscription)).all() == []


@pytest.mark.usefixtures("course")
def test_confirming_leads_to_the_follow_page_without_the_token(
    client: FlaskClient, house: House
) -> None:
    path = confirm_path(client, house)
    answer = client.post(path)
    token = path.rpartition("/")[2]
    assert answer.headers["Location"] == f"/my/follow/{the_subscription(house).public_id}"
    assert token not in client.get(answer.headers["Location"]).text


def test_follow_page_offers_apps_address_and_lesson_one(
    client: FlaskClient, house: House, course: Course
) -> None:
    page = client.get(join(client, house)).text
    with house.database.reading() as session:
        address = session.scalars(select(FeedAddress)).one()
    token = build_token(house.settings.feed_keys, address.key_number, address.random_id)
    bare = f"127.0.0.1:8000/f/{token}.xml"
    for url in (f"podcast://{bare}", f"antennapod-subscribe://http://{bare}", f"http://{bare}"):
        assert url in page
    assert page.count("<audio") == 1
    assert f'src="/a/{token}/' in page
    assert "<svg" in page
    assert "scripts/run --lan" in page
    assert course.title in page


@pytest.mark.parametrize(
    ("agent", "scheme"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", "overcast://"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9)", "antennapod-subscribe://"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "gpodder:"),
    ],
)
@pytest.mark.usefixtures("course")
def test_follow_page_puts_the_device_she_holds_first(
    client: FlaskClient, house: House, agent: str, scheme: str
) -> None:
    page = client.get(join(client, house), headers={"User-Agent": agent}).text
    before_others = page.partition("<details")[0]
    assert scheme in before_others


@pytest.mark.usefixtures("course")
def test_pages_with_an_address_go_nowhere_else(client: FlaskClient, house: House) -> None:
    answer = client.get(join(client, house))
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("course")
def test_web_player_uses_the_lock_of_the_feed(
    client: FlaskClient, house: House, clock: SettableClock
) -> None:
    follow = join(client, house)
    clock.advance(timedelta(days=7, seconds=-1))
    assert client.get(follow).text.count("<audio") == 1
    clock.advance(timedelta(seconds=1))
    assert client.get(follow).text.count("<audio") == 2


@pytest.mark.usefixtures("course")
def test_used_confirm_link_says_so_and_offers_a_mail(client: FlaskClient, house: House) -> None:
    path = confirm_path(client, house)
    client.post(path)
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 410
        assert "/f/" not in answer.text
        assert 'action="/my/"' in answer.text


@pytest.mark.usefixtures("course")
def test_confirm_link_ends_after_seven_days(
    client: FlaskClient, house: House, clock: SettableClock
) -> None:
    path = confirm_path(client, house)
    clock.advance(timedelta(days=7, seconds=-1))
    assert client.get(path).status_code == 200
    clock.advance(timedelta(seconds=1))
    for answer in (client.get(path), client.post(path)):
        assert answer.status_code == 410
        assert "Set-Cookie" not in answer.headers


def test_course_that_closed_meanwhile_says_so(
    client: FlaskClient, house: House, course: Course
) -> None:
    path = confirm_path(client, house)
    with house.database.writing() as session:
        session.get_one(Course, course.id).state = CourseState.CLOSED
    assert client.post(path).headers["Location"] == "/bloei"


@pytest.mark.usefixtures("course")
def test_eve_gets_nowhere_with_forged_links(
    client: FlaskClient, eve: FlaskClient, house: House
) -> None:
    real = confirm_path(client, house).rpartition("/")[2]
    cut = [real[:-1], real[:20], real.replace(".", "x"), "x", "x" * 5000, "WzEsMCwwXQ.x"]
    for door in ("confirm", "open", "unsubscribe"):
        for token in cut:
            answers = [eve.get(f"/my/{door}/{token}")]
            if door != "open":
                answers.append(eve.post(f"/my/{door}/{token}"))
            for answer in answers:
                assert answer.status_code == 404, (door, token)
                assert "Set-Cookie" not in answer.headers


def test_eve_cannot_use_a_link_for_another_purpose(
    client: FlaskClient, eve: FlaskClient, house: House, course: Course
) -> None:
    assert course.id
    join(client, house)
    row_id = the_subscription(house).id
    for purpose in (Purpose.CONFIRM, Purpose.UNSUBSCRIBE, Purpose.FORGET, Purpose.PASSWORD_RESET):
        assert eve.get(f"/my/open/{link(house, purpose, row_id)}").status_code == 404
    for purpose in (Purpose.SIGN_IN, Purpose.MANAGE, Purpose.CONFIRM):
        assert eve.post(f"/my/unsubscribe/{link(house, purpose, row_id)}").status_code == 404
    assert the_subscription(house).mail_stopped_at is None


def test_eve_sees_nobodys_pages(
    client: FlaskClient, eve: FlaskClient, house: House, course: Course
) -> None:
    follow = join(client, house)
    own = join(eve, house, email="eve@example.org")
    leave = follow.replace("follow", "leave")
    for answer in (eve.get(follow), eve.get(leave), eve.post(leave)):
        assert answer.status_code == 404
        assert "/f/" not in answer.text
    assert eve.get(own).status_code == 200
    with house.database.reading() as session:
        assert session.scalars(select(Subscription.ended_at)).all() == [None, None]
    assert course.title not in eve.get(f"/my/follow/{uuid.uuid4()}").text


@pytest.mark.usefixtures("course")
def test_without_a_session_every_page_of_hers_leads_to_the_door(
    client: FlaskClient, eve: FlaskClient, house: House
) -> None:
    follow = join(client, house)
    for path in (follow, follow.replace("follow", "leave")):
        assert eve.get(path).headers["Location"] == "/my/"
    for path in (follow.replace("follow", "leave"), "/my/sign-out"):
        assert eve.post(path).headers["Location"] == "/my/"
    assert the_subscription(house).ended_at is None


@pytest.mark.usefixtures("course")
def test_eve_cannot_make_another_site_press_buttons(client: FlaskClient, house: House) -> None:
    follow = join(client, house)
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    token = link(house, Purpose.UNSUBSCRIBE, the_subscription(house).id)
    for path in (
        follow.replace("follow", "leave"),
        "/my/sign-out",
        "/my/",
        f"/my/unsubscribe/{token}",
    ):
        assert client.post(path, headers=elsewhere).status_code == 403
    assert the_subscription(house).ended_at is None


@pytest.mark.usefixtures("course")
def test_leaving_needs_the_token_of_the_form(app: Flask, client: FlaskClient, house: House) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    leave = join(client, house).replace("follow", "leave")
    assert client.post(leave).status_code == 400
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(leave).text)
    assert found is not None
    assert client.post(leave, data={"csrf_token": found[1]}).status_code == 200
    assert the_subscription(house).ended_at == MONDAY


@pytest.mark.usefixtures("course")
def test_asking_for_a_link_is_answered_alike_for_everybody(
    client: FlaskClient, eve: FlaskClient, house: House
) -> None:
    join(client, house)
    known = eve.post("/my/", data={"email": "kim@example.org"})
    stranger = eve.post("/my/", data={"email": "xyz@example.org"})
    assert known.text.replace("kim@", "xyz@") == stranger.text
    assert known.status_code == stranger.status_code == 200


@pytest.mark.usefixtures("course")
def test_link_goes_to_the_address_on_file(
    client: FlaskClient, eve: FlaskClient, house: House
) -> None:
    join(client, house)
    send_mail(house)
    eve.post("/my/", data={"email": "KIM@EXAMPLE.ORG"})
    (mail,) = send_mail(house)
    assert mail["To"] == "kim@example.org"


@pytest.mark.usefixtures("course")
def test_asking_twice_sends_one_mail(client: FlaskClient, house: House) -> None:
    join(client, house)
    send_mail(house)
    for _ in range(3):
        client.post("/my/", data={"email": "kim@example.org"})
    assert len(send_mail(house)) == 1


def test_bad_address_is_said_beside_its_field(client: FlaskClient) -> None:
    answer = client.post("/my/", data={"email": "kim\r\n@"})
    assert answer.status_code == 422
    assert 'id="error-email"' in answer.text


@pytest.mark.usefixtures("course")
def test_sign_in_link_opens_for_thirty_minutes_and_as_often_as_a_scanner_likes(
    client: FlaskClient, eve: FlaskClient, house: House, clock: SettableClock
) -> None:
    join(client, house)
    send_mail(house)
    client.post("/my/", data={"email": "kim@example.org"})
    path = path_in(send_mail(house)[0], "/my/open/")
    clock.advance(timedelta(minutes=30, seconds=-1))
    for _ in range(2):
        assert eve.get(path).headers["Location"] == "/my/"
    assert "Bloei" in eve.get("/my/").text
    clock.advance(timedelta(seconds=1))
    assert client.get(path).status_code == 410


def test_link_of_one_course_opens_that_course_alone(
    client: FlaskClient, eve: FlaskClient, house: House, course: Course
) -> None:
    with house.database.writing() as session:
        listener = a_listener(session, email="kim@example.org")
        one = a_subscription(session, course, listener)
        other = a_subscription(session, a_course(session, title="Andere"), listener)
    answer = eve.get(f"/my/open/{link(house, Purpose.MANAGE, one.id)}")
    assert answer.headers["Location"] == f"/my/follow/{one.public_id}"
    assert eve.get(f"/my/follow/{other.public_id}").status_code == 404
    assert "Andere" not in eve.get("/my/").text
    client.get(f"/my/open/{link(house, Purpose.SIGN_IN, one.id)}")
    assert "Andere" in client.get("/my/").text


def test_eve_who_asked_for_a_link_herself_sees_only_her_own(
    client: FlaskClient, eve: FlaskClient, house: House, course: Course
) -> None:
    follow = join(client, house)
    with house.database.writing() as session:
        own = a_subscription(session, course, a_listener(session, email="eve@example.org"))
    eve.get(f"/my/open/{link(house, Purpose.SIGN_IN, own.id)}")
    assert eve.get(f"/my/follow/{own.public_id}").status_code == 200
    for path in (follow, follow.replace("follow", "leave")):
        assert eve.get(path).status_code == 404
    assert follow not in eve.get("/my/").text


@pytest.mark.usefixtures("course")
def test_session_ends_after_thirty_days(
    client: FlaskClient, house: House, clock: SettableClock
) -> None:
    follow = join(client, house)
    clock.advance(timedelta(days=30))
    assert client.get(follow).status_code == 303


@pytest.mark.usefixtures("course")
def test_session_of_somebody_erased_opens_nothing(client: FlaskClient, house: House) -> None:
    follow = join(client, house)
    with house.database.writing() as session:
        for row in (*session.scalars(select(Subscription)), *session.scalars(select(Listener))):
            session.delete(row)
    assert client.get(follow).headers["Location"] == "/my/"


@pytest.mark.usefixtures("course")
def test_signing_out_ends_the_session(client: FlaskClient, house: House) -> None:
    follow = join(client, house)
    client.post("/my/sign-out")
    assert client.get(follow).headers["Location"] == "/my/"


@pytest.mark.usefixtures("course")
def test_leaving_keeps_what_was_unlocked_and_brings_nothing_new(
    client: FlaskClient, house: House, clock: SettableClock
) -> None:
    follow = join(client, house)
    clock.advance(timedelta(days=7))
    assert client.post(follow.replace("follow", "leave")).status_code == 200
    with house.database.reading() as session:
        assert len(session.scalars(select(Unlock)).all()) == 2
    clock.advance(timedelta(days=14))
    assert client.get(follow).text.count("<audio") == 2
    assert the_subscription(house).next_unlock_at is None


@pytest.mark.usefixtures("course")
def test_who_left_may_sign_up_again(
    client: FlaskClient, house: House, clock: SettableClock
) -> None:
    follow = join(client, house)
    client.post(follow.replace("follow", "leave"))
    clock.advance(timedelta(days=1))
    assert join(client, house) != follow


@pytest.mark.usefixtures("course")
def test_unsubscribing_by_one_post_stops_the_mails_but_not_the_feed(
    client: FlaskClient, eve: FlaskClient, house: House, clock: SettableClock
) -> None:
    follow = join(client, house)
    (welcome,) = send_mail(house)
    path = unsubscribe_path(welcome)
    assert eve.get(path).status_code == 200
    assert the_subscription(house).mail_stopped_at is None
    for _ in range(2):
        answer = eve.post(path, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert the_subscription(house).mail_stopped_at == MONDAY
    clock.advance(timedelta(days=7))
    assert client.get(follow).text.count("<audio") == 2


@pytest.mark.usefixtures("course")
def test_sign_up_can_be_forgotten_from_its_mail(
    client: FlaskClient, eve: FlaskClient, house: House
) -> None:
    client.post("/bloei", data=KIM)
    (mail,) = send_mail(house)
    assert eve.get(unsubscribe_path(mail)).status_code == 200
    assert eve.post(unsubscribe_path(mail)).status_code == 200
    assert client.get(path_in(mail, "/my/confirm/")).status_code == 410
    with house.database.reading() as session:
        assert session.scalars(select(OutboxMail)).all() == []


@pytest.mark.usefixtures("course")
def test_forgetting_comes_too_late_for_who_confirmed(client: FlaskClient, house: House) -> None:
    client.post("/bloei", data=KIM)
    (mail,) = send_mail(house)
    client.post(path_in(mail, "/my/confirm/"))
    assert client.post(unsubscribe_path(mail)).status_code == 200
    assert the_subscription(house).ended_at is None


@pytest.mark.usefixtures("course")
def test_pages_of_hers_speak_the_language_she_signed_up_in(
    client: FlaskClient, house: House
) -> None:
    follow = join(client, house)
    assert '<html lang="nl">' in client.get(follow, headers={"Accept-Language": "en"}).text
    assert '<html lang="en">' in client.get(f"{follow}?lang=en").text
