"""Real podcast clients at the turns of a subscription: each is new once, plays, moves nothing."""

import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import feedparser
import httpx
import podcastparser
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Listener, Subscription
from app.demo import DEMO_SLUG, load_demo_course
from app.house import House
from app.kinds import RetireReason
from app.services import pauses, renewals, subscriptions
from app.services.addresses import FeedAddresses
from app.spoken import shown
from feeds.messages import TurnKind, title_of
from tests.e2e.by_http import become_listener, maildir_of
from tests.parts.beside import open_beside
from tests.parts.clients import GPodder, Newsboat
from tests.parts.server import Installation, demo

pytestmark = [pytest.mark.client, pytest.mark.slow]

ONE, TWO, *_ = [lesson.title for lesson in load_demo_course().lessons]
FIRST_AUDIO = load_demo_course().lessons[0].audio.read_bytes()
WELCOME, PAUSED, RESUMED, ENDED, RESTARTED, ADDRESS_CHANGED = (
    title_of(kind, "nl")
    for kind in (
        TurnKind.WELCOME,
        TurnKind.PAUSED,
        TurnKind.RESUMED,
        TurnKind.ENDED,
        TurnKind.RESTARTED,
        TurnKind.ADDRESS_CHANGED,
    )
)
HOST = "localhost"


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[Installation]:
    """A demo whose clock one test moves."""
    with demo(tmp_path / "house") as installed:
        yield installed


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A demo on its first day, for listeners who do not meet."""
    with demo(tmp_path_factory.mktemp("today") / "house") as installed:
        yield installed


def move_clock(here: Installation, day: int) -> None:
    here.stop()
    here.serve(demo_clock=f"+{day}d")


def ours(kind: TurnKind) -> bytes:
    return shown(kind, "nl").read()


def meets(gpodder: GPodder) -> list[str]:
    """Ask for news and download it; answer the titles that it called new."""
    gpodder.update()
    found = gpodder.unheard()
    gpodder.download()
    assert gpodder.unheard() == []
    return found


def follow(here: Installation, email: str) -> str:
    return become_listener(here, maildir_of(here), email, DEMO_SLUG)


def of(session: Session, email: str) -> int:
    """The subscription of a listener who has one."""
    found = select(Subscription.id).join(Listener, Listener.id == Subscription.listener_id)
    return session.scalars(found.where(Listener.email == email)).one()


def addresses_of(house: House) -> FeedAddresses:
    return FeedAddresses(base_url=house.settings.base_url, keys=house.settings.feed_keys)


def pause(here: Installation, email: str) -> None:
    with open_beside(here) as house, house.database.writing() as session:
        pauses.pause(session, of(session, email), until=None, host=HOST, now=house.clock())


def resume(here: Installation, email: str, day: int) -> None:
    with open_beside(here, day) as house, house.database.writing() as session:
        pauses.resume(session, of(session, email), host=HOST, now=house.clock())


def leave(here: Installation, email: str, day: int) -> None:
    with open_beside(here, day) as house, house.database.writing() as session:
        subscriptions.leave(session, of(session, email), host=HOST, now=house.clock())


def begin_again(here: Installation, email: str) -> str:
    """Answer the address at which the course goes on."""
    with open_beside(here) as house, house.database.writing() as session:
        addresses = addresses_of(house)
        new = renewals.restart(
            session, of(session, email), addresses=addresses, host=HOST, now=house.clock()
        )
        return addresses.get_url(session, new.id)


def wait_until_told(feed_url: str, title: str) -> None:
    """A turn is dated a second after the lesson before it, and not told of until then."""
    give_up_at = time.monotonic() + 60
    while title not in httpx.get(feed_url).text:
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def change_address(here: Installation, email: str) -> str:
    """Answer the address that took the place of the old one."""
    with open_beside(here) as house, house.database.writing() as session:
        addresses = addresses_of(house)
        address = renewals.new_address(
            session,
            of(session, email),
            reason=RetireReason.ASKED,
            addresses=addresses,
            host=HOST,
            now=house.clock(),
        )
        return addresses.url_of(address)


def test_a_pause_its_end_and_a_farewell_are_each_new_once_in_gpodder(
    moving: Installation, gpodder: GPodder
) -> None:
    noor = "noor@example.org"
    gpodder.subscribe(follow(moving, noor))
    assert meets(gpodder) == [WELCOME, ONE]
    first = gpodder.dated()[ONE]

    pause(moving, noor)
    assert (meets(gpodder), meets(gpodder)) == ([PAUSED], [])
    move_clock(moving, 7)
    assert meets(gpodder) == []
    resume(moving, noor, 7)
    assert (meets(gpodder), meets(gpodder)) == ([RESUMED], [])
    # Without the pause the third lesson would have come by now.
    move_clock(moving, 16)
    assert meets(gpodder) == [TWO]
    second = gpodder.dated()[TWO]
    leave(moving, noor, 16)
    assert (meets(gpodder), meets(gpodder)) == ([ENDED], [])

    assert gpodder.episodes() == [WELCOME, ONE, PAUSED, RESUMED, TWO, ENDED]
    assert (gpodder.dated()[ONE], gpodder.dated()[TWO]) == (first, second)
    said = {ours(kind) for kind in (TurnKind.PAUSED, TurnKind.RESUMED, TurnKind.ENDED)}
    assert said <= set(gpodder.files().values())


def test_gpodder_is_told_once_that_a_course_began_again_and_plays_it_at_the_new_address(
    today: Installation, gpodder: GPodder
) -> None:
    sam = "sam@example.org"
    gpodder.subscribe(follow(today, sam))
    assert meets(gpodder) == [WELCOME, ONE]
    first = gpodder.dated()[ONE]

    new = begin_again(today, sam)
    assert (meets(gpodder), meets(gpodder)) == ([RESTARTED], [])
    assert gpodder.dated()[ONE] == first
    assert ours(TurnKind.RESTARTED) in gpodder.files().values()

    gpodder.subscribe(new)
    assert meets(gpodder) == [WELCOME, ONE]
    assert list(gpodder.files().values()).count(FIRST_AUDIO) == 2


def test_gpodder_is_told_once_that_its_address_changed_and_keeps_what_it_has(
    today: Installation, gpodder: GPodder
) -> None:
    kim = "kim@example.org"
    old = follow(today, kim)
    gpodder.subscribe(old)
    assert meets(gpodder) == [WELCOME, ONE]
    first = gpodder.dated()[ONE]

    new = change_address(today, kim)
    assert (meets(gpodder), meets(gpodder)) == ([ADDRESS_CHANGED], [])
    assert gpodder.dated()[ONE] == first
    assert gpodder.feed_urls() == [old]
    assert {ours(TurnKind.ADDRESS_CHANGED), FIRST_AUDIO} <= set(gpodder.files().values())

    gpodder.subscribe(new)
    assert meets(gpodder) == [WELCOME, ONE]
    assert list(gpodder.files().values()).count(FIRST_AUDIO) == 2


def test_newsboat_shows_a_pause_and_a_new_address_once_and_plays_both(
    today: Installation, newsboat: Newsboat
) -> None:
    mo = "mo@example.org"
    feed_url = follow(today, mo)
    newsboat.subscribe(feed_url)
    newsboat.update()
    pause(today, mo)
    wait_until_told(feed_url, PAUSED)
    newsboat.update()
    newsboat.update()
    newsboat.download(until=3)
    assert newsboat.titles() == [WELCOME, ONE, PAUSED]

    change_address(today, mo)
    newsboat.update()
    newsboat.download(until=4)
    assert newsboat.titles() == [WELCOME, ONE, PAUSED, ADDRESS_CHANGED]
    said = {ours(TurnKind.PAUSED), ours(TurnKind.ADDRESS_CHANGED), FIRST_AUDIO}
    assert said <= set(newsboat.files().values())


def test_podcastparser_and_feedparser_read_the_same_spoken_item(today: Installation) -> None:
    feed_url = follow(today, "ada@example.org")
    document = httpx.get(feed_url).content
    theirs = feedparser.parse(document).entries
    mine = podcastparser.parse(feed_url, BytesIO(document))["episodes"]
    assert {entry.id for entry in theirs} == {episode["guid"] for episode in mine}
    [welcome] = [each for each in mine if each["title"] == WELCOME]
    assert welcome["total_time"] == round(shown(TurnKind.WELCOME, "nl").duration_ms / 1000)
    assert httpx.get(welcome["enclosures"][0]["url"]).content == ours(TurnKind.WELCOME)
