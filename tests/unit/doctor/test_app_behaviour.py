"""Where podcast apps differ, on the boundary."""

from datetime import UTC, datetime, timedelta

import pytest

from app.doctor.apps import (
    ANTENNAPOD,
    APPLE,
    APPS,
    GPODDER,
    NEWSBOAT,
    POCKET_CASTS,
    App,
    condition_headers,
    is_announced,
    length_of,
    looks_like,
    name_of,
    stored_address,
)
from app.doctor.document import Enclosure, Item
from app.doctor.verdicts import judge_apps
from app.services.apps import app_named

NOW = datetime(2026, 6, 10, 6, 0, tzinfo=UTC)
BOTH = {"etag": '"a"', "last-modified": "Tue, 09 Jun 2026 06:00:00 GMT"}


def an_item(
    *,
    title: str = "Les",
    guid: str = "one",
    url: str = "https://a.example/1.mp3",
    at: datetime = NOW,
    duration: str = "900",
) -> Item:
    return Item(
        number=1,
        title=title,
        guid=guid,
        is_guid_address=False,
        date_text="",
        published_at=at,
        description="",
        duration=duration,
        explicit="",
        enclosures=(Enclosure(url=url, type="audio/mpeg", length=1),),
        assets=(),
    )


@pytest.mark.parametrize(
    ("app", "last", "sent"),
    [
        (GPODDER, BOTH, {"If-None-Match": '"a"', "If-Modified-Since": BOTH["last-modified"]}),
        (GPODDER, {"etag": '"a"'}, {"If-None-Match": '"a"'}),
        (ANTENNAPOD, BOTH, {"If-Modified-Since": BOTH["last-modified"]}),
        (ANTENNAPOD, {"etag": '"a"'}, {"If-None-Match": '"a"'}),
        (ANTENNAPOD, {**BOTH, "last-modified": "Sun, 07 Jun 2026 06:00:00 GMT"}, {}),
        (NEWSBOAT, {"etag": '"a"'}, {"If-None-Match": '"a"', "A-IM": "feed"}),
        (NEWSBOAT, {}, {}),
    ],
)
def test_each_app_sends_its_own_condition(
    app: App, last: dict[str, str], sent: dict[str, str]
) -> None:
    assert condition_headers(app, last, NOW) == sent


@pytest.mark.parametrize(
    ("app", "hops", "address"),
    [
        (GPODDER, [(301, "new")], "new"),
        (GPODDER, [(308, "new"), (302, "other")], "new"),
        (GPODDER, [(302, "other"), (301, "new")], "old"),
        (NEWSBOAT, [(301, "new")], "old"),
    ],
)
def test_a_permanent_redirect_rewrites_the_stored_address_in_most_apps(
    app: App, hops: list[tuple[int, str]], address: str
) -> None:
    assert stored_address(app, "old", hops) == address


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (an_item(guid="two", url="https://a.example/2.mp3"), True),
        (an_item(guid="two", url="https://a.example/2.mp3", duration="1499"), True),
        (an_item(guid="two", url="https://a.example/2.mp3", duration="1500"), False),
        (an_item(guid="two", url="https://a.example/2.mp3", at=NOW - timedelta(days=1)), False),
        (an_item(guid="two", url="https://a.example/2.mp3", title="Les 2"), False),
        (an_item(guid="two", title="Les 2"), True),
    ],
)
def test_antennapod_takes_items_that_look_alike_for_one(other: Item, *, is_same: bool) -> None:
    assert looks_like(ANTENNAPOD, an_item(), other) is is_same
    assert not looks_like(APPLE, an_item(), other)


@pytest.mark.parametrize(
    ("app", "age"),
    [(GPODDER, timedelta(days=7)), (ANTENNAPOD, timedelta()), (POCKET_CASTS, timedelta())],
)
def test_an_item_much_older_than_the_newest_is_not_announced(app: App, age: timedelta) -> None:
    assert is_announced(app, an_item(at=NOW - age), NOW)
    assert not is_announced(app, an_item(at=NOW - age - timedelta(seconds=1)), NOW)
    assert is_announced(app, an_item(at=NOW - age - timedelta(seconds=1)), None)


def test_an_app_of_which_nothing_is_known_announces_what_is_old() -> None:
    assert is_announced(APPLE, an_item(at=NOW - timedelta(days=14)), NOW)


def test_without_a_guid_an_item_goes_by_its_address_and_in_some_apps_by_its_title() -> None:
    nameless = an_item(guid="")
    assert name_of(GPODDER, an_item()) == "one"
    assert name_of(GPODDER, nameless) == "https://a.example/1.mp3"
    assert (name_of(NEWSBOAT, nameless), name_of(ANTENNAPOD, nameless)) == ("Les", "Les")


@pytest.mark.parametrize(
    ("text", "seconds"), [("900", 900), ("15:00", 900), ("1:00:01", 3601), ("soon", 0), ("", 0)]
)
def test_durations_are_read_in_seconds_or_as_a_clock(text: str, seconds: int) -> None:
    assert length_of(an_item(duration=text)) == timedelta(seconds=seconds)


def test_what_the_doctor_asks_is_counted_as_no_app_of_a_listener() -> None:
    assert {app_named(f"{app.user_agent} cadans-doctor") for app in APPS} == {"Cadans"}
    assert {app_named(app.user_agent) for app in APPS} == {app.name for app in APPS}


def test_one_finding_means_something_else_in_each_app() -> None:
    said = {verdict.app: verdict.sentence for verdict in judge_apps({"audio.range"}, {})}
    assert said["Apple Podcasts"].startswith("will not play it")
    assert said["gPodder"] == "works, but cannot go on with a download that broke off."
