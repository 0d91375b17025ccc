"""What a podcast app gets at the turns of a subscription: items with audio, and when."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.asking import StandingReader
from app.db.models import Course, Lesson, PauseSpan, SpokenTurn, Subscription
from app.jobs.unlocks import record_unlocks
from app.kinds import EndReason, RetireReason
from app.services import spoken
from app.services.addresses import erase
from app.services.feeds import load_served
from app.services.polls import etag_of, filling_of, look, render_feed_of
from app.services.spoken import OwnFile
from app.spoken import all_shipped, shown
from feeds.messages import TurnKind
from feeds.rhythm import RhythmKind
from feeds.rss import render_feed
from feeds.tokens import verify_token
from tests.builders import START, a_course
from tests.parts.audio_files import AudioFiles
from tests.web.conftest import SECOND, WEEK, Visit, retire

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


def entries(visit: Visit) -> list[Any]:
    """Items as an app reads them, newest first."""
    found = feedparser.parse(visit.get(visit.feed).data)
    assert found.bozo is False
    return list(found.entries)


def titles(visit: Visit) -> list[str]:
    return [entry.title for entry in entries(visit)]


def dates(visit: Visit) -> list[datetime]:
    return [parsedate_to_datetime(entry.published) for entry in entries(visit)]


def spoken_in(visit: Visit) -> Any:
    """The one item of the feed that is no lesson."""
    [entry] = [each for each in entries(visit) if "0nl-" in each.enclosures[0].href]
    return entry


def path_of(entry: Any) -> str:
    return "/a/" + str(entry.enclosures[0].href).partition("/a/")[2]


def pause(visit: Visit, starts_on: date, ends_on: date | None = None) -> None:
    span = PauseSpan(subscription_id=visit.subscription_id, starts_on=starts_on, ends_on=ends_on)
    visit.change(lambda session: session.add(span))
    visit.set(Subscription, visit.subscription_id, revision=visit.clock().toordinal())


def a_turn(kind: TurnKind) -> Callable[[Visit], None]:
    """What must happen so that the feed speaks of it."""

    def finish(visit: Visit) -> None:
        visit.set(Course, visit.course_id, finished_at=START)
        visit.at(START + 4 * WEEK)

    def leave(reason: EndReason) -> Callable[[Visit], None]:
        return lambda visit: visit.at(START + DAY).set(
            Subscription, visit.subscription_id, ended_at=START + DAY, end_reason=reason
        )

    return {
        TurnKind.WELCOME: lambda _: None,
        TurnKind.PAUSED: lambda visit: pause(visit.at(START + 9 * DAY), date(2026, 6, 10)),
        TurnKind.RESUMED: lambda visit: pause(
            visit.at(START + 12 * DAY), date(2026, 6, 10), date(2026, 6, 13)
        ),
        TurnKind.COMPLETE: finish,
        TurnKind.ENDED: leave(EndReason.LEFT),
        TurnKind.RESTARTED: leave(EndReason.RESTARTED),
        TurnKind.ADDRESS_CHANGED: lambda visit: retire(visit, RetireReason.LEAKED),
        TurnKind.ADDRESS_CLOSED: lambda visit: retire(visit, RetireReason.REVOKED),
    }[kind]


@pytest.mark.parametrize("kind", TurnKind)
def test_every_turn_is_an_item_whose_audio_plays_and_is_what_the_feed_says(
    both: Visit, kind: TurnKind
) -> None:
    a_turn(kind)(both)
    entry, ours = spoken_in(both), shown(kind, "nl")
    [enclosure] = entry.enclosures
    headed, got = both.head(path_of(entry)), both.get(path_of(entry))
    assert (headed.status_code, headed.headers["Content-Length"]) == (200, enclosure.length)
    assert (got.status_code, got.data) == (200, ours.read())
    assert got.headers["Content-Type"] == enclosure.type == "audio/mpeg"
    assert entry.itunes_duration == str(round(ours.duration_ms / 1000))
    assert both.get(path_of(entry), Range="bytes=0-1").data == ours.read()[:2]
    assert both.get(path_of(entry), If_None_Match=got.headers["ETag"]).status_code == 304


@pytest.mark.parametrize("kind", TurnKind)
def test_every_turn_is_the_newest_item_and_never_dated_ahead(both: Visit, kind: TurnKind) -> None:
    a_turn(kind)(both)
    found = dates(both)
    assert sorted(set(found), reverse=True) == found
    assert found[0] <= both.clock()
    first = 1 if kind is TurnKind.WELCOME else 0
    assert entries(both)[first].id == spoken_in(both).id


@pytest.mark.parametrize("kind", TurnKind)
def test_no_turn_moves_a_lessons_guid_date_or_order(both: Visit, kind: TurnKind) -> None:
    def lessons() -> dict[str, str]:
        return {each.id: each.published for each in entries(both) if "0nl" not in path_of(each)}

    both.at(START + 8 * DAY)
    record_unlocks(both.house)
    before = lessons()
    a_turn(kind)(both)
    after = lessons()
    kept = {} if kind in {TurnKind.ADDRESS_CHANGED, TurnKind.ADDRESS_CLOSED} else before
    assert {guid: after.get(guid) for guid in kept} == kept
    assert [guid for guid in reversed(after) if guid in before] == list(reversed(kept))


def test_welcome_stands_a_minute_before_lesson_1_until_lesson_2_comes(both: Visit) -> None:
    assert dates(both) == [START, START - MINUTE]
    assert spoken_in(both).itunes_episodetype == "trailer"
    both.at(START + WEEK - SECOND)
    assert titles(both)[1] == "Welkom"
    both.at(START + WEEK)
    assert "Welkom" not in titles(both)


def test_welcome_keeps_guid_and_date_when_the_first_lesson_comes(both: Visit) -> None:
    both.set(Course, both.course_id, rhythm_kind=RhythmKind.FIXED_DATES)
    both.set(Lesson, both.lesson_ids[0], release_at=START + 30 * DAY)
    [alone] = entries(both)
    both.at(START + 30 * DAY)
    first, beside = entries(both)
    assert (beside.id, beside.published) == (alone.id, alone.published)
    assert parsedate_to_datetime(first.published) == both.clock()
    assert "staat er al" in beside.description


def test_pause_is_told_at_once_and_after_what_came_that_day(both: Visit) -> None:
    both.at(START + WEEK + timedelta(hours=5))
    assert dates(both)[0] == START + WEEK
    record_unlocks(both.house)
    pause(both, date(2026, 6, 8))
    assert (titles(both)[0], dates(both)[0]) == ("Je cursus staat op pauze", START + WEEK + SECOND)
    both.at(START + 50 * WEEK)
    assert (titles(both)[0], dates(both)[0]) == ("Je cursus staat op pauze", START + WEEK + SECOND)


def test_going_on_is_told_on_the_day_and_leaves_with_the_next_lesson(both: Visit) -> None:
    pause(both, date(2026, 6, 3), date(2026, 6, 20))
    both.at(datetime.fromisoformat("2026-06-19T21:59:59+00:00"))
    assert titles(both)[0] == "Je cursus staat op pauze"
    both.at(both.clock() + SECOND)
    assert (titles(both)[0], dates(both)[0]) == ("Je cursus gaat verder", both.clock())
    both.at(START + 24 * DAY - SECOND)
    assert titles(both)[0] == "Je cursus gaat verder"
    both.at(START + 24 * DAY)
    assert "Je cursus gaat verder" not in titles(both)


def test_each_pause_has_a_guid_of_its_own_whatever_is_planned_before_it(both: Visit) -> None:
    pause(both.at(START + 9 * DAY), date(2026, 6, 10), date(2026, 6, 10))
    pause(both, date(2026, 6, 10))
    first = spoken_in(both).id
    both.change(lambda session: session.delete(session.query(PauseSpan).first()))
    both.set(Subscription, both.subscription_id, revision=99)
    assert spoken_in(both).id == first


def test_going_on_is_not_told_when_nothing_follows(both: Visit) -> None:
    both.at(START + 5 * WEEK)
    record_unlocks(both.house)
    pause(both, date(2026, 7, 1), date(2026, 7, 3))
    assert len(entries(both)) == 4


def test_complete_that_is_complete_again_is_another_turn(both: Visit) -> None:
    both.set(Course, both.course_id, finished_at=START)
    both.set(Lesson, both.lesson_ids[3], published_at=None)
    both.at(START + 2 * WEEK + SECOND)
    record_unlocks(both.house)
    first = spoken_in(both)
    both.set(Lesson, both.lesson_ids[3], published_at=START, placed_at=START)
    both.at(START + 4 * WEEK)
    again = spoken_in(both)
    assert again.title == first.title
    assert again.id != first.id


class TestWhoMayHear:
    """The same lock as before lessons."""

    def paths(self, visit: Visit) -> dict[TurnKind, str]:
        return {
            each.kind: f"/a/{visit.token}/{STEM[each.kind]}nl-1.mp3"
            for each in all_shipped()
            if each.language == "nl"
        }

    def heard(self, visit: Visit) -> set[TurnKind]:
        paths = self.paths(visit)
        return {kind for kind, path in paths.items() if visit.get(path).status_code == 200}

    def test_at_first_only_the_welcome(self, both: Visit) -> None:
        assert self.heard(both) == {TurnKind.WELCOME}

    def test_what_was_said_plays_on_when_it_has_left_the_feed(self, both: Visit) -> None:
        pause(both, date(2026, 6, 3), date(2026, 6, 20))
        both.at(START + 10 * WEEK)
        assert self.heard(both) == {TurnKind.WELCOME, TurnKind.PAUSED, TurnKind.RESUMED}

    @pytest.mark.parametrize(
        ("reason", "kind"),
        [
            (RetireReason.ASKED, TurnKind.ADDRESS_CHANGED),
            (RetireReason.LEAKED, TurnKind.ADDRESS_CHANGED),
            (RetireReason.REVOKED, TurnKind.ADDRESS_CLOSED),
        ],
    )
    def test_closed_address_plays_its_one_item_and_refuses_the_rest(
        self, both: Visit, reason: RetireReason, kind: TurnKind
    ) -> None:
        retire(both, reason)
        assert self.heard(both) == {kind}
        assert both.get(self.paths(both)[TurnKind.WELCOME]).status_code == 403
        assert both.get(both.audio()).status_code == 403

    def test_erased_listener_hears_nothing(self, both: Visit) -> None:
        both.change(lambda session: erase(session, both.subscription_id, on=date(2026, 6, 1)))
        assert {both.get(path).status_code for path in self.paths(both).values()} == {410}

    @pytest.mark.parametrize(
        "name",
        [
            *("hello0nl-2.mp3", "hello0nl-1.m4a", "hello0nl-1.vtt", "hello0nl-1.json"),
            *("hello000-1.mp3", "hello0fy-1.mp3", "hello0nl-0.mp3", "HELLO0NL-1.mp3"),
        ],
    )
    def test_address_of_what_is_not_there_is_unknown(self, visit: Visit, name: str) -> None:
        assert visit.get(f"/a/{visit.token}/{name}").status_code == 404

    def test_forged_token_hears_nothing(self, visit: Visit) -> None:
        last = "a" if visit.token[-1] != "a" else "b"
        assert visit.get(f"/a/{visit.token[:-1]}{last}/hello0nl-1.mp3").status_code == 404

    @pytest.mark.parametrize("delivery", ["accel", "serve"])
    def test_ours_come_from_us_however_others_are_sent(
        self, environ: dict[str, str], make_visit: Callable[[dict[str, str]], Visit], delivery: str
    ) -> None:
        visit = make_visit({**environ, "CADANS_AUDIO": delivery})
        path = self.paths(visit)[TurnKind.WELCOME]
        ours = shown(TurnKind.WELCOME, "nl")
        answer = visit.get(path)
        assert (answer.data, "X-Accel-Redirect" in answer.headers) == (ours.read(), False)
        assert visit.head(path).headers["Content-Length"] == str(ours.size_bytes)

    @pytest.mark.s3
    def test_ours_come_from_us_where_lessons_are_redirected_to_a_bucket(
        self, environ: dict[str, str], s3_url: str, make_visit: Callable[[dict[str, str]], Visit]
    ) -> None:
        keys = {"CADANS_FEED_KEYS": "1:" + "cd" * 32, "CADANS_SECRET_KEYS": "e" * 64}
        visit = make_visit({**environ, **keys, "CADANS_STORE": s3_url})
        path = self.paths(visit)[TurnKind.WELCOME]
        assert visit.get(visit.audio()).status_code == 302
        assert (visit.get(path).status_code, visit.head(path).status_code) == (200, 200)


STEM = {
    TurnKind.WELCOME: "hello0",
    TurnKind.PAUSED: "pause0",
    TurnKind.RESUMED: "going0",
    TurnKind.COMPLETE: "whole0",
    TurnKind.ENDED: "ended0",
    TurnKind.RESTARTED: "again0",
    TurnKind.ADDRESS_CHANGED: "moved0",
    TurnKind.ADDRESS_CLOSED: "close0",
}
"""What apps remember: never changed."""


class TestOwnRecording:
    """An owner says it herself."""

    @pytest.fixture
    def own(self, both: Visit, audio_files: AudioFiles) -> SpokenTurn:
        return self.use(both, audio_files["short.m4a"].read_bytes())

    def use(self, visit: Visit, content: bytes) -> SpokenTurn:
        file = OwnFile(name="welkom.m4a", chunks=[content])
        return spoken.replace(
            visit.house, visit.course_id, TurnKind.WELCOME, file, now=visit.clock()
        )

    def test_feeds_name_it_and_give_it(
        self, both: Visit, own: SpokenTurn, audio_files: AudioFiles
    ) -> None:
        welcome = entries(both)[1]
        [enclosure] = welcome.enclosures
        assert enclosure.href.endswith(f"/a/{both.token}/hello000-1.m4a")
        assert (enclosure.length, enclosure.type) == (str(own.size_bytes), "audio/x-m4a")
        got, headed = both.get(path_of(welcome)), both.head(path_of(welcome))
        assert got.data == audio_files["short.m4a"].read_bytes()
        assert headed.headers["ETag"] == own.etag == got.headers["ETag"]

    def test_ours_plays_on_where_an_app_has_its_address(self, both: Visit, own: SpokenTurn) -> None:
        assert own.number == 1
        assert both.get(f"/a/{both.token}/hello0nl-1.mp3").status_code == 200

    def test_another_one_changes_address_and_etag_but_neither_guid_nor_date(
        self, both: Visit, own: SpokenTurn, audio_files: AudioFiles
    ) -> None:
        before, etag = entries(both)[1], both.get(both.feed).headers["ETag"]
        self.use(both, audio_files["short.m4a"].read_bytes())
        after = entries(both)[1]
        assert (after.id, after.published) == (before.id, before.published)
        assert path_of(after) == path_of(before).replace("-1.", "-2.")
        assert both.get(both.feed).headers["ETag"] != etag
        assert both.get(path_of(before)).status_code == 200
        assert own.number == 1

    def test_ours_comes_back(self, both: Visit, own: SpokenTurn) -> None:
        both.change(
            lambda session: spoken.put_back(
                session, both.course_id, TurnKind.WELCOME, now=both.clock()
            )
        )
        assert path_of(entries(both)[1]).endswith("/hello0nl-1.mp3")
        assert both.get(f"/a/{both.token}/hello000-1.m4a").status_code == 200
        assert own.number == 1

    def test_another_course_does_not_have_it(self, both: Visit, own: SpokenTurn) -> None:
        with both.house.database.writing() as session:
            other = a_course(session, lessons=1)
        token = both.another_token(other)
        assert own.number == 1
        assert both.get(f"/a/{token}/hello000-1.m4a").status_code == 404


PAUSES = st.lists(st.tuples(st.integers(-1, 20), st.none() | st.integers(0, 12)), max_size=2)
MOMENTS = st.lists(st.integers(0, 60 * 86_400), min_size=2, max_size=12)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(pauses=PAUSES, seconds=MOMENTS, finished=st.none() | st.integers(0, 40))
def test_etag_and_bytes_change_together_and_dates_stay_while_time_goes_on(
    visit: Visit, pauses: list[tuple[int, int | None]], seconds: list[int], finished: int | None
) -> None:
    a_life(visit, pauses, finished)
    with visit.house.database.reading() as session:
        served = load_served(session, visit.course_id, visit.house.settings.base_url)
    verified = verify_token(visit.house.settings.feed_keys, visit.token)
    with StandingReader(visit.house.database.engine) as reader:
        standing = reader.find(verified.random_id)
    assert standing is not None
    seen: dict[str, bytes] = {}
    first_dates: dict[str, datetime] = {}
    for moment in sorted(seconds):
        now = START + timedelta(seconds=moment)
        view = look(standing, served, now)
        etag = etag_of(view, standing, served, visit.house.settings.base_url)
        document = render_feed_of(view, standing, served, visit.token)
        assert seen.setdefault(etag, document) == document
        filling = filling_of(view, standing, served, visit.token)
        feed = served.template.feed_for(filling)
        assert document == render_feed(feed)
        assert len({item.pub_at for item in feed.items}) == len(feed.items) > 0
        assert all(item.pub_at <= now for item in feed.items)
        for item in feed.items:
            assert first_dates.setdefault(item.guid, item.pub_at) == item.pub_at
    assert len(set(seen.values())) == len(seen)


def a_life(visit: Visit, pauses: list[tuple[int, int | None]], finished: int | None) -> None:
    """Pauses one after the other; the last may have no end."""

    def live(session: Any) -> None:
        session.query(PauseSpan).delete()
        day = START.date()
        for index, (gap, length) in enumerate(pauses):
            is_last = index == len(pauses) - 1
            day += timedelta(days=max(gap, 0))
            ends_on = None if is_last and length is None else day + timedelta(days=length or 0)
            span = PauseSpan(subscription_id=visit.subscription_id, starts_on=day, ends_on=ends_on)
            session.add(span)
            day = ends_on or day

    visit.change(live)
    finished_at = None if finished is None else START + timedelta(days=finished)
    visit.set(Course, visit.course_id, finished_at=finished_at)
