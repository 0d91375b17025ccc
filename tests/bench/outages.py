"""PostgreSQL is stopped for a while, then the S3 server, in a town that goes on living.

Counted: what apps get whose feed both processes know, and those of whom none knows anything; what
audio says; how long after its return each part of the house needs until it works again.
"""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import feedparser
import httpx

from feeds.tokens import FeedToken
from tests.bench.figures import Measure, say
from tests.bench.houses import parts_for
from tests.bench.life import a_browser
from tests.bench.town import SLUG, People, Town, a_town
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server
from tests.parts.smtp import MailServer

KNOWN = 100
UNKNOWN = 100
PATIENCE_SECONDS = 120
# A process tries again every second, a worker rests for two; jobs are looked for every second.
BACK_SECONDS = 30
POLL_SECONDS = 0.02
# nginx lets one address ask for twenty pages a second (scripts/deploy/nginx/cadans/http.conf).
PAGE_SECONDS = 0.1

Answers = Counter[tuple[int, str]]
"""How often which status came, and the Retry-After beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What was met while PostgreSQL was away, then the store; seconds until each was back."""

    known: Answers
    unknown: Answers
    pages: Answers
    feeds_without_store: Answers
    audio_without_store: Answers
    polls_back: float
    sign_ups_back: float
    mails_back: float
    audio_back: float


def run(*, seconds: int) -> list[Measure]:
    """Stop each for so long, on parts of our own."""
    with parts_for("outages") as own:
        servers = (own.postgres, own.s3_server)
        found = take_away(own.url, own.folder, servers, own.mail_server, seconds)
    away = f"PostgreSQL away for {seconds} s"
    return [
        _share(f"{away}: polls of known feeds answered", found.known, (200, "")),
        _share(f"{away}: other polls told when to come back", found.unknown, (503, "120")),
        _share(f"{away}: pages that said so", found.pages, (503, "120")),
        _back("polls back after", found.polls_back),
        _back("sign-ups back after", found.sign_ups_back),
        _back("mail of a worker back after", found.mails_back),
        _share(f"S3 away for {seconds} s: polls answered", found.feeds_without_store, (200, "")),
        _share("audio told when to come back", found.audio_without_store, (503, "120")),
        _back("audio back after", found.audio_back),
    ]


def take_away(
    url: str,
    folder: Path,
    parts: tuple[Postgres, S3Server],
    mail_server: MailServer,
    seconds: int,
) -> Outage:
    """Stop PostgreSQL and then the store, each for so long; see what comes of it."""
    postgres, s3_server = parts
    people = People(settled=KNOWN + UNKNOWN, due_a_second=0, seconds=0)
    with a_town(url, folder, s3_server, mail_server, people) as town:
        town.start()
        known, unknown = town.tokens[:KNOWN], town.tokens[KNOWN:]
        _let_all_know(town, known)
        audio = _an_audio(town, known[0])
        with postgres.stopped():
            say("outages: PostgreSQL is away …")
            with (
                _asking(town, known) as of_known,
                _asking(town, unknown) as of_unknown,
                _asking_for(town, f"/{SLUG}", rest=PAGE_SECONDS) as of_pages,
            ):
                time.sleep(seconds)
        back = [_until(lambda: _is_fine(town, f"/f/{unknown[0]}.xml"))]
        email = f"noor-{secrets.token_hex(4)}@example.org"
        back.append(_until(lambda: _signs_up(town, email)))
        back.append(_until(lambda: any(email in m.recipients for m in mail_server.received)))
        with s3_server.stopped():
            say("outages: the store is away …")
            with _asking(town, known) as feeds, _asking_for(town, audio) as sound:
                time.sleep(seconds)
        back.append(_until(lambda: _is_fine(town, audio)))
    return Outage(
        known=of_known,
        unknown=of_unknown,
        pages=of_pages,
        feeds_without_store=feeds,
        audio_without_store=sound,
        polls_back=back[0],
        sign_ups_back=back[1],
        mails_back=back[2],
        audio_back=back[3],
    )


def _let_all_know(town: Town, tokens: Sequence[FeedToken]) -> None:
    """Poll at each process, so that each knows."""
    for web in town.webs:
        with httpx.Client(base_url=web.url, timeout=30) as client:
            for token in tokens:
                client.get(f"/f/{token}.xml").raise_for_status()


def _an_audio(town: Town, token: FeedToken) -> str:
    """The path of a lesson's audio, as it stands in the feed."""
    with town.nginx.client() as client:
        feed = feedparser.parse(client.get(f"/f/{token}.xml").content)
    return str(feed.entries[0].enclosures[0].href).removeprefix(town.nginx.url)


@contextmanager
def _asking(town: Town, tokens: Sequence[FeedToken]) -> Iterator[Answers]:
    """Poll feeds through nginx all the while."""
    with _asking_for(town, *(f"/f/{token}.xml" for token in tokens)) as answers:
        yield answers


@contextmanager
def _asking_for(town: Town, *paths: str, rest: float = POLL_SECONDS) -> Iterator[Answers]:
    """Ask for these through nginx all the while, by turns, with a rest between two."""
    answers: Answers = Counter()
    stop = threading.Event()

    def ask() -> None:
        with town.nginx.client() as client:
            while not stop.wait(rest):
                answer = client.get(paths[answers.total() % len(paths)])
                answers[answer.status_code, answer.headers.get("Retry-After", "")] += 1

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()


def _until(is_so: Callable[[], bool]) -> float:
    """Answer how long it took."""
    begun = time.monotonic()
    while not is_so():
        if time.monotonic() - begun > PATIENCE_SECONDS:
            raise TimeoutError
        time.sleep(0.1)
    return time.monotonic() - begun


def _is_fine(town: Town, path: str) -> bool:
    with town.nginx.client() as client:
        return client.get(path).status_code in {200, 302}


def _signs_up(town: Town, email: str) -> bool:
    with a_browser(town) as browser:
        return browser.post(f"/{SLUG}", data={"name": "Noor", "email": email}).status_code == 200


def _share(name: str, answers: Answers, wanted: tuple[int, str]) -> Measure:
    """How many of them were as they should be."""
    for (status, retry_after), count in answers.items():
        say(f"outages: {name}: {count} times {status} {retry_after}")
    share = 100 * answers[wanted] / max(answers.total(), 1)
    return Measure(
        bench="outages", name=name, value=share, unit="%", target=100,
        facts={"asked": answers.total()},
    )  # fmt: skip


def _back(name: str, seconds: float) -> Measure:
    return Measure(
        bench="outages", name=name, value=seconds, unit="s", target=BACK_SECONDS, is_at_most=True
    )
