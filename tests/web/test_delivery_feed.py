"""What a podcast app gets from a feed address, and when a lesson unlocks in it."""

import gzip
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import feedparser
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.asking import StandingReader
from app.db.models import Course, Lesson, PauseSpan, Subscription, Unlock
from app.db.standing import Standing
from app.jobs.unlocks import record_unlocks
from app.kinds import EndReason, LessonState, RetireReason
from app.services import courses
from app.services.addresses import FeedAddresses, erase
from app.services.delivery import hear
from app.services.feeds import load_served
from app.services.polls import filling_of, look
from feeds.rhythm import Rhythm, RhythmKind
from feeds.rss import render_feed
from feeds.tokens import verify_token
from tests.builders import START, a_recording
from tests.web.conftest import SECOND, WEEK, Visit, retire


def titles(document: bytes) -> list[str]:
    return [entry.title for entry in feedparser.parse(document).entries]


def lessons_in(visit: Visit, document: bytes) -> list[int]:
    """Which lessons a feed has, newest first."""
    with visit.house.database.reading() as session:
        numbers = {str(lesson.guid): lesson.position for lesson in session.scalars(select(Lesson))}
    return [
        numbers[entry.id] for entry in feedparser.parse(document).entries if entry.id in numbers
    ]


def test_lesson_1_is_there_at_once(both: Visit) -> None:
    assert lessons_in(both, both.get(both.feed).data) == [1]


def test_feed_of_a_course_with_no_published_lesson_is_a_whole_feed(both: Visit) -> None:
    def withdraw_all(session: Session) -> None:
        for lesson in session.scalars(select(Lesson)):
            lesson.state, lesson.published_at = LessonState.DRAFT, None

    both.change(withdraw_all)
    answer = both.get(both.feed)
    assert answer.status_code == 200
    assert lessons_in(both, answer.data) == []
    assert not feedparser.parse(answer.data).bozo


def test_lesson_2_is_absent_one_second_before_its_week_is_over(both: Visit) -> None:
    both.at(START + WEEK - SECOND)
    assert lessons_in(both, both.get(both.feed).data) == [1]


def test_lesson_2_is_there_on_the_second_though_nobody_wrote_it_down(both: Visit) -> None:
    both.at(START + WEEK)
    assert lessons_in(both, both.get(both.feed).data) == [2, 1]


def test_poll_that_a_change_of_plan_overtakes_loses_nothing(
    both: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody polled before, so the course is read after the standing.
    both.at(START + WEEK)
    work_out = StandingReader.work_out
    overtaken: list[bool] = []

    def be_overtaken(
        reader: StandingReader, random_id: bytes, work: Callable[[Standing | None], object]
    ) -> object:
        def work_late(standing: Standing | None) -> object:
            if not overtaken:
                overtaken.append(True)
                both.change(slow_down)
            return work(standing)

        return work_out(reader, random_id, work_late)

    def slow_down(session: Session) -> None:
        course = courses.get(session, both.course_id)
        slow = Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=30)
        fields = replace(courses.fields_of(session, course), rhythm=slow)
        courses.edit(session, course.id, fields, version=course.version, now=both.clock())

    monkeypatch.setattr(StandingReader, "work_out", be_overtaken)
    assert lessons_in(both, both.get(both.feed).data) == [2, 1]
    assert overtaken


def test_feed_is_the_same_before_and_after_the_worker_wrote_the_unlocks_down(both: Visit) -> None:
    both.at(START + 2 * WEEK)
    before = both.get(both.feed)
    record_unlocks(both.house)
    after = both.get(both.feed)
    assert (after.data, after.headers["ETag"]) == (before.data, before.headers["ETag"])


def test_recorded_lesson_stays_though_the_plan_would_not_give_it_now(both: Visit) -> None:
    both.at(START + WEEK)
    record_unlocks(both.house)
    both.set(Course, both.course_id, rhythm_kind=RhythmKind.EVERY_DAYS, rhythm_every_days=30)
    assert lessons_in(both, both.get(both.feed).data) == [2, 1]


def test_feed_equals_what_feedgen_renders_for_this_subscription(both: Visit) -> None:
    both.at(START + 2 * WEEK)
    document = both.get(both.feed).data
    with both.house.database.reading() as session:
        served = load_served(session, both.course_id, both.house.settings.base_url)
    verified = verify_token(both.house.settings.feed_keys, both.token)
    with StandingReader(both.house.database.engine) as reader:
        standing = reader.find(verified.random_id)
    assert standing is not None
    view = look(standing, served, both.clock())
    filling = filling_of(view, standing, served, both.token)
    assert document == render_feed(served.template.feed_for(filling))


def test_rule_2_feed_address_outlives_pause_end_and_new_lessons(both: Visit) -> None:
    both.at(START + WEEK)
    both.set(Subscription, both.subscription_id, ended_at=both.clock(), end_reason=EndReason.LEFT)
    assert both.get(both.feed).status_code == 200


@pytest.mark.parametrize("spelling", ["{}/", "{}?from=mail", "/{}"])
def test_rule_3_private_feed_is_never_redirected(visit: Visit, spelling: str) -> None:
    assert visit.get(spelling.format(visit.feed)).status_code in {200, 404}


def test_rule_12_paused_feed_keeps_its_lessons_and_says_that_it_is_paused(both: Visit) -> None:
    both.change(
        lambda session: session.add(
            PauseSpan(subscription_id=both.subscription_id, starts_on=date(2026, 6, 3))
        )
    )
    answer = both.at(START + WEEK).get(both.feed)
    assert (answer.status_code, titles(answer.data)[0]) == (200, "Je cursus staat op pauze")
    assert lessons_in(both, answer.data) == [1]


def test_rule_12_feed_of_one_who_left_keeps_its_lessons_and_gets_no_new_ones(both: Visit) -> None:
    both.at(START + WEEK)
    record_unlocks(both.house)
    left_at = both.clock() + SECOND
    both.set(Subscription, both.subscription_id, ended_at=left_at, end_reason=EndReason.LEFT)
    answer = both.at(START + 3 * WEEK).get(both.feed)
    assert (answer.status_code, lessons_in(both, answer.data)) == (200, [2, 1])
    assert titles(answer.data)[0] == "Deze cursus is voor jou afgelopen"


def test_rule_12_feed_before_the_first_fixed_date_says_when_it_begins(both: Visit) -> None:
    both.set(Course, both.course_id, rhythm_kind=RhythmKind.FIXED_DATES)
    both.set(Lesson, both.lesson_ids[0], release_at=START + timedelta(days=3))
    answer = both.get(both.feed)
    assert titles(answer.data) == ["Welkom"]
    assert "donderdag 4 juni om 08:00" in answer.text


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        (RetireReason.ASKED, "Je adres is veranderd"),
        (RetireReason.LEAKED, "Je adres is veranderd"),
        (RetireReason.REVOKED, "Dit adres is gesloten"),
    ],
)
def test_rule_12_replaced_address_answers_200_with_one_item(
    both: Visit, reason: RetireReason, title: str
) -> None:
    retire(both, reason)
    answer = both.get(both.feed)
    assert (answer.status_code, titles(answer.data)) == (200, [title])


def test_replaced_address_never_says_what_replaced_it(both: Visit) -> None:
    addresses = FeedAddresses(
        base_url=both.house.settings.base_url, keys=both.house.settings.feed_keys
    )
    with both.house.database.writing() as session:
        fresh = addresses.replace(
            session, both.subscription_id, reason=RetireReason.ASKED, now=both.clock()
        )
        new_token = addresses.token_of(fresh)
    assert new_token not in both.get(both.feed).text
    assert lessons_in(both, both.get(f"/f/{new_token}.xml").data) == [1]


def test_restarted_subscription_keeps_the_lessons_of_its_old_feed(both: Visit) -> None:
    record_unlocks(both.house)
    retire(both, RetireReason.RESTARTED)
    left_at = START + SECOND
    both.set(Subscription, both.subscription_id, ended_at=left_at, end_reason=EndReason.RESTARTED)
    answer = both.at(left_at).get(both.feed)
    assert lessons_in(both, answer.data) == [1]
    assert titles(answer.data)[0] == "Je bent opnieuw met deze cursus begonnen"


def test_rule_12_finished_course_is_complete_once_everything_is_unlocked(both: Visit) -> None:
    both.set(Course, both.course_id, finished_at=START)
    unfinished = both.at(START + 3 * WEEK - SECOND).get(both.feed)
    assert "<itunes:complete>" not in unfinished.text
    finished = both.at(START + 3 * WEEK + SECOND).get(both.feed)
    assert "<itunes:complete>Yes</itunes:complete>" in finished.text
    assert titles(finished.data)[0] == "De cursus is compleet"


def test_course_that_may_grow_is_never_complete(both: Visit) -> None:
    assert "itunes:complete" not in both.at(START + 9 * WEEK).get(both.feed).text


def test_rule_12_unknown_feed_answers_404_whatever_is_wrong_with_it(both: Visit) -> None:
    forged = both.token[:-1] + ("a" if both.token[-1] != "a" else "b")
    wrong = [f"/f/{forged}.xml", "/f/short.xml", f"/f/{both.token}", f"/f/{both.token.upper()}.xml"]
    found = {(both.get(path).status_code, both.get(path).text) for path in wrong}
    assert found == {(404, "There is nothing at this address.\n")}


def test_valid_token_without_a_row_answers_404_so_that_a_restored_backup_kills_no_feed(
    both: Visit,
) -> None:
    token = both.another_token()
    with both.house.database.writing() as session:
        session.delete(
            session.scalars(select(Subscription).order_by(Subscription.id.desc())).first()
        )
    assert both.get(f"/f/{token}.xml").status_code == 404


def test_rule_12_feed_of_an_erased_listener_answers_410(both: Visit) -> None:
    both.change(lambda session: erase(session, both.subscription_id, on=date(2026, 6, 1)))
    assert both.get(both.feed).status_code == 410


def test_rule_14_feed_has_the_headers_that_keep_it_private_and_fresh(both: Visit) -> None:
    headers = both.get(both.feed).headers
    assert headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Vary"] == "Accept-Encoding"
    assert headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in headers


def test_rule_14_head_says_what_get_says_and_has_no_body(both: Visit) -> None:
    got, headed = both.get(both.feed), both.head(both.feed)
    assert headed.data == b""
    assert dict(headed.headers) == dict(got.headers)


@pytest.mark.parametrize("header", ["gzip", "br, gzip;q=0.5", "deflate , GZIP".lower()])
def test_rule_14_feed_is_compressed_for_those_who_take_it(visit: Visit, header: str) -> None:
    packed = visit.get(visit.feed, Accept_Encoding=header)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == visit.get(visit.feed).data


@pytest.mark.parametrize("header", ["", "br", "gzip;q=0", "gzip; q=0.000", "identity"])
def test_rule_14_feed_stays_plain_for_those_who_do_not(visit: Visit, header: str) -> None:
    assert "Content-Encoding" not in visit.get(visit.feed, Accept_Encoding=header).headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_feed_can_only_be_read(visit: Visit, method: str) -> None:
    answer = visit.open(method, visit.feed)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("shape", ["{}", 'W/"other", {}', "*", '"x" , {} '])
def test_rule_15_poll_with_the_feeds_etag_gets_304_without_a_body(both: Visit, shape: str) -> None:
    etag = both.get(both.feed).headers["ETag"]
    answer = both.get(both.feed, If_None_Match=shape.format(etag))
    assert (answer.status_code, answer.data) == (304, b"")
    assert answer.headers["ETag"] == etag


def test_rule_15_feed_never_says_last_modified_and_a_date_is_no_condition(visit: Visit) -> None:
    answer = visit.get(visit.feed, If_Modified_Since="Mon, 01 Jun 2099 06:00:00 GMT")
    assert (answer.status_code, "Last-Modified" in answer.headers) == (200, False)


def test_rule_15_etag_stays_until_the_second_of_the_next_unlock(both: Visit) -> None:
    first = both.get(both.feed).headers["ETag"]
    assert both.at(START + WEEK - SECOND).get(both.feed).headers["ETag"] == first
    assert both.at(START + WEEK).get(both.feed).headers["ETag"] != first


def test_rule_15_etag_changes_with_an_edit_of_the_course(both: Visit) -> None:
    first = both.get(both.feed).headers["ETag"]
    both.set(Lesson, both.lesson_ids[0], title="Een andere titel")
    second = both.get(both.feed)
    assert second.headers["ETag"] != first
    assert titles(second.data) == ["Een andere titel", "Welkom"]


def test_rule_16_feeds_of_two_listeners_share_no_byte_of_token(both: Visit) -> None:
    other = both.another_token()
    mine, hers = both.get(both.feed).text, both.get(f"/f/{other}.xml").text
    assert both.token in mine
    assert other in hers
    assert both.token not in hers
    assert other not in mine


def test_new_recording_changes_the_enclosures_address_and_not_the_guid(both: Visit) -> None:
    before = feedparser.parse(both.get(both.feed).data).entries[0]
    with both.house.database.writing() as session:
        lesson = session.get_one(Lesson, both.lesson_ids[0])
        recording = a_recording(session, lesson, number=2)
        recording_id = recording.id
    both.set(Lesson, both.lesson_ids[0], recording_id=recording_id)
    after = feedparser.parse(both.get(both.feed).data).entries[0]
    assert after.id == before.id
    assert after.enclosures[0].href == before.enclosures[0].href.replace("-1.mp3", "-2.mp3")


def test_lesson_taken_down_keeps_its_place_and_loses_text_and_audio(both: Visit) -> None:
    record_unlocks(both.house)
    both.set(Lesson, both.lesson_ids[0], state=LessonState.REMOVED, notes="Geheim")
    answer = both.get(both.feed)
    entry = feedparser.parse(answer.data).entries[0]
    assert (lessons_in(both, answer.data), entry.get("enclosures", [])) == ([1], [])
    assert "Geheim" not in answer.text


def test_withdrawn_lesson_stays_with_those_who_have_it(both: Visit) -> None:
    record_unlocks(both.house)
    both.set(Lesson, both.lesson_ids[0], state=LessonState.WITHDRAWN)
    assert lessons_in(both, both.get(both.feed).data) == [1]


def test_poll_writes_nothing_and_waits_for_no_writer(visit: Visit) -> None:
    visit.get(visit.feed)
    with visit.house.database.writing() as session:
        session.execute(select(Unlock))
        asked_at = time.monotonic()
        assert visit.at(START + WEEK).get(visit.feed).status_code == 200
        assert time.monotonic() - asked_at < 3


def test_standing_and_rows_agree_on_what_may_be_heard(both: Visit) -> None:
    verified = verify_token(both.house.settings.feed_keys, both.token)
    record_unlocks(both.at(START + WEEK).house)
    both.at(START + 2 * WEEK)
    with both.house.database.reading() as session:
        served = load_served(session, both.course_id, both.house.settings.base_url)
    with StandingReader(both.house.database.engine) as reader:
        standing = reader.find(verified.random_id)
    assert standing is not None
    assert [lesson_id for _, lesson_id in hear(standing, served, both.clock())] == (
        both.lesson_ids[:3]
    )
