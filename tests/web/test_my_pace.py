"""A listener in charge of her course: pause, pace, the next lesson now, again, a new address."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.db.models import Course, FeedAddress, Lesson, PauseSpan, Subscription
from app.house import House
from app.kinds import EndReason, RetireReason
from app.services import unlocks
from app.services.links import Links, Purpose
from feeds.tokens import build_token
from tests.builders import a_course, a_subscription
from tests.parts.house import MONDAY, SettableClock
from tests.parts.letters import path_in, send_mail

WEEK = timedelta(days=7)
DAY = timedelta(days=1)


class Her:
    """A listener of a course of four lessons that began at MONDAY, signed in in this browser."""

    def __init__(self, house: House, client: FlaskClient, clock: SettableClock) -> None:
        self.house, self.client, self.clock = house, client, clock
        with house.database.writing() as session:
            self.course = a_course(session, title="Bloei", may_hurry=True)
            self.subscription = a_subscription(session, self.course, language="en")
            for number, lesson in enumerate(
                session.scalars(select(Lesson).order_by(Lesson.position)), start=1
            ):
                lesson.title = lesson.title_key = f"les {number}"
        self.sign_in()

    def sign_in(self, *, only: bool = False, minutes_ago: int = 0, by: str = "sign-in") -> None:
        with self.client.session_transaction() as cookie:
            now = int(self.house.clock().timestamp())
            chosen = self.subscription.id if only else None
            cookie["listener"] = [
                self.subscription.listener_id,
                chosen,
                now + 30 * 86_400,
                now - minutes_ago * 60,
                by,
            ]

    def url(self, page: str = "") -> str:
        return f"/my/course/{self.subscription.public_id}{page and '/'}{page}"

    def get(self, page: str = "", **values: str) -> TestResponse:
        return self.client.get(self.url(page), query_string=values)

    def post(self, page: str, **values: str) -> TestResponse:
        return self.client.post(self.url(page), data=values, follow_redirects=True)

    def row(self) -> Subscription:
        with self.house.database.reading() as session:
            return session.get_one(Subscription, self.subscription.id)

    def dates(self) -> list[str]:
        """When lessons come that are still to come, on her clock in Amsterdam."""
        with self.house.database.reading() as session:
            plan = unlocks.get_plan(session, self.subscription.id)
        coming = plan.upcoming(self.clock())
        return [f"{each.planned_at + timedelta(hours=2):%m-%d %H:%M}" for each in coming]

    def feed(self) -> str:
        with self.house.database.reading() as session:
            address = session.scalars(
                select(FeedAddress).where(
                    FeedAddress.subscription_id == self.subscription.id,
                    FeedAddress.retired_at.is_(None),
                )
            ).one()
        token = build_token(self.house.settings.feed_keys, address.key_number, address.random_id)
        return f"/f/{token}.xml"


@pytest.fixture
def her(house: House, client: FlaskClient, clock: SettableClock) -> Her:
    clock.instant = MONDAY + DAY
    return Her(house, client, clock)


def the_pauses(her: Her) -> list[tuple[date, date | None]]:
    with her.house.database.reading() as session:
        rows = session.scalars(select(PauseSpan).order_by(PauseSpan.id)).all()
    return [(each.starts_on, each.ends_on) for each in rows]


def test_her_page_says_what_is_hers_and_what_comes_when(her: Her) -> None:
    page = her.get().text
    assert "Yours since" in page
    assert "Monday 8 June at 08:00" in page
    assert "One lesson a week." in page


def test_her_courses_lead_to_the_page_of_each(her: Her) -> None:
    assert her.url() in her.client.get("/my/").text


def test_pausing_first_shows_what_it_means_and_changes_nothing(her: Her) -> None:
    page = her.get("pause", until="2026-06-12").text
    assert "Pause until Friday 12 June 2026?" in page
    assert "Thursday 18 June at 08:00" in page
    assert "instead of" in page
    assert the_pauses(her) == []


def test_a_pause_until_a_day_moves_the_lessons_by_its_days(her: Her) -> None:
    page = her.post("pause", until="2026-06-12").text
    assert "Lessons come again from Friday 12 June" in page
    assert the_pauses(her) == [(date(2026, 6, 2), date(2026, 6, 12))]
    assert her.dates() == ["06-18 08:00", "06-25 08:00", "07-02 08:00"]


def test_a_pause_without_a_day_lasts_until_she_goes_on(her: Her) -> None:
    assert "until you go on" in her.post("pause", until="").text
    assert her.dates() == []
    her.clock.advance(29 * DAY)
    assert "instead of" not in her.get("resume").text
    assert "Your lessons go on." in her.post("resume").text
    assert her.dates()[0] == "07-07 08:00"


@pytest.mark.parametrize(
    ("until", "words"),
    [("", "Paused, until you go on."), ("2026-06-20", "Lessons come again from")],
)
def test_every_page_of_hers_says_that_the_course_is_paused(
    her: Her, until: str, words: str
) -> None:
    her.post("pause", until=until, sure="1")
    for path in ("/my/", her.url(), f"/my/follow/{her.subscription.public_id}"):
        page = her.client.get(path).text
        assert words in page, path
        assert "as soon as it is ready" not in page, path


@pytest.mark.parametrize("until", ["2026-06-02", "2025-01-01", "3000-01-01", "someday"])
def test_a_day_that_cannot_be_is_refused_and_what_was_typed_is_kept(her: Her, until: str) -> None:
    for answer in (her.get("pause", until=until), her.post("pause", until=until)):
        assert answer.status_code == 422
        assert until in answer.text
        assert "leave it empty" in answer.text
    assert the_pauses(her) == []


def test_pausing_twice_chooses_another_day(her: Her) -> None:
    her.post("pause", until="2026-06-12")
    her.post("pause", until="2026-06-20")
    assert the_pauses(her) == [(date(2026, 6, 2), date(2026, 6, 20))]


def test_going_on_without_a_pause_changes_no_date(her: Her) -> None:
    before = her.dates()
    assert "Your lessons go on." in her.post("resume").text
    assert her.dates() == before


def test_a_paused_feed_says_so_and_changes_its_etag(her: Her) -> None:
    before = her.client.get(her.feed()).headers["ETag"]
    her.post("pause", until="")
    answer = her.client.get(her.feed(), headers={"If-None-Match": before})
    assert answer.status_code == 200
    assert "pauze" in answer.text


def test_her_own_pace_is_shown_first_and_set_then(her: Her) -> None:
    wish = {"rhythm": "every_days", "every_days": "3", "zone": "Europe/Amsterdam"}
    page = her.get("pace", **wish).text
    assert "Thursday 4 June at 08:00" in page
    assert "instead of" in page
    assert her.dates()[0] == "06-08 08:00"
    assert "One lesson every 3 days." in her.post("pace", **wish).text
    assert her.dates() == ["06-04 08:00", "06-07 08:00", "06-10 08:00"]


def test_a_day_an_hour_and_a_zone_of_her_own(her: Her) -> None:
    her.post("pace", rhythm="weekday", weekday="5", hour="7", zone="Asia/Kathmandu")
    # 07:00 in Kathmandu (UTC+05:45) is 03:15 in Amsterdam.
    assert her.dates()[:2] == ["06-06 03:15", "06-13 03:15"]


def test_back_to_the_rhythm_of_the_course(her: Her) -> None:
    her.post("pace", rhythm="every_days", every_days="30", zone="Europe/Amsterdam")
    assert her.dates()[0] == "07-01 08:00"
    her.post("pace", rhythm="course", zone="Europe/Amsterdam")
    assert her.dates()[:2] == ["06-08 08:00", "06-15 08:00"]
    assert her.row().pace_kind is None


@pytest.mark.parametrize(
    "wish",
    [
        {"rhythm": "every_days", "every_days": "0", "zone": "Europe/Amsterdam"},
        {"rhythm": "every_days", "every_days": "366", "zone": "Europe/Amsterdam"},
        {"rhythm": "weekday", "weekday": "7", "hour": "7", "zone": "Europe/Amsterdam"},
        {"rhythm": "at_once", "zone": "Europe/Amsterdam"},
        {"rhythm": "fixed_dates", "zone": "Europe/Amsterdam"},
        {"rhythm": "course", "zone": "Mars/Olympus"},
        {},
    ],
)
def test_a_pace_that_cannot_be_is_refused(her: Her, wish: dict[str, str]) -> None:
    before = her.dates()
    assert her.post("pace", **wish).status_code == 422
    assert her.dates() == before


def test_a_course_with_fixed_dates_has_no_pace_to_change(her: Her) -> None:
    with her.house.database.writing() as session:
        session.execute(update(Course).values(rhythm_kind="fixed_dates"))
    assert her.get("pace").status_code == 404
    assert "Change the pace" not in her.get().text
    assert her.post("pace", rhythm="course", zone="Europe/Amsterdam").status_code == 404


def test_next_lesson_comes_now_and_the_others_keep_their_dates(her: Her) -> None:
    assert "Have les 2 now?" in her.get("next-lesson").text
    assert "les 2 is yours now." in her.post("next-lesson").text
    assert her.dates() == ["06-15 08:00", "06-22 08:00"]
    assert "les 2" in her.client.get(her.feed()).text


def test_next_lesson_comes_now_once_a_day(her: Her) -> None:
    her.post("next-lesson")
    assert "Have the next lesson now" not in her.get().text
    assert "That does not go now" in her.post("next-lesson").text
    assert len(her.dates()) == 2
    her.clock.advance(DAY)
    assert "Have les 3 now?" in her.get("next-lesson").text


def test_of_lessons_after_the_next_one_nothing_is_said_where_there_are_none(her: Her) -> None:
    for _ in range(2):
        assert "keep their dates" in her.get("next-lesson").text
        her.post("next-lesson")
        her.clock.advance(DAY)
    page = her.get("next-lesson").text
    assert "Have les 4 now?" in page
    assert "keep their dates" not in page


def test_next_lesson_does_not_come_now_where_the_owner_does_not_allow_it(her: Her) -> None:
    with her.house.database.writing() as session:
        session.execute(update(Course).values(may_hurry=False))
    assert "Have the next lesson now" not in her.get().text
    assert "That does not go now" in her.post("next-lesson").text
    assert len(her.dates()) == 3


def test_beginning_again_ends_this_and_starts_another(her: Her) -> None:
    her.clock.advance(WEEK)
    old_feed = her.feed()
    assert "Lesson 1 comes at once" in her.get("restart").text
    page = her.post("restart").text
    assert "You begin again." in page
    with her.house.database.reading() as session:
        old, new = session.scalars(select(Subscription).order_by(Subscription.id)).all()
    assert (old.end_reason, old.successor_id) == (EndReason.RESTARTED, new.id)
    assert new.started_at == her.clock()
    assert old.public_id != new.public_id
    old_text = her.client.get(old_feed).text
    assert "les 2" in old_text
    assert "opnieuw" in old_text
    her.subscription = new
    assert her.feed() != old_feed
    assert her.dates()[0] == "06-16 08:00"
    assert her.client.get("/my/").text.count("<h2>") == 1


def test_who_came_by_the_link_of_one_course_stays_in_it_after_beginning_again(her: Her) -> None:
    her.sign_in(only=True, by="manage")
    assert her.post("restart").status_code == 200
    with her.house.database.reading() as session:
        her.subscription = session.scalars(
            select(Subscription).where(Subscription.ended_at.is_(None))
        ).one()
    assert her.get().status_code == 200


def test_nothing_of_an_ended_course_can_be_changed(her: Her) -> None:
    her.client.post(f"/my/leave/{her.subscription.public_id}")
    for page in ("pause", "resume", "pace", "next-lesson", "restart", "new-address"):
        wish = {"rhythm": "course", "zone": "Europe/Amsterdam"}
        assert "nothing to change" in her.post(page, **wish).text, page
    assert her.get().status_code == 200
    assert "Your pace" not in her.get().text


def test_a_new_address_closes_the_old_one_and_keeps_the_lessons(her: Her) -> None:
    old_feed = her.feed()
    assert "stops at once" in her.get("new-address").text
    assert "You have a new address." in her.post("new-address").text
    assert her.feed() != old_feed
    assert "les 1" not in her.client.get(old_feed).text
    assert "les 1" in her.client.get(her.feed()).text
    with her.house.database.reading() as session:
        reasons = session.scalars(
            select(FeedAddress.reason).where(FeedAddress.retired_at.is_not(None))
        ).all()
    assert reasons == [RetireReason.ASKED]


@pytest.mark.parametrize(
    "how", [{"minutes_ago": 30}, {"by": "manage"}, {"by": "confirm"}, {"only": True}]
)
def test_a_new_address_asks_for_a_fresh_sign_in(her: Her, how: dict[str, object]) -> None:
    old_feed = her.feed()
    her.sign_in(**how)  # type: ignore[arg-type]  # (one of these at a time)
    for answer in (her.get("new-address"), her.post("new-address")):
        assert answer.status_code == 403
        assert "First a link by mail" in answer.text
    assert her.feed() == old_feed


def test_a_session_from_before_is_no_fresh_sign_in(her: Her) -> None:
    with her.client.session_transaction() as cookie:
        cookie["listener"] = cookie["listener"][:3]
    assert her.get("new-address").status_code == 403
    assert her.get().status_code == 200


def test_the_link_for_a_fresh_sign_in_leads_back_to_where_she_was(her: Her) -> None:
    her.sign_in(by="manage", only=True)
    her.client.post("/my/fresh", data={"back_to": her.url("new-address")})
    path = path_in(send_mail(her.house)[-1], "/my/open/")
    answer = her.client.get(path)
    assert answer.headers["Location"] == her.url("new-address")
    assert her.get("new-address").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/my/", "//evil.example", "/admin/", "/my/../admin", ""]
)
def test_a_link_leads_back_to_pages_of_hers_alone(her: Her, elsewhere: str) -> None:
    answer = her.client.post("/my/fresh", data={"back_to": elsewhere})
    assert answer.headers["Location"] == "/my/"
    assert send_mail(her.house) == []
    her.client.post("/my/fresh", data={"back_to": her.url("new-address")})
    path = path_in(send_mail(her.house)[-1], "/my/open/").partition("?")[0]
    assert her.client.get(f"{path}?to={elsewhere}").headers["Location"] == "/my/"


def test_a_sixth_new_address_in_a_day_is_too_many(her: Her) -> None:
    for _ in range(5):
        assert her.post("new-address").status_code == 200
    last = her.feed()
    assert her.post("new-address").status_code == 429
    assert her.feed() == last


def test_mail_of_a_course_begun_again_leads_to_where_it_went_on(
    her: Her, link_to: Callable[[Subscription], str]
) -> None:
    path = link_to(her.subscription)
    her.post("restart")
    answer = her.client.get(path)
    with her.house.database.reading() as session:
        new = session.scalars(select(Subscription).where(Subscription.ended_at.is_(None))).one()
    assert answer.headers["Location"] == f"/my/follow/{new.public_id}"


@pytest.fixture
def link_to(house: House) -> Callable[[Subscription], str]:
    keys = Links(keys=house.settings.secret_keys)
    return lambda row: f"/my/open/{keys.sign(Purpose.MANAGE, row.id, now=house.clock())}"


PAGES = ("", "pause", "resume", "pace", "next-lesson", "restart", "new-address")


@pytest.mark.parametrize("page", PAGES)
def test_eve_sees_and_changes_nothing_of_hers(her: Her, app: Flask, page: str) -> None:
    eve = app.test_client()
    with her.house.database.writing() as session:
        other = a_subscription(session, session.get_one(Course, her.course.id))
    before = her.row()
    with eve.session_transaction() as cookie:
        now = int(her.clock().timestamp())
        cookie["listener"] = [other.listener_id, None, now + 3600, now, "sign-in"]
    values = {"until": "2026-06-12", "rhythm": "course", "zone": "Europe/Amsterdam"}
    assert eve.get(her.url(page), query_string=values).status_code == 404
    assert eve.post(her.url(page), data=values).status_code in {404, 405}
    assert her.row().revision == before.revision


def test_nobody_in_particular_is_asked_for_her_address(her: Her, app: Flask) -> None:
    for page in PAGES:
        answer = app.test_client().get(her.url(page))
        assert answer.headers["Location"] == "/my/"


def test_an_address_that_was_never_one_is_not_found(her: Her) -> None:
    assert her.client.get(f"/my/course/{uuid.uuid4()}").status_code == 404
