"""A host with one thing wrong at a time: the doctor says that thing, and nothing else."""

import gzip
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import pytest

from app.doctor.errors import FeedUnreachable
from app.doctor.examine import Report, examine
from app.doctor.fetch import Fetcher
from app.doctor.limits import SOUND_BYTES
from app.doctor.look import Wanted
from app.doctor.report import Grade, exit_code
from tests.parts.feed_host import FEED_TYPE, Host, Reply, Request, Site, feed_host
from tests.parts.pictures import a_jpeg

NOW: Final = datetime(2026, 6, 10, tzinfo=UTC)
# The server of these tests is on this machine.
ALWAYS: Final = {"feed.local"}
HTML: Final = b"<!DOCTYPE html><html><title>Sign in</title></html>"
WAV: Final = b"RIFF\0\0\0\0WAVEfmt " + bytes(60_000 - 16)
PRIVATE: Final = (
    "<itunes:block>Yes</itunes:block><podcast:block>yes</podcast:block>"
    "<podcast:locked>yes</podcast:locked>"
)
BOMB: Final = '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><rss version="2.0">'


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with feed_host() as running:
        yield running


_names = itertools.count(1)


Look = Callable[[Site], Report]


@pytest.fixture(scope="module")
def fetcher() -> Iterator[Fetcher]:
    """One for all: it is slow to make."""
    with Fetcher(most_bytes=1_000_000_000) as made:
        yield made


@pytest.fixture
def looked_at(host: Host, fetcher: Fetcher) -> Look:
    def look(site: Site) -> Report:
        address = host.put(f"site{next(_names)}", site)
        return examine(fetcher, Wanted(address=address, newest=0, now=NOW), lambda _: None)

    return look


def found(report: Report) -> set[str]:
    return {check.code for check in report.checks if check.grade is not Grade.OK} - ALWAYS


def verdict(report: Report, app: str) -> str:
    return next(verdict.sentence for verdict in report.verdicts if verdict.app == app)


# --- what a site answers


def text(old: str, new: str, count: int = -1) -> Site:
    """A site in whose feed a text is another."""

    def change(document: str) -> str:
        assert old in document
        return document.replace(old, new, count)

    return Site(document=change)


def headers(name: str, **more: str) -> Site:
    """A site that sends more headers with one file."""
    return Site(
        after=lambda asked, reply: reply.with_headers(**more) if asked.name == name else reply
    )


def instead(name: str, reply: Reply, method: str = "") -> Site:
    """A site that answers something else for one file."""
    return Site(
        before=lambda asked: reply if asked.name == name and method in {"", asked.method} else None
    )


def without_condition(_: Request, reply: Reply) -> Reply:
    """It never answers 304."""
    return replace(reply, status=200) if reply.status == 304 else reply


def always_304(asked: Request, reply: Reply) -> Reply:
    is_conditional = asked.name == "feed.xml" and "if-none-match" in asked.headers
    return replace(reply, status=304, body=b"") if is_conditional else reply


def strong_only(asked: Request, reply: Reply) -> Reply:
    given = asked.headers.get("if-none-match", "")
    return replace(reply, status=200) if given.startswith("W/") else reply


def no_list(asked: Request, reply: Reply) -> Reply:
    given = asked.headers.get("if-none-match", "")
    return replace(reply, status=200) if "," in given else reply


def no_star(asked: Request, reply: Reply) -> Reply:
    given = asked.headers.get("if-none-match", "")
    return replace(reply, status=200) if given == "*" else reply


def no_ranges(asked: Request) -> Reply | None:
    if asked.name != "1.mp3" or "range" not in asked.headers:
        return None
    return Reply(headers={"Content-Type": "audio/mpeg"}, body=b"ID3" + bytes(59_997))


def wrong_content_range(asked: Request, reply: Reply) -> Reply:
    is_wrong = asked.name == "1.mp3" and asked.headers.get("range") == "bytes=0-1"
    return reply.with_headers(Content_Range="bytes 0-2/60000") if is_wrong else reply


def other_bytes(asked: Request, reply: Reply) -> Reply:
    is_resumed = asked.name == "1.mp3" and asked.headers.get("range", "").endswith("-")
    return replace(reply, body=bytes(len(reply.body))) if is_resumed else reply


def deaf_to_if_range(asked: Request) -> Reply | None:
    if asked.name != "1.mp3" or asked.headers.get("range") != "bytes=2-3":
        return None
    content = {"Content-Type": "audio/mpeg", "Content-Range": "bytes 2-3/60000"}
    return Reply(status=206, headers=content, body=b"3\x04")


def never_if_range(asked: Request) -> Reply | None:
    is_asked = asked.name == "1.mp3" and asked.headers.get("range") == "bytes=0-1"
    if not is_asked or "if-range" not in asked.headers:
        return None
    return Reply(headers={"Content-Type": "audio/mpeg"}, body=b"ID3" + bytes(59_997))


def signed_by_method(asked: Request) -> Reply | None:
    """HEAD is redirected to an address that opens for HEAD alone."""
    if asked.name == "1.mp3" and asked.method == "HEAD":
        return Reply(status=302, headers={"Location": f"{asked.base}/2.mp3?for=head"})
    if asked.query == "for=head" and asked.method == "GET":
        return Reply(status=403, headers={"Content-Type": "text/plain"})
    return None


def once_only(asked: Request) -> Reply | None:
    """GET is redirected to an address that opens once."""
    if asked.name == "1.mp3" and asked.method == "GET":
        return Reply(status=302, headers={"Location": f"{asked.base}/2.mp3?once={asked.count}"})
    if "once" in asked.query:
        is_opened = asked.query in _opened
        _opened.add(asked.query)
        return Reply(status=403) if is_opened else None
    return None


_opened: set[str] = set()


def bounced(asked: Request) -> Reply | None:
    if asked.name != "feed.xml":
        return None
    return Reply(status=302, headers={"Location": f"{asked.base}/feed.xml"})


def moved(status: int) -> Site:
    """A feed that is somewhere else."""

    def before(asked: Request) -> Reply | None:
        if asked.name == "feed.xml" and asked.query != "new":
            return Reply(status=status, headers={"Location": f"{asked.base}/feed.xml?new"})
        return None

    return Site(before=before)


def blocked(asked: Request) -> Reply | None:
    return Reply(status=403) if "AntennaPod" in asked.headers["user-agent"] else None


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    site: Site
    codes: set[str]
    app: str = ""
    says: str = ""


SQUEEZED: Final = Reply(
    headers={"Content-Type": FEED_TYPE, "Content-Encoding": "gzip"},
    body=gzip.compress(b"<rss>" + b" " * 11_000_000),
)
FAULTS: Final = (
    Fault(
        "moved for good",
        moved(301),
        {"feed.moved"},
        "gPodder",
        "works, but stores the address it is redirected to, and forgets the one you gave.",
    ),
    Fault("redirected for now", moved(302), {"feed.redirect"}, "gPodder", "works."),
    Fault("redirected in a circle", Site(before=bounced), {"feed.status", "feed.redirect"}),
    Fault(
        "redirected to a file",
        instead("feed.xml", Reply(status=302, headers={"Location": "file:///etc/passwd"})),
        {"feed.status", "feed.redirect"},
    ),
    Fault(
        "not there",
        instead("feed.xml", Reply(status=404)),
        {"feed.status"},
        "newsboat",
        "cannot read this feed.",
    ),
    Fault("never 304", Site(after=without_condition), {"feed.not-modified"}),
    Fault(
        "always 304",
        Site(after=always_304),
        {"feed.stale"},
        "Overcast",
        "will never see a new episode; its own servers read feeds, and cannot reach this network.",
    ),
    Fault("no weak comparison", Site(after=strong_only), {"feed.etag-weak"}),
    Fault("no list of tags", Site(after=no_list), {"feed.etag-list"}),
    Fault("no star", Site(after=no_star), {"feed.etag-any"}),
    Fault("no ETag", Site(after=lambda _, reply: reply.without("ETag")), {"feed.validator"}),
    Fault(
        "an old Last-Modified",
        headers("feed.xml", Last_Modified="Mon, 01 Jun 2026 06:00:00 GMT"),
        {"feed.last-modified"},
        "AntennaPod",
        "works, but fetches the whole feed at every poll.",
    ),
    Fault(
        "sent as a web page",
        headers("feed.xml", Content_Type="text/html"),
        {"feed.web-page-type"},
        "gPodder",
        "takes this feed for a web page and does not read it.",
    ),
    Fault("no known type", headers("feed.xml", Content_Type="text/plain"), {"feed.type"}),
    Fault("gzip without Vary", headers("feed.xml", Vary="Origin"), {"feed.vary"}),
    Fault("a cookie", headers("feed.xml", Set_Cookie="a=b"), {"feed.cookie"}),
    Fault("kept for a day", headers("feed.xml", Cache_Control="max-age=86400"), {"feed.max-age"}),
    Fault("no HEAD", instead("feed.xml", Reply(status=405), "HEAD"), {"feed.head"}),
    Fault(
        "one app is refused",
        Site(before=blocked),
        {"feed.for-apps"},
        "AntennaPod",
        "gets something else than others: status 403.",
    ),
    Fault("a web page", instead("feed.xml", Reply(body=HTML)), {"feed.xml"}),
    Fault(
        "broken XML",
        text("</channel>", "</chanel>"),
        {"feed.xml"},
        "newsboat",
        "works, but reads this feed only as far as its XML is valid.",
    ),
    Fault("a bomb of entities", text('<rss version="2.0"', f"{BOMB}<rss "), {"feed.entities"}),
    Fault("Atom", instead("feed.xml", Reply(body=b"<feed><entry/></feed>")), {"feed.rss"}),
    Fault("eleven megabytes in ten kB", instead("feed.xml", SQUEEZED), {"feed.huge"}),
    Fault(
        "no items",
        Site(document=lambda feed: feed.partition("<item>")[0] + "</channel></rss>"),
        {"items.empty"},
        "Overcast",
        "will not add this feed, because it is empty; its own servers read feeds, and cannot"
        " reach this network.",
    ),
    Fault("an item without audio", text("enclosure", "nothing", 1), {"items.silent"}),
    Fault("no audio at all", text("enclosure", "nothing"), {"items.audio"}),
    Fault("a date in the future", text("02 Jun 2026", "02 Jun 2027"), {"items.future"}),
    Fault("no date", text("Mon, 02 Jun 2026", "Soon"), {"items.date"}),
    Fault("one date twice", text("02 Jun 2026", "01 Jun 2026"), {"items.date-twice"}),
    Fault("one guid twice", text("les-2-uuid", "les-1-uuid"), {"items.guid-twice"}),
    Fault("no guid", text("les-2-uuid", ""), {"items.guid"}),
    Fault(
        "other guids each time",
        text("les-2-", "COUNT-"),
        {"items.guid-changes", "feed.not-modified"},
    ),
    Fault(
        "other addresses each time",
        text("2.mp3", "2.mp3?n=COUNT"),
        {"enclosure.changes", "feed.not-modified"},
    ),
    Fault(
        "twins",
        Site(
            document=lambda feed: feed.replace("Les 2", "Les 1").replace(
                "02 Jun 2026 06", "01 Jun 2026 07"
            )
        ),
        {"items.alike"},
        "AntennaPod",
        "shows only one of the episodes that look alike.",
    ),
    Fault("one title twice", text("Les 2", "Les 1"), {"items.title-twice"}),
    Fault("no title", text("<title>Les 2</title>", ""), {"items.title"}),
    Fault("a wrong length", text('length="60000"', 'length="6"', 1), {"enclosure.wrong-length"}),
    Fault("no length", text('length="60000"', 'length="0"', 1), {"enclosure.length"}),
    Fault("no kind of audio", text("audio/mpeg", "text/html", 1), {"enclosure.type"}),
    Fault("another kind of audio", text("audio/mpeg", "audio/mp4", 1), {"enclosure.kind"}),
    Fault("no duration", text("<itunes:duration>200<", "<itunes:duration><"), {"items.duration"}),
    Fault("explicit says yes", text("explicit>false", "explicit>yes", 1), {"channel.explicit"}),
    Fault("a category of its own", text('"Courses"', '"courses"'), {"channel.category"}),
    Fault("no language", text("<language>nl</language>", ""), {"channel.language"}),
    Fault("says it lives elsewhere", text("feed.xml", "other.xml"), {"channel.self"}),
    Fault(
        "no pieces",
        Site(before=no_ranges),
        {"audio.range"},
        "Apple Podcasts",
        "will not play it, because the audio is not answered piece by piece.",
    ),
    Fault("a wrong Content-Range", Site(after=wrong_content_range), {"audio.content-range"}),
    Fault("other bytes on resuming", Site(after=other_bytes), {"audio.resume"}),
    Fault("If-Range is not heard", Site(before=deaf_to_if_range), {"audio.if-range-other"}),
    Fault("If-Range never holds", Site(before=never_if_range), {"audio.if-range"}),
    Fault(
        "no Accept-Ranges",
        Site(after=lambda _, r: r.without("Accept-Ranges")),
        {"audio.accept-ranges"},
    ),
    Fault(
        "a page named mp3",
        Site(files={"1.mp3": HTML + bytes(0)}),
        {"audio.sound", "enclosure.wrong-length"},
    ),
    Fault("a wav named mp3", Site(files={"1.mp3": WAV}), {"audio.format"}),
    Fault(
        "an ending that lies",
        Site(
            document=lambda feed: feed.replace("/1.mp3", "/1.ogg"),
            files={"1.ogg": b"ID3" + bytes(59_997)},
        ),
        {"enclosure.ending"},
    ),
    Fault("audio is gone", instead("1.mp3", Reply(status=410)), {"audio.status"}),
    Fault("audio sent as text", headers("1.mp3", Content_Type="text/plain"), {"audio.text"}),
    Fault("a signed address", text("1.mp3", "1.mp3?X-Amz-Expires=60"), {"audio.signed"}),
    Fault(
        "no HEAD for audio",
        instead("1.mp3", Reply(status=403), "HEAD"),
        {"audio.head"},
        "AntennaPod",
        "cannot play without downloading first, because its player asks HEAD.",
    ),
    Fault("HEAD leads astray", Site(before=signed_by_method), {"audio.head-redirect"}),
    Fault("an address that opens once", Site(before=once_only), {"audio.target"}),
    Fault("no cover there", instead("cover.jpg", Reply(status=404)), {"cover.status"}),
    Fault("a small cover", instead("cover.jpg", Reply(body=a_jpeg(300))), {"cover.refused"}),
    Fault("no transcript there", instead("1.vtt", Reply(status=404)), {"transcript.status"}),
    Fault(
        "a transcript of another type",
        headers("1.vtt", Content_Type="text/plain"),
        {"transcript.type"},
    ),
    Fault(
        "broken chapters",
        instead("1.json", Reply(headers={"Content-Type": "application/json+chapters"}, body=b"{")),
        {"chapters.content"},
    ),
    Fault(
        "private with an e-mail address",
        text(
            "<language>",
            (
                f"{PRIVATE}<itunes:owner><itunes:email>a@example.org</itunes:email></itunes:owner>"
                "<language>"
            ),
        ),
        {"privacy.email"},
    ),
    Fault(
        "private for some",
        text("<language>", ("<itunes:block>Yes</itunes:block><language>")),
        {"privacy.podcast-block", "privacy.locked"},
    ),
    Fault(
        "private and kept by caches",
        Site(
            document=lambda feed: feed.replace("<language>", f"{PRIVATE}<language>"),
            after=lambda _, reply: reply.without("Cache-Control").without("X-Robots-Tag"),
        ),
        {"feed.cache", "privacy.noindex"},
    ),
)


def test_nothing_is_said_of_a_host_that_does_everything_right(looked_at: Look) -> None:
    report = looked_at(Site())
    assert found(report) == set()
    assert {v.sentence for v in report.verdicts} == {
        "works.",
        "works, but its own servers read feeds, and cannot reach this network.",
    }
    assert exit_code(report.checks) == 0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_is_said_and_nothing_else(looked_at: Look, fault: Fault) -> None:
    report = looked_at(fault.site)
    assert found(report) == fault.codes
    if fault.app:
        assert verdict(report, fault.app) == fault.says


def test_there_is_no_verdict_on_a_host_that_does_not_answer_in_time(host: Host) -> None:
    def asleep(_: Request) -> Reply | None:
        time.sleep(2)
        return None

    wanted = Wanted(address=host.put("asleep", Site(before=asleep)), now=NOW)
    with (
        Fetcher(request_seconds=1) as hasty,
        pytest.raises(FeedUnreachable, match="no complete answer within 1 second"),
    ):
        examine(hasty, wanted, lambda _: None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('length="60000"', f'length="{"9" * 5000}"'),
        (">200<", f">{'9' * 5000}<"),
        (">200<", f">{':'.join(['59'] * 900)}<"),
        ("/2.mp3", '/2.mp3" href="'),
        ("http://127", "http://[127"),
        ("http://127", "file://127"),
        ("Mon, 02 Jun 2026", "Mon, 31 Feb 99999"),
        ("+0000", "+9999"),
        ("<title>", "<title><!-- no --><b>&#xE000;</b>"),
    ],
)
def test_no_feed_is_so_strange_that_nothing_is_said_of_it(
    looked_at: Look, old: str, new: str
) -> None:
    report = looked_at(Site(document=lambda feed: feed.replace(old, new)))
    assert len(report.verdicts) == 7


def test_a_look_stops_when_it_has_read_enough(host: Host) -> None:
    address = host.put("much", text('<itunes:image href="', '<itunes:image nothing="'))
    with Fetcher(most_bytes=SOUND_BYTES + 50_000) as fetcher:
        report = examine(fetcher, Wanted(address=address, now=NOW), lambda _: None)
    assert found(report) == {"channel.image", "look.stopped"}
    assert host.counts.get(("much", "1.mp3"), 0) == 0


def test_a_private_feed_that_moves_for_good_fails(looked_at: Look) -> None:
    site = replace(
        moved(308), document=lambda feed: feed.replace("<language>", f"{PRIVATE}<language>")
    )
    assert exit_code(looked_at(site).checks) == 1
