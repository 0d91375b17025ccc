"""Feeds of strangers that `cadans doctor` reads: a document, or a sentence that says why not."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.doctor.document import NotAFeed, read_document
from tests.fuzz.effort import TEXTS, fuzzed, spoilt

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:podcast="https://podcastindex.org/namespace/1.0" xmlns:atom="http://www.w3.org/2005/Atom">
<channel><title>Één</title><link>https://e.example/</link><atom:link rel="self" href="/f.xml"/>
<itunes:category text="Education"><itunes:category text="Courses"/></itunes:category>
<item><title>Les</title><guid isPermaLink="false">x</guid>
<pubDate>Mon, 01 Jun 2026 06:00:00 +0000</pubDate>
<enclosure url="a.mp3" length="12" type="audio/mpeg"/><itunes:duration>1:02</itunes:duration>
<podcast:transcript url="a.vtt" type="text/vtt"/></item></channel></rss>""".encode()
SECRET = "what stands in a file of this machine"


@fuzzed(400)
@given(body=spoilt(FEED) | spoilt(FEED.decode().replace("UTF-8", "UTF-16").encode("utf-16")))
def test_spoilt_feed_is_read_or_refused(body: bytes) -> None:
    read(body)


@fuzzed(200)
@given(
    date=TEXTS | st.sampled_from(["31 Dec 9999 23:59:59 -2359", "1 Jan 1 0:0:0 +2359", "x" * 999]),
    url=TEXTS
    | st.sampled_from(["//[", "http://[::1", "http://e:99999/", "http://ö\u2100.example"]),
    length=TEXTS | st.sampled_from(["9" * 9999, "-1", "١٢"]),
)
def test_feed_with_strange_values_is_read(date: str, url: str, length: str) -> None:
    clean = [
        "".join(sign for sign in text if sign.isprintable() and sign not in '<&"')
        for text in (date, url, length)
    ]
    body = FEED.decode()
    for old, new in zip(("Mon, 01 Jun 2026 06:00:00 +0000", "a.mp3", '"12"'), clean, strict=True):
        body = body.replace(old, f'"{new}"' if old == '"12"' else new)
    read(body.encode("utf-8", "replace"))


ENCODINGS = pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-16", "utf-16-be", "utf-32", "utf-7", "cp037"]
)


@ENCODINGS
def test_entities_of_a_feed_are_never_unfolded_however_it_is_written(encoding: str) -> None:
    grows = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 6))

    assert "ha" * 100 not in read_with(f'<!ENTITY b0 "ha">{grows}', "&b5;", encoding)


@ENCODINGS
def test_feed_reads_no_file_of_this_machine_however_it_is_written(
    tmp_path: Path, encoding: str
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    entity = f'<!ENTITY f SYSTEM "{(tmp_path / "secret").as_uri()}">'

    assert SECRET not in read_with(entity, "&f;", encoding)


def read_with(entities: str, title: str, encoding: str) -> str:
    """A feed that defines entities and has them in its title."""
    head = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE rss [{entities}]>'
    text = FEED.decode().partition("?>")[2].replace("Één", title)
    return read(f"{head}{text}".encode(encoding))


def read(body: bytes) -> str:
    """What was read, or why not."""
    try:
        return repr(read_document(body, "https://e.example/feed.xml"))
    except NotAFeed as refused:
        return str(refused)
