"""The owner's list of listeners, and another mailbox for who lost the old one."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from structlog.testing import capture_logs

from app.db.models import EmailChange, Listener, Subscription
from app.house import House
from app.jobs.moving import move_due
from app.kinds import EndReason, Role, SuppressionReason
from app.services import listeners, soft_bounces, suppressions, unlocking
from app.services.suppressions import Trouble
from app.services.vouching import GRACE
from tests.builders import a_listener, a_membership, a_subscription, an_account
from tests.parts.house import MONDAY, SettableClock
from tests.parts.letters import html_of, path_in, send_mail, text_of
from tests.web.rooms import Rooms, rooms_of, sign_in

OLD = "kim@example.org"
NEW = "kim.new@example.org"


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    return rooms_of(app, house, title="Groei")


@pytest.fixture
def kim(house: House, rooms: Rooms) -> Subscription:
    with house.database.writing() as session:
        listener = a_listener(session, email=OLD, name="Kim")
        subscription = a_subscription(session, rooms.course, listener, language="en")
        unlocking.record_subscription(session, subscription.id, now=house.clock())
        return subscription


def page_of(kim: Subscription) -> str:
    return f"/listeners/{kim.public_id}"


def ask(rooms: Rooms, kim: Subscription, email: str = NEW) -> str:
    return rooms.post(f"{page_of(kim)}/mailbox", {"email": email}, follow_redirects=True).text


def address_of(house: House, kim: Subscription) -> str:
    with house.database.reading() as session:
        return session.get_one(Listener, kim.listener_id).email


def test_room_without_listeners_says_what_it_is_for(rooms: Rooms) -> None:
    assert "Nobody listens yet" in rooms.get("/listeners").text


def test_owner_reads_who_since_when_and_how_far(rooms: Rooms, kim: Subscription) -> None:
    page = rooms.get("/listeners").text
    for words in ("Kim", OLD, "1 of 4 lessons", "1 listener takes part", str(kim.public_id)):
        assert words in page
    one = rooms.get(page_of(kim)).text
    for words in (OLD, "1 of 4 lessons unlocked", "No app asked for this course yet", "Arrives"):
        assert words in one


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_owner_reads_that_mail_does_not_arrive(
    house: House, rooms: Rooms, kim: Subscription, reason: SuppressionReason
) -> None:
    with house.database.writing() as session:
        trouble = Trouble(email_key=OLD, reason=reason, source="smtp")
        suppressions.suppress(session, trouble, now=MONDAY)
    assert "does not arrive" in rooms.get("/listeners").text
    assert "Mail that does not arrive" in rooms.get(page_of(kim)).text


def test_owner_reads_that_mail_came_back_for_now(
    house: House, rooms: Rooms, kim: Subscription
) -> None:
    with house.database.writing() as session:
        soft_bounces.note(session, OLD, source="ses", diagnostic="452 4.2.2", now=MONDAY)
    assert "came back for now" in rooms.get("/listeners").text
    assert "The mailbox is full." in rooms.get(page_of(kim)).text
    room = rooms.get("/mail-trouble").text
    assert "The mailbox is full." in room
    assert OLD in room
    assert "All mail arrives" not in room


def test_list_goes_on_from_page_to_page(
    house: House, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "MOST_LINES", 2)
    with house.database.writing() as session:
        for number in range(5):
            listener = a_listener(session, name=f"Nr{number}.")
            a_subscription(session, rooms.course, listener)
    seen, path = [], "/listeners"
    for _ in range(3):
        page = rooms.get(path).text
        seen += [number for number in range(5) if f"Nr{number}." in page]
        path = page.partition(f"{rooms.course_path}/listeners?before=")[2].partition('"')[0]
        path = f"/listeners?before={path}"
    assert sorted(seen) == [0, 1, 2, 3, 4]
    assert "Nobody like that" in rooms.get("/listeners?before=0").text


@pytest.mark.parametrize("before", ["-1", "x", "9" * 30])
def test_what_is_no_line_begins_at_the_newest(rooms: Rooms, kim: Subscription, before: str) -> None:
    answer = rooms.get("/listeners", query_string={"before": before})
    assert answer.status_code == 200
    assert str(kim.public_id) in answer.text


@pytest.mark.parametrize("wanted", ["kim", "KIM@", "Ki", " kim@example.org "])
def test_part_of_a_name_or_address_finds_her(
    house: House, rooms: Rooms, kim: Subscription, wanted: str
) -> None:
    with house.database.writing() as session:
        a_subscription(session, rooms.course, a_listener(session, name="Zoe"))
    page = rooms.post("/listeners", {"wanted": wanted}).text
    assert str(kim.public_id) in page
    assert "Zoe" not in page


@pytest.mark.parametrize("wanted", ["%", "_", "nobody", "x" * 1000, "<script>"])
def test_what_nobody_is_called_finds_nobody(rooms: Rooms, kim: Subscription, wanted: str) -> None:
    page = rooms.post("/listeners", {"wanted": wanted}).text
    assert "Nobody like that takes part" in page
    assert str(kim.public_id) not in page
    assert "<script>" not in page.partition("<main")[2]


def test_who_left_is_marked_and_who_began_again_stands_there_once(
    house: House, rooms: Rooms, kim: Subscription
) -> None:
    with house.database.writing() as session:
        row = session.get_one(Subscription, kim.id)
        row.ended_at, row.end_reason = MONDAY, EndReason.LEFT
    assert "Left" in rooms.get("/listeners").text
    with house.database.writing() as session:
        session.get_one(Subscription, kim.id).end_reason = EndReason.RESTARTED
    assert str(kim.public_id) not in rooms.get("/listeners").text


def test_new_mailbox_says_yes_and_mail_goes_there_after_three_days(
    app: Flask, house: House, clock: SettableClock, rooms: Rooms, kim: Subscription
) -> None:
    assert f"A link is on its way to {NEW}" in ask(rooms, kim)
    mails = {str(mail["To"]): mail for mail in send_mail(house)}
    new, old = path_in(mails[NEW], "/my/email/new/"), path_in(mails[OLD], "/my/email/old/")
    elsewhere = app.test_client()
    for path in (new, old):
        # Mail scanners follow links.
        assert elsewhere.get(path).status_code == 200
    assert "in at most three days" in elsewhere.post(new).text
    assert "said yes" in rooms.get(page_of(kim)).text
    move_due(house)
    assert address_of(house, kim) == OLD
    clock.advance(GRACE)
    move_due(house)
    assert address_of(house, kim) == NEW
    assert "asked for by Ada" in rooms.get(page_of(kim)).text
    (told,) = send_mail(house)
    assert told["To"] == OLD
    assert NEW not in text_of(told) + html_of(told)


def test_old_mailbox_says_no_and_the_owner_reads_it(
    app: Flask, house: House, rooms: Rooms, kim: Subscription
) -> None:
    ask(rooms, kim)
    mails = {str(mail["To"]): mail for mail in send_mail(house)}
    old, new = path_in(mails[OLD], "/my/email/old/"), path_in(mails[NEW], "/my/email/new/")
    elsewhere = app.test_client()
    assert "No, keep this mailbox" in elsewhere.get(old).text
    assert "Nothing changes" in elsewhere.post(old, data={"answer": "no"}).text
    assert elsewhere.post(new).status_code == 410
    assert "The old mailbox said no" in rooms.get(page_of(kim)).text


def test_no_of_the_new_mailbox_is_no_answer(
    app: Flask, house: House, rooms: Rooms, kim: Subscription
) -> None:
    ask(rooms, kim)
    mails = {str(mail["To"]): mail for mail in send_mail(house)}
    new = path_in(mails[NEW], "/my/email/new/")
    page = app.test_client().post(new, data={"answer": "no"}).text
    assert "This mailbox said yes" in page


def test_neither_mailbox_reads_the_address_of_the_other(
    house: House, rooms: Rooms, kim: Subscription, app: Flask
) -> None:
    ask(rooms, kim)
    mails = {str(mail["To"]): mail for mail in send_mail(house)}
    for mine, other in ((OLD, NEW), (NEW, OLD)):
        assert other not in text_of(mails[mine]) + html_of(mails[mine])
    assert "Groei" in text_of(mails[NEW])
    # She told nobody her name in the new mailbox: it may be a stranger's.
    assert "Kim" not in text_of(mails[NEW]) + html_of(mails[NEW])
    page = app.test_client().get(path_in(mails[OLD], "/my/email/old/")).text
    assert NEW not in page


def test_owner_learns_nothing_of_an_address_that_somebody_has(
    house: House, rooms: Rooms, kim: Subscription
) -> None:
    with house.database.writing() as session:
        a_listener(session, email="zoe@example.org")
    free, taken = ask(rooms, kim), ask(rooms, kim, "zoe@example.org")
    free, taken = (re.sub(r'csrf_token" value="[^"]+"', "", page) for page in (free, taken))
    assert free.replace(NEW, "x") == taken.replace("zoe@example.org", "x")
    assert {str(mail["To"]) for mail in send_mail(house)} == {OLD}


@pytest.mark.parametrize(
    ("typed", "words"),
    [("", "no e-mail address"), ("kim", "no e-mail address"), ("KIM@example.org", "already")],
)
def test_what_is_no_new_address_is_refused_and_kept(
    house: House, rooms: Rooms, kim: Subscription, typed: str, words: str
) -> None:
    answer = rooms.post(f"{page_of(kim)}/mailbox", {"email": typed})
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{typed}"' in answer.text
    assert send_mail(house) == []


def test_who_said_no_to_our_mail_is_not_asked(
    house: House, rooms: Rooms, kim: Subscription
) -> None:
    with house.database.writing() as session:
        trouble = Trouble(email_key=OLD, reason=SuppressionReason.COMPLAINT, source="smtp")
        suppressions.suppress(session, trouble, now=MONDAY)
    assert "sign up again" in ask(rooms, kim)
    assert send_mail(house) == []


def test_taking_it_back_closes_the_links(
    app: Flask, house: House, rooms: Rooms, kim: Subscription
) -> None:
    ask(rooms, kim)
    new = next(path_in(mail, "/my/email/new/") for mail in send_mail(house) if mail["To"] == NEW)
    rooms.post(f"{page_of(kim)}/mailbox/stop")
    assert app.test_client().post(new).status_code == 410
    assert "Mail the link" in rooms.get(page_of(kim)).text


def test_who_asked_for_whom_is_logged_and_no_address_is(rooms: Rooms, kim: Subscription) -> None:
    with capture_logs() as events:
        ask(rooms, kim)
        rooms.post(f"{page_of(kim)}/mailbox/stop")
    who = {"account": rooms.account.id, "subscription": str(kim.public_id), "log_level": "info"}
    assert [event for event in events if event["event"] != "answered"] == [
        {"event": "mailbox_move_asked", **who},
        {"event": "mailbox_move_taken_back", **who},
    ]
    assert OLD not in str(events)
    assert NEW not in str(events)


@pytest.mark.parametrize("path", ["", "/mailbox", "/mailbox/stop"])
def test_eve_owner_of_another_course_reaches_no_listener(
    app: Flask, house: House, rooms: Rooms, kim: Subscription, path: str
) -> None:
    ask(rooms, kim)
    eve = rooms_of(app, house)
    for course in (rooms.course_path, eve.course_path):
        url = f"{course}{page_of(kim)}{path}"
        method = "POST" if path else "GET"
        answer = eve.client.open(url, method=method, data={"email": "eve@example.org"})
        assert answer.status_code == 404
        assert OLD not in answer.text
    with house.database.reading() as session:
        assert session.scalars(select(EmailChange.email)).all() == [NEW]


def test_eve_with_a_course_of_her_own_finds_nobody_of_this_one(
    app: Flask, house: House, kim: Subscription
) -> None:
    eve = rooms_of(app, house)
    assert str(kim.public_id) not in eve.get("/listeners").text
    assert str(kim.public_id) not in eve.post("/listeners", {"wanted": "kim"}).text


@pytest.mark.parametrize("role", [Role.EDITOR, Role.HOST])
def test_who_may_not_see_listeners_sees_nobody(
    app: Flask, house: House, rooms: Rooms, kim: Subscription, role: Role
) -> None:
    with house.database.writing() as session:
        account = an_account(session)
        a_membership(session, account, rooms.course, role)
    client = app.test_client()
    sign_in(client, account)
    for path in ("/listeners", page_of(kim)):
        assert client.get(f"{rooms.course_path}{path}").status_code == 403
    for path in ("/listeners", f"{page_of(kim)}/mailbox", f"{page_of(kim)}/mailbox/stop"):
        assert client.post(f"{rooms.course_path}{path}").status_code == 403
    assert "/listeners" not in client.get(f"{rooms.course_path}/").text


def test_eleventh_change_of_a_day_is_refused(
    house: House, rooms: Rooms, kim: Subscription, clock: SettableClock
) -> None:
    for number in range(10):
        clock.advance(timedelta(seconds=1))
        ask(rooms, kim, f"new{number}@example.org")
    assert "Try tomorrow" in ask(rooms, kim)
    with house.database.reading() as session:
        assert session.scalars(select(EmailChange.email)).all() == ["new9@example.org"]
