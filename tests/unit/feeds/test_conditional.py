from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.conditional import feed_etag, matches
from feeds.limits import RENDERER_VERSION

PARTS: dict[str, Any] = {
    "base_url": "https://cadans.example",
    "course_revision": 1,
    "subscription_revision": 2,
    "unlocked_lesson_ids": (1, 2),
    "life_cycle_items": ("a",),
}
ETAG = 'W/"abc"'


def test_etag_is_weak_and_quoted() -> None:
    assert feed_etag(**PARTS).startswith('W/"')
    assert feed_etag(**PARTS).endswith('"')


def test_etag_stays_the_same_for_the_same_document() -> None:
    assert feed_etag(**PARTS) == feed_etag(**PARTS)
    assert feed_etag(**PARTS) == feed_etag(**(PARTS | {"unlocked_lesson_ids": [1, 2]}))


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("base_url", "https://other.example"),
        ("course_revision", 2),
        ("subscription_revision", 1),
        ("unlocked_lesson_ids", (1,)),
        ("unlocked_lesson_ids", (2, 1)),
        ("unlocked_lesson_ids", (12,)),
        ("life_cycle_items", ()),
        ("life_cycle_items", ("b",)),
    ],
)
def test_etag_changes_with_every_part(part: str, value: object) -> None:
    assert feed_etag(**(PARTS | {part: value})) != feed_etag(**PARTS)


def test_etag_changes_with_the_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    before = feed_etag(**PARTS)
    monkeypatch.setattr("feeds.conditional.RENDERER_VERSION", RENDERER_VERSION + 1)
    assert feed_etag(**PARTS) != before


@pytest.mark.parametrize(
    "header",
    [
        'W/"abc"',
        '"abc"',
        "*",
        " * ",
        '"x", W/"abc"',
        '"x",W/"abc","y"',
        ' W/"abc" ,\t"x"',
        '"x,y", "abc"',
        'W/"",W/"abc"',
    ],
)
def test_header_that_names_the_etag_matches(header: str) -> None:
    assert matches(header, ETAG)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "abc",
        '"ABC"',
        '"ab"',
        '"abc',
        'w/"abc"',
        '"x" "abc"',
        '"x", abc',
        '"abc", x',
        '"*"',
        '*, "x"',
        'W/W/"abc"',
        '"x,abc"',
    ],
)
def test_header_that_does_not_name_the_etag_never_matches(header: str | None) -> None:
    assert not matches(header, ETAG)


def test_strong_etag_is_compared_weakly_too() -> None:
    assert matches('W/"abc"', '"abc"')


@given(header=st.text(max_size=200))
def test_no_header_breaks_the_comparison(header: str) -> None:
    assert matches(header, feed_etag(**PARTS)) is (header.strip() == "*")


def test_very_long_header_is_read_in_a_moment() -> None:
    assert not matches(", ".join(['W/"x"'] * 50_000), ETAG)
    assert not matches(" " * 100_000 + '"' * 3, ETAG)
