"""Feeds and audio: whatever stands in an address or a header, the answer is one of those agreed."""

import re

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, run_wsgi_app

from feeds.conditional import matches
from media.errors import RangeNotSatisfiable
from media.ranges import find_range
from tests.fuzz.effort import NASTY, fuzzed
from tests.web.conftest import SOUND, Visit

ANSWERS = {200, 206, 304, 403, 404, 405, 410, 416}
# What a WSGI server hands on: every byte as one letter of Latin-1.
LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=30)
RANGE = st.lists(
    st.sampled_from(
        ["bytes", "=", "-", ",", "0", "1", "10239", "10240", "9" * 5000, " ", "\t", "items", "٣"]
    ),
    max_size=8,
).map("".join)
TAGS = st.lists(st.sampled_from(["W/", '"', ",", "*", " ", '"x"', "\x7f", "\xff"]), max_size=9).map(
    "".join
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "\xff"])


@st.composite
def paths(draw: st.DrawFn, visit: Visit) -> str:
    """An address of hers with places changed, or anything under the two prefixes."""
    good = draw(st.sampled_from([visit.feed, visit.audio(), visit.audio(4), visit.audio(9 % 4)]))
    at = draw(st.integers(0, len(good)))
    put_in = draw(NASTY | LATIN)
    spoilt = draw(
        st.sampled_from([good, good[:at], good[:at] + put_in + good[at:], good.upper(), good + "/"])
    )
    return draw(st.sampled_from([spoilt, f"/f/{put_in}", f"/a/{put_in}", f"/a/{put_in}/x-1.mp3"]))


@fuzzed(150)
@given(data=st.data())
def test_every_request_gets_an_answer_that_was_agreed(visit: Visit, data: st.DataObject) -> None:
    environ = EnvironBuilder(method="GET", path="/f/").get_environ()
    environ["REQUEST_METHOD"] = data.draw(METHODS, "method")
    path = data.draw(paths(visit), "path")
    environ["PATH_INFO"] = path.encode("utf-8", "replace").decode("latin-1")
    for name in ("RANGE", "IF_RANGE", "IF_NONE_MATCH", "ACCEPT_ENCODING", "USER_AGENT"):
        words = data.draw(st.none() | RANGE | TAGS | LATIN, name)
        if words is not None:
            environ[f"HTTP_{name}"] = words
    environ["REMOTE_ADDR"] = data.draw(st.sampled_from(["127.0.0.1", "", "::1%eth0", "x"]))

    chunks, status, headers = run_wsgi_app(visit.app, environ, buffered=True)

    code = int(status.split()[0])
    assert code in ANSWERS
    if code == 206:
        assert re.fullmatch(r"bytes \d+-\d+/\d+", headers["Content-Range"])
    if environ["REQUEST_METHOD"] == "GET" and code in {200, 206}:
        assert sum(map(len, chunks)) == int(headers["Content-Length"])
    assert not any("\n" in value or "\r" in value for value in headers.values())


@fuzzed(300)
@given(asked=RANGE | LATIN, if_range=st.none() | TAGS | LATIN, size=st.integers(0, 3 * len(SOUND)))
def test_range_is_bytes_that_are_there(asked: str, if_range: str | None, size: int) -> None:
    try:
        found = find_range(asked, if_range, etag='"x"', size_bytes=size)
    except RangeNotSatisfiable:
        return
    if found is not None:
        assert 0 <= found.start <= found.last < size
        assert 0 < found.length <= size


@fuzzed(300)
@given(header=TAGS | LATIN, etag=st.sampled_from(['"x"', 'W/"x"']))
def test_condition_that_names_no_etag_of_ours_is_none(header: str, etag: str) -> None:
    if matches(header, etag):
        assert '"x"' in header or header.strip() == "*"
