"""Judges how a feed is answered over HTTP. Pure."""

from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from app.doctor.addresses import differs_only_in_scheme, is_local, mask
from app.doctor.document import read_number
from app.doctor.fetch import PERMANENT, Answer
from app.doctor.limits import DATE_IS_OLD_AFTER, MAX_GOOD_FEED_BYTES, SLOW_SECONDS
from app.doctor.look import Seen, Try
from app.doctor.report import Check, Grade

OK: Final = 200
NOT_MODIFIED: Final = 304
_WORTH_PACKING_BYTES: Final = 10_000
_FEED_TYPES: Final = {"application/rss+xml"}
_XML_TYPES: Final = {"application/xml", "text/xml", "application/atom+xml"}
_MANY_SECONDS: Final = 3600


def judge_polling(seen: Seen) -> Iterator[Check]:
    """Yield what is to be said of the answers to polls."""
    is_private = seen.document is not None and seen.document.says_private
    yield from _way(seen, is_private=is_private)
    if seen.document is None:
        return
    yield Check(code="feed.status", grade=Grade.OK, message="The feed answers 200.")
    yield from _type(seen.feed)
    yield from _weight(seen.feed)
    yield from _conditions(seen)
    yield from _date(seen)
    yield from _keeping(seen.feed, is_private=is_private)
    yield from _head(seen)
    yield from _apps(seen)


def refused_apps(seen: Seen) -> dict[str, str]:
    """Answer the apps that get something else than others, and what."""
    found = {}
    for name, answer in seen.by_app.items():
        if answer.trouble or answer.status not in {OK, NOT_MODIFIED}:
            found[name] = answer.trouble or f"status {answer.status}"
        elif answer.status == OK and answer.media_type != seen.feed.media_type:
            found[name] = answer.media_type or "no Content-Type"
    return found


def _way(seen: Seen, *, is_private: bool) -> Iterator[Check]:
    hops = seen.feed.hops
    permanent = [hop for hop in hops if hop.status in PERMANENT]
    if permanent:
        to = mask(permanent[-1].url)
        only = " (only http became https)" * differs_only_in_scheme(
            seen.wanted.address, permanent[-1].url
        )
        yield Check(
            code="feed.moved",
            grade=Grade.FAIL if is_private else Grade.WARN,
            message=f"The feed moved for good, with {permanent[0].status}, to {to}{only}.",
            remedy="Most apps now store the new address. Give out that one,"
            " and never redirect a private feed.",
        )
    elif hops:
        yield Check(
            code="feed.redirect",
            grade=Grade.WARN if is_private else Grade.NOTE,
            message=f"The feed is redirected {_times(len(hops))} before it answers.",
            remedy="Every poll asks twice. Answer at the address itself.",
        )
    if seen.feed.url.startswith("http://") and not is_local(seen.feed.url):
        yield Check(
            code="feed.https",
            grade=Grade.WARN,
            message="The feed is not on https: whoever is on the way can read it.",
            remedy="Serve it on https. iPhones refuse plain http in some apps.",
        )
    if is_local(seen.feed.url):
        yield Check(
            code="feed.local",
            grade=Grade.NOTE,
            message="The address works on this network only.",
        )


def _type(feed: Answer) -> Iterator[Check]:
    found = feed.media_type
    if found in _FEED_TYPES:
        yield Check(code="feed.type", grade=Grade.OK, message=f"Its type is {found}.")
        return
    grade = Grade.NOTE if found in _XML_TYPES else Grade.WARN
    yield Check(
        code="feed.web-page-type" if found.startswith("text/html") else "feed.type",
        grade=Grade.FAIL if found.startswith("text/html") else grade,
        message=f"Its type is {found or 'not said'}.",
        remedy="Send Content-Type: application/rss+xml; charset=utf-8.",
    )


def _weight(feed: Answer) -> Iterator[Check]:
    size = len(feed.body)
    is_packed = feed.headers.get("Content-Encoding", "").lower() == "gzip"
    if size > MAX_GOOD_FEED_BYTES:
        yield Check(
            code="feed.size",
            grade=Grade.WARN,
            message=f"The feed is {size / 1e6:.1f} MB; phones on slow networks give up at 2 MB.",
            remedy="Shorten the notes, or leave out the oldest episodes of an open podcast.",
        )
    if not is_packed and size > _WORTH_PACKING_BYTES:
        yield Check(
            code="feed.gzip",
            grade=Grade.NOTE,
            message=f"The feed is sent unpacked, {size // 1000} kB at each poll.",
            remedy="Send it with gzip to who accepts it.",
        )
    if is_packed and "accept-encoding" not in feed.headers.get("Vary", "").lower():
        yield Check(
            code="feed.vary",
            grade=Grade.WARN,
            message="It is packed with gzip, but Vary does not name Accept-Encoding.",
            remedy="Send Vary: Accept-Encoding, or caches give packed bytes to everybody.",
        )
    if feed.seconds > SLOW_SECONDS:
        yield Check(
            code="feed.slow",
            grade=Grade.WARN,
            message=f"The answer took {feed.seconds:.0f} seconds.",
            remedy="Apps give up on slow feeds. Render it once and keep it.",
        )


def _conditions(seen: Seen) -> Iterator[Check]:
    tries = seen.tries
    if not tries:
        yield Check(
            code="feed.validator",
            grade=Grade.WARN,
            message="There is neither ETag nor Last-Modified: every poll carries the whole feed.",
            remedy="Send an ETag that changes when the feed does, and answer 304.",
        )
        return
    unmatched = [way for way in (Try.SAME, Try.SINCE) if not _is_304(tries.get(way))]
    if len(unmatched) == 2:  # noqa: PLR2004 - both
        yield Check(
            code="feed.not-modified",
            grade=Grade.WARN,
            message="Who has the newest feed gets it again: 304 never comes.",
            remedy="Compare If-None-Match with the ETag, and answer 304 without a body.",
        )
    else:
        yield Check(
            code="feed.not-modified",
            grade=Grade.OK,
            message="Who has the newest feed is told so with 304.",
        )
        yield from _finer(seen)
    if _is_304(tries.get(Try.OTHER)):
        yield Check(
            code="feed.stale",
            grade=Grade.FAIL,
            message="304 comes even to who has another feed: apps never see news.",
            remedy="Answer 304 only when If-None-Match names the present ETag.",
        )


def _finer(seen: Seen) -> Iterator[Check]:
    """What few apps need, when the plain way works."""
    if not _is_304(seen.tries.get(Try.SAME)):
        return
    for way, code in (
        (Try.WEAK, "feed.etag-weak"),
        (Try.LISTED, "feed.etag-list"),
        (Try.ANY, "feed.etag-any"),
    ):
        if not _is_304(seen.tries.get(way)):
            yield Check(
                code=code,
                grade=Grade.NOTE,
                message=f"Asked with {way}, it does not answer 304.",
                remedy="RFC 9110 §13.1.2 asks for it; a proxy on the way may change the tag so.",
            )


def _date(seen: Seen) -> Iterator[Check]:
    modified = seen.feed.headers.get("Last-Modified", "")
    if not modified:
        return
    try:
        at: datetime | None = parsedate_to_datetime(modified)
    except ValueError:
        at = None
    is_old = at is not None and at <= seen.wanted.now - DATE_IS_OLD_AFTER
    if at is None or is_old:
        yield Check(
            code="feed.last-modified",
            grade=Grade.NOTE,
            message="Last-Modified is over three days old: AntennaPod then sends no condition,"
            " and fetches the whole feed at every poll."
            if is_old
            else "Last-Modified is no date.",
            remedy="Send an ETag and leave Last-Modified out.",
        )


def _keeping(feed: Answer, *, is_private: bool) -> Iterator[Check]:
    control = feed.headers.get("Cache-Control", "").lower()
    if is_private and not any(word in control for word in ("private", "no-store")):
        yield Check(
            code="feed.cache",
            grade=Grade.WARN,
            message="The feed is private, and a shared cache may keep it.",
            remedy="Send Cache-Control: private, no-cache.",
        )
    age = read_number(control.partition("max-age=")[2].partition(",")[0].strip())
    if age is not None and age > _MANY_SECONDS:
        yield Check(
            code="feed.max-age",
            grade=Grade.NOTE,
            message=f"Caches may keep it for {age // _MANY_SECONDS} hours: news comes late.",
            remedy="Send Cache-Control: no-cache, and let 304 do the saving.",
        )
    if "Set-Cookie" in feed.headers:
        yield Check(
            code="feed.cookie",
            grade=Grade.WARN,
            message="It sets a cookie. Apps do not send it back, and caches do not keep the feed.",
            remedy="Send no cookie with a feed.",
        )
    if is_private and "noindex" not in feed.headers.get("X-Robots-Tag", "").lower():
        yield Check(
            code="privacy.noindex",
            grade=Grade.NOTE,
            message="Nothing tells search engines to leave this private feed out.",
            remedy="Send X-Robots-Tag: noindex.",
        )


def _head(seen: Seen) -> Iterator[Check]:
    head = seen.head
    if head is not None and (head.trouble or head.status != OK):
        yield Check(
            code="feed.head",
            grade=Grade.WARN,
            message=f"HEAD is answered with {head.trouble or head.status}.",
            remedy="Answer HEAD as GET, without the body.",
        )


def _apps(seen: Seen) -> Iterator[Check]:
    for name, why in refused_apps(seen).items():
        yield Check(
            code="feed.for-apps",
            grade=Grade.FAIL,
            message=f"{name} gets something else than others: {why}.",
            remedy="Do not choose by User-Agent; let a firewall pass podcast apps.",
        )


def _is_304(answer: Answer | None) -> bool:
    return answer is not None and answer.status == NOT_MODIFIED


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
