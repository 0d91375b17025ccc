"""What a podcast app gets from an audio address."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from app.db.models import Lesson, PauseSpan, Recording, Subscription
from app.jobs.unlocks import record_unlocks
from app.kinds import EndReason, LessonState, RecordingState, RetireReason
from app.services.addresses import erase
from media.keys import ObjectKey
from tests.builders import START, a_course, a_recording
from tests.web.conftest import SECOND, SOUND, WEEK, Visit, retire, store_sound


def etag_of(visit: Visit) -> str:
    with visit.house.database.reading() as session:
        etag: str = session.scalars(select(Recording.etag).order_by(Recording.id)).first() or ""
    return etag


def delete_sound(visit: Visit) -> None:
    with visit.house.database.reading() as session:
        for key in session.scalars(select(Recording.object_key)):
            visit.house.store.delete(ObjectKey(key))


def test_rule_17_head_is_answered_200_with_all_that_a_player_asks(both: Visit) -> None:
    headers = both.head(both.audio()).headers
    assert headers["Content-Type"] == "audio/mpeg"
    assert headers["Content-Length"] == str(len(SOUND))
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["ETag"] == etag_of(both)


def test_rule_17_head_never_touches_the_store(both: Visit) -> None:
    delete_sound(both)
    assert both.head(both.audio()).status_code == 200


def test_rule_18_whole_recording_comes_with_its_exact_length(both: Visit) -> None:
    answer = both.get(both.audio())
    assert (answer.status_code, answer.data) == (200, SOUND)
    assert answer.headers["Content-Length"] == str(len(SOUND))


def test_rule_18_first_probe_of_apple_gets_206(both: Visit) -> None:
    answer = both.get(both.audio(), Range="bytes=0-1")
    assert (answer.status_code, answer.data) == (206, SOUND[:2])
    assert answer.headers["Content-Range"] == f"bytes 0-1/{len(SOUND)}"
    assert answer.headers["Content-Length"] == "2"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("bytes=100-199", SOUND[100:200]), ("bytes=-10", SOUND[-10:]), ("bytes=9000-", SOUND[9000:])],
)
def test_rule_18_range_gets_its_bytes(visit: Visit, asked: str, expected: bytes) -> None:
    answer = visit.get(visit.audio(), Range=asked)
    assert (answer.status_code, answer.data) == (206, expected)


def test_rule_18_range_past_the_end_gets_416(visit: Visit) -> None:
    answer = visit.get(visit.audio(), Range=f"bytes={len(SOUND)}-")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(SOUND)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=b-a"])
def test_rule_18_what_is_no_single_range_gets_everything(visit: Visit, asked: str) -> None:
    assert visit.get(visit.audio(), Range=asked).status_code == 200


def test_rule_18_range_of_another_object_gets_everything(visit: Visit) -> None:
    same = visit.get(visit.audio(), Range="bytes=0-1", If_Range=etag_of(visit))
    other = visit.get(visit.audio(), Range="bytes=0-1", If_Range='"other"')
    assert (same.status_code, other.status_code) == (206, 200)


def test_recording_that_an_app_has_gets_304(visit: Visit) -> None:
    assert visit.get(visit.audio(), If_None_Match=etag_of(visit)).status_code == 304


def test_rule_19_replaced_recording_keeps_serving_its_old_bytes(both: Visit) -> None:
    with both.house.database.writing() as session:
        recording = a_recording(session, session.get_one(Lesson, both.lesson_ids[0]), number=2)
        store_sound(both.house, recording, b"new")
        recording_id = recording.id
    both.set(Lesson, both.lesson_ids[0], recording_id=recording_id)
    assert both.get(both.audio(recording=1)).data == SOUND
    assert both.get(both.audio(recording=2)).data == b"new"


def test_recording_that_is_not_judged_yet_is_not_served(visit: Visit) -> None:
    with visit.house.database.writing() as session:
        lesson = session.get_one(Lesson, visit.lesson_ids[0])
        a_recording(session, lesson, number=2, state=RecordingState.WAITING)
    assert visit.get(visit.audio(recording=2)).status_code == 404


def test_rule_20_lesson_is_locked_until_its_second_and_says_when_it_opens(both: Visit) -> None:
    locked = both.at(START + WEEK - SECOND).get(both.audio(2))
    assert (locked.status_code, locked.text) == (
        403,
        "Les 2 komt vrij op maandag 8 juni om 08:00.\n",
    )
    assert locked.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert both.at(START + WEEK).get(both.audio(2)).status_code == 200


def test_rule_20_locked_lesson_refuses_head_too(both: Visit) -> None:
    assert both.head(both.audio(2)).status_code == 403


def test_rule_20_locked_lesson_without_a_date_says_so(both: Visit) -> None:
    both.change(
        lambda session: session.add(
            PauseSpan(subscription_id=both.subscription_id, starts_on=date(2026, 6, 2))
        )
    )
    assert both.get(both.audio(2)).text == "Les 2 is nog niet vrij.\n"


def test_rule_20_date_is_told_in_the_courses_language_on_her_own_clock(both: Visit) -> None:
    both.set(Subscription, both.subscription_id, zone="America/New_York")
    assert "maandag 8 juni om 02:00" in both.get(both.audio(2)).text


def test_rule_20_audio_of_an_erased_listener_answers_410(both: Visit) -> None:
    both.change(lambda session: erase(session, both.subscription_id, on=date(2026, 6, 1)))
    assert both.get(both.audio()).status_code == 410


def test_lesson_taken_down_answers_410_to_those_who_had_it(both: Visit) -> None:
    record_unlocks(both.house)
    both.set(Lesson, both.lesson_ids[0], state=LessonState.REMOVED)
    answer = both.get(both.audio())
    assert (answer.status_code, answer.text) == (410, "Deze les is verwijderd.\n")


def test_lesson_withdrawn_plays_on_for_those_who_had_it(both: Visit) -> None:
    record_unlocks(both.house)
    both.set(Lesson, both.lesson_ids[0], state=LessonState.WITHDRAWN)
    assert both.get(both.audio()).status_code == 200


def test_lesson_withdrawn_before_its_turn_does_not_exist(both: Visit) -> None:
    both.set(Lesson, both.lesson_ids[1], state=LessonState.WITHDRAWN)
    assert both.get(both.audio(2)).status_code == 404


def test_what_she_had_plays_on_after_she_left(both: Visit) -> None:
    record_unlocks(both.house)
    both.set(Subscription, both.subscription_id, ended_at=START, end_reason=EndReason.LEFT)
    both.at(START + 3 * WEEK)
    assert both.get(both.audio(1)).status_code == 200
    assert both.get(both.audio(2)).status_code == 403


@pytest.mark.parametrize("reason", [RetireReason.ASKED, RetireReason.LEAKED, RetireReason.REVOKED])
def test_replaced_address_plays_nothing(both: Visit, reason: RetireReason) -> None:
    retire(both, reason)
    answer = both.get(both.audio())
    assert (answer.status_code, answer.data.count(b"\n")) == (403, 1)


def test_revoked_subscription_plays_nothing(both: Visit) -> None:
    both.set(Subscription, both.subscription_id, ended_at=START, end_reason=EndReason.REVOKED)
    assert both.get(both.audio()).status_code == 403


def with_words(visit: Visit, number: int) -> None:
    visit.set(
        Lesson,
        visit.lesson_ids[number - 1],
        transcript="WEBVTT\n\n00:00.000 --> 00:01.000\nHallo\n",
        chapters=[{"startTime": 0, "title": "Begin"}],
    )


def test_rule_8_transcript_and_chapters_lie_beside_the_audio(both: Visit) -> None:
    with_words(both, 1)
    transcript, chapters = (both.get(both.audio(extension=end)) for end in ("vtt", "json"))
    assert transcript.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert transcript.text.startswith("WEBVTT\n")
    assert chapters.headers["Content-Type"] == "application/json+chapters"
    assert chapters.get_json(force=True) == {
        "version": "1.2.0",
        "chapters": [{"startTime": 0, "title": "Begin"}],
    }


def test_rule_8_feed_names_transcript_and_chapters_where_they_are(both: Visit) -> None:
    with_words(both, 1)
    document = both.get(both.feed).text
    found = re.findall(r'<podcast:(?:transcript|chapters) url="http://[^/]+(/a/[^"]+)"', document)
    assert [both.get(path).status_code for path in found] == [200, 200]


@pytest.mark.parametrize("extension", ["vtt", "json"])
def test_rule_8_transcript_and_chapters_are_locked_as_the_audio_is(
    both: Visit, extension: str
) -> None:
    with_words(both, 2)
    assert both.get(both.audio(2, extension=extension)).status_code == 403


@pytest.mark.parametrize("extension", ["vtt", "json"])
def test_lesson_without_words_has_no_transcript_and_no_chapters(
    visit: Visit, extension: str
) -> None:
    assert visit.get(visit.audio(extension=extension)).status_code == 404


class TestEve:
    """Somebody who tries what she was not given."""

    def test_forged_token_plays_nothing(self, visit: Visit) -> None:
        last = "a" if visit.token[-1] != "a" else "b"
        path = visit.audio().replace(visit.token, visit.token[:-1] + last)
        assert visit.get(path).status_code == 404

    def test_token_of_another_listener_opens_nothing_earlier(self, both: Visit) -> None:
        other = both.another_token()
        both.set(Subscription, both.subscription_id, started_at=START - WEEK)
        path = both.audio(2)
        assert both.get(path).status_code == 200
        assert both.get(path.replace(both.token, other)).status_code == 403

    def test_lesson_of_another_course_is_unknown(self, both: Visit) -> None:
        with both.house.database.writing() as session:
            other = a_course(session, lessons=1)
            public_id = session.scalars(
                select(Lesson.public_id).where(Lesson.course_id == other.id)
            ).one()
        assert both.get(f"/a/{both.token}/{public_id}-1.mp3").status_code == 404

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda path: path.replace(".mp3", ".m4a"),
            lambda path: path.replace(".mp3", ".MP3"),
            lambda path: path.replace(".mp3", ""),
            lambda path: path.replace("-1.", "-2."),
            lambda path: path.replace("-1.", "-0."),
            lambda path: path.replace("-1.", "-01."),
            lambda path: path.replace("-1.", "-1%00."),
            lambda path: path.upper().replace("/A/", "/a/"),
            lambda path: path + "/",
            lambda path: path.replace("/a/", "/a//"),
            lambda path: path.replace("/a/", "/a/../a/"),
            lambda path: path + "%0A",
            lambda path: path.replace("-1.", "-99999999999999999999."),
        ],
        ids=[
            "another extension",
            "extension in capitals",
            "no extension",
            "another recording",
            "recording nought",
            "leading nought",
            "null byte",
            "capitals",
            "trailing slash",
            "double slash",
            "dots",
            "line feed",
            "huge number",
        ],
    )
    def test_address_has_one_spelling(self, visit: Visit, spoil: Callable[[str], str]) -> None:
        assert visit.get(spoil(visit.audio())).status_code == 404

    def test_percent_encoded_letters_are_the_same_address(self, visit: Visit) -> None:
        # RFC 3986 section 6.2.2.2: the two are equivalent, so the same lock holds for both.
        encoded = "".join(f"%{ord(letter):02X}" for letter in visit.token)
        assert visit.get(visit.audio(1).replace(visit.token, encoded)).status_code == 200
        assert visit.get(visit.audio(2).replace(visit.token, encoded)).status_code == 403

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_audio_can_only_be_read(self, visit: Visit, method: str) -> None:
        assert visit.open(method, visit.audio()).status_code == 405

    def test_draft_is_unknown(self, both: Visit) -> None:
        both.set(Lesson, both.lesson_ids[0], state=LessonState.DRAFT, published_at=None)
        assert both.get(both.audio(1)).status_code == 404

    def test_lesson_published_for_next_month_is_locked(self, both: Visit) -> None:
        later: datetime = START + timedelta(days=30)
        both.set(Lesson, both.lesson_ids[0], published_at=later, placed_at=later)
        assert both.get(both.audio(1)).status_code == 403


@pytest.mark.s3
class TestS3:
    """A bucket that checks signatures."""

    @pytest.fixture
    def bucket(
        self,
        environ: dict[str, str],
        s3_url: str,
        make_visit: Callable[[dict[str, str]], Visit],
    ) -> Visit:
        keys = {"CADANS_FEED_KEYS": "1:" + "cd" * 32, "CADANS_SECRET_KEYS": "e" * 64}
        return make_visit({**environ, **keys, "CADANS_STORE": s3_url})

    def test_rule_18_get_redirects_to_the_bucket_and_any_range_may_follow(
        self, bucket: Visit
    ) -> None:
        answer = bucket.get(bucket.audio(), Range="bytes=0-1")
        assert answer.status_code == 302
        assert answer.headers["Cache-Control"] == "private, no-store"
        whole = httpx.get(answer.headers["Location"])
        part = httpx.get(answer.headers["Location"], headers={"Range": "bytes=0-1"})
        assert (whole.content, whole.headers["Content-Type"]) == (SOUND, "audio/mpeg")
        assert (part.status_code, part.content) == (206, SOUND[:2])

    def test_rule_18_redirect_is_good_for_twelve_hours(self, bucket: Visit) -> None:
        location = httpx.URL(bucket.get(bucket.audio()).headers["Location"])
        assert location.params["X-Amz-Expires"] == "43200"

    def test_rule_17_head_is_200_and_its_etag_is_the_buckets_own(self, bucket: Visit) -> None:
        headed = bucket.head(bucket.audio())
        got = httpx.get(bucket.get(bucket.audio()).headers["Location"])
        assert (headed.status_code, headed.headers["ETag"]) == (200, got.headers["ETag"])
        assert headed.headers["Content-Length"] == got.headers["Content-Length"]

    def test_rule_20_locked_lesson_gets_no_signature(self, bucket: Visit) -> None:
        answer = bucket.get(bucket.audio(2))
        assert (answer.status_code, "Location" in answer.headers) == (403, False)

    def test_served_bytes_come_through_us_when_the_operator_says_so(
        self,
        environ: dict[str, str],
        s3_url: str,
        make_visit: Callable[[dict[str, str]], Visit],
    ) -> None:
        keys = {"CADANS_FEED_KEYS": "1:" + "cd" * 32, "CADANS_SECRET_KEYS": "e" * 64}
        visit = make_visit({**environ, **keys, "CADANS_STORE": s3_url, "CADANS_AUDIO": "serve"})
        answer = visit.get(visit.audio(), Range="bytes=10-19")
        assert (answer.status_code, answer.data) == (206, SOUND[10:20])
