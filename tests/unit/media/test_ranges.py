"""Range and If-Range, held against a model that is slow and obvious."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import RangeNotSatisfiable
from media.ranges import ByteRange, find_range, render_unsatisfied

ETAG = '"abc"'


def _find(asked: str | None, size_bytes: int = 100, if_range: str | None = None) -> object:
    found = find_range(asked, if_range, etag=ETAG, size_bytes=size_bytes)
    return None if found is None else (found.start, found.last)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bytes=0-1", (0, 1)),  # the first probe of Apple's players
        ("bytes=0-0", (0, 0)),
        ("bytes=0-", (0, 99)),
        ("bytes=99-", (99, 99)),
        ("bytes=0-99", (0, 99)),
        ("bytes=0-100", (0, 99)),
        ("bytes=50-999999999999999999999999999", (50, 99)),
        ("bytes=-1", (99, 99)),
        ("bytes=-100", (0, 99)),
        ("bytes=-101", (0, 99)),
        ("bytes=-" + "9" * 5000, (0, 99)),
        ("bytes=" + "0" * 5000 + "7-9", (7, 9)),
        ("BYTES=1-2", (1, 2)),
        ("bytes= 1-2 ", (1, 2)),
    ],
)
def test_one_range_is_answered(asked: str, expected: tuple[int, int]) -> None:
    assert _find(asked) == expected


@pytest.mark.parametrize(
    "asked",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=1",
        "bytes=2-1",
        "bytes=--1",
        "bytes=1-2-3",
        "bytes=+1-2",
        "bytes=1 - 2",
        "bytes=0x1-2",
        "bytes=\u0661-2",
        "bytes=1-2\n",
        "items=0-1",
        "bytes 0-1",
        "bytes=0-1,5-6",
        "bytes=0-0,-1",
    ],
)
def test_what_is_no_single_range_is_ignored(asked: str | None) -> None:
    assert _find(asked) is None


@pytest.mark.parametrize(
    "asked", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=" + "9" * 99 + "-"]
)
def test_range_outside_the_object_cannot_be_satisfied(asked: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as caught:
        _find(asked)
    assert caught.value.size_bytes == 100


def test_no_first_byte_of_an_empty_object() -> None:
    with pytest.raises(RangeNotSatisfiable):
        _find("bytes=0-", size_bytes=0)


def test_suffix_of_an_empty_object_is_the_whole_of_it() -> None:
    assert _find("bytes=-5", size_bytes=0) is None


def test_if_range_that_matches_lets_the_range_stand() -> None:
    assert _find("bytes=0-1", if_range=ETAG) == (0, 1)


@pytest.mark.parametrize(
    "if_range",
    ['"other"', 'W/"abc"', "abc", "", "Sat, 29 Oct 1994 19:43:31 GMT", '"abc", "x"', "*"],
)
def test_if_range_that_does_not_match_asks_for_the_whole(if_range: str) -> None:
    assert _find("bytes=0-1", if_range=if_range) is None


def test_if_range_that_does_not_match_hides_an_impossible_range() -> None:
    assert _find("bytes=500-", if_range='"other"') is None


def test_weak_etag_never_matches() -> None:
    assert find_range("bytes=0-1", 'W/"abc"', etag='W/"abc"', size_bytes=100) is None


def test_range_tells_its_headers() -> None:
    found = ByteRange(start=10, last=19, size_bytes=100)
    assert (found.content_range, found.length) == ("bytes 10-19/100", 10)


def test_impossible_range_tells_its_header() -> None:
    assert render_unsatisfied(100) == "bytes */100"


def _model(first: int | None, last: int | None, size_bytes: int) -> list[int] | None:
    """The positions that RFC 9110 §14.1.2 selects, found by looking at each byte; None: ignore."""
    positions = list(range(size_bytes))
    if first is None:
        return positions[-last:] if last else []
    if last is not None and last < first:
        return None
    return [at for at in positions if at >= first and (last is None or at <= last)]


number = st.none() | st.integers(0, 60)


@given(first=number, last=number, size_bytes=st.integers(0, 40))
def test_range_selects_what_the_rfc_says(
    first: int | None, last: int | None, size_bytes: int
) -> None:
    if first is None and last is None:
        return
    asked = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    expected = _model(first, last, size_bytes)
    try:
        found = find_range(asked, etag=ETAG, size_bytes=size_bytes)
    except RangeNotSatisfiable:
        assert expected == []
        return
    if found is None:
        # ignored, or the suffix of nothing, which Content-Range cannot express
        assert expected is None or (size_bytes == 0 and first is None and last)
    else:
        assert list(range(found.start, found.last + 1)) == expected


@given(asked=st.text(max_size=40) | st.text("bytes=-0123456789, ", max_size=40))
def test_no_header_breaks_it(asked: str) -> None:
    try:
        found = find_range(asked, etag=ETAG, size_bytes=100)
    except RangeNotSatisfiable:
        return
    assert found is None or 0 <= found.start <= found.last < 100
