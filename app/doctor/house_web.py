"""The house as people reach it: whether this very house answers there, and how it sees them."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.doctor.house_asking import Heard, ask, open_line
from app.doctor.house_audio import look_at_audio
from app.doctor.house_clock import find_date, judge_clock
from app.doctor.house_proxies import CLAIMED, judge_proxies
from app.doctor.report import Check, Grade
from app.services.house_calls import Seen
from app.settings import Settings
from app.version import __version__
from media.store import Store

# Who waits longer has waited for a free thread.
SLOW: Final = timedelta(seconds=2)
# Of the threads, from where on we speak of it.
BUSY: Final = 0.75
# What a proxy answers when nobody stands behind it (RFC 9110 15.6).
NOBODY_BEHIND: Final = (502, 503, 504)
NAME: Final = "cadans"


def look_at_address(settings: Settings, store: Store) -> list[Check]:
    """Look whether this house answers at BASE_URL, how it sees who asks, and sends audio."""
    try:
        with open_line(settings) as line:
            heard = ask(line, settings)
            if heard.seen is None:
                return [_not_ours(line, settings.base_url, heard.response), *_their_clock(heard)]
            claiming = ask(line, settings, headers={"X-Forwarded-For": CLAIMED}).seen or heard.seen
            sound = look_at_audio(line, settings, store)
    except httpx.HTTPError as error:
        words = f"Nobody answers at {settings.base_url} ({type(error).__name__})."
        remedy = "See that `cadans serve` and the proxy run, and that the DNS leads here."
        return [_fail("address", words, remedy)]
    # Two processes may have answered.
    busiest = max(heard.seen, claiming, key=lambda seen: seen.busy or 0)
    return [
        _judge_house(settings, heard.seen),
        judge_clock("web_clock", "the server", heard.moment.apart_from(heard.seen.at)),
        judge_proxies(heard.seen, claiming),
        _judge_threads(heard.took, busiest),
        *sound,
    ]


def _not_ours(line: httpx.Client, base_url: str, response: httpx.Response) -> Check:
    """Say what answers instead of this house."""
    status = response.status_code
    if response.has_redirect_location:
        parts = urlsplit(str(response.headers["location"]))
        words = f"{base_url} sends people on to {parts.scheme or 'https'}://{parts.netloc}."
        remedy = "Let CADANS_BASE_URL be where they end: feed addresses must answer themselves."
        return _fail("address", words, remedy)
    if status in NOBODY_BEHIND:
        words = f"The proxy answers at {base_url}, but does not reach us ({status})."
        remedy = "See that `cadans serve` runs, and that the proxy passes on to its CADANS_BIND."
        return _fail("address", words, remedy)
    if NAME in line.get("/healthz").text.casefold():
        words = f"A Cadans answers at {base_url}, but not this house."
        remedy = (
            "Give this command the settings of the server (CADANS_SECRET_KEYS tell houses apart),"
            " and restart `cadans serve` after an upgrade."
        )
        return _fail("address", words, remedy)
    words = f"Something else answers at {base_url} ({status})."
    remedy = "Let the proxy pass this name to CADANS_BIND, and the DNS lead to this proxy."
    return _fail("address", words, remedy)


def _their_clock(heard: Heard) -> list[Check]:
    theirs = find_date(heard.response.headers)
    if theirs is None:
        return []
    return [judge_clock("web_clock", "the server", heard.moment.apart_from(theirs))]


def _judge_house(settings: Settings, seen: Seen) -> Check:
    base_url = settings.base_url
    if seen.base_url != base_url:
        words = f"The server takes itself to be at {seen.base_url}: its links lead there."
        remedy = f"Start it with CADANS_BASE_URL={base_url}, or give this command its settings."
        return _fail("address", words, remedy)
    if seen.version != __version__:
        words = f"The server is of release {seen.version}, this command of {__version__}."
        remedy = "Restart `cadans serve` and `cadans worker` after an upgrade."
        return Check(code="address", grade=Grade.WARN, message=words, remedy=remedy)
    words = f"{base_url} is answered by this house."
    return Check(code="address", grade=Grade.OK, message=words)


def _judge_threads(took: timedelta, seen: Seen) -> Check:
    remedy = "Give `cadans serve` more --threads or --workers, or let the store send the audio."
    if took >= SLOW:
        words = f"An answer took {took.total_seconds():.1f} seconds: perhaps no thread was free."
        return Check(code="threads", grade=Grade.WARN, message=words, remedy=remedy)
    if seen.busy is None or seen.threads is None:
        return Check(code="threads", grade=Grade.OK, message="A thread was free at once.")
    # One of them answered us.
    others = seen.busy - 1
    words = f"Of {seen.threads} threads {others} were busy, in the process that answered."
    grade = Grade.WARN if others >= BUSY * seen.threads else Grade.OK
    return Check(code="threads", grade=grade, message=words, remedy=remedy)


def _fail(code: str, message: str, remedy: str) -> Check:
    return Check(code=code, grade=Grade.FAIL, message=message, remedy=remedy)
