"""How much is thrown: a few seconds each, or CADANS_FUZZ=40 for forty times as much."""

import os
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TIMES: Final = int(os.environ.get("CADANS_FUZZ", "1"))


def fuzzed(examples: int) -> settings:
    """So many examples, the same in every run; or a multiple of that, other ones each time."""
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        # The house under attack is one for all examples, as it is in life.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


# Signs that have broken programs before: ends of texts and lines, quotes, other directions, halves.
NASTY: Final = st.sampled_from(
    [
        "\0", "\r\n", "\n", "\u2028", "\u202e", "\ufeff", "\ufffe", "\x1b[0m", '"', "'", "<", "&",
        "%00", "%0d%0a", "../", "..\\", "//", "{{", "${", "İ", "ﬃ", "ß", "🎧", "e\u0301", " ", ",",
        "-", "9" * 30, "-1", "1e400", "NaN", "null", "true", "0", "1", "2026-02-30",
    ]
)  # fmt: skip
TEXTS: Final = st.lists(NASTY | st.text(max_size=8), max_size=6).map("".join)
"""Texts as somebody types them who looks for holes; never half of a surrogate pair."""

JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def spoilt(whole: bytes, *, most: int = 6) -> st.SearchStrategy[bytes]:
    """The bytes of a good file with some places changed, taken out, doubled or cut off."""
    place = st.integers(0, max(0, len(whole) - 1))
    change = st.tuples(place, st.integers(0, 40), st.binary(max_size=24))
    return st.tuples(st.lists(change, max_size=most), place, st.booleans()).map(
        lambda drawn: _spoil(whole, *drawn)
    )


def _spoil(
    whole: bytes,
    changes: list[tuple[int, int, bytes]],
    end: int,
    is_cut: bool,  # noqa: FBT001
) -> bytes:
    found = bytearray(whole)
    for at, count, instead in changes:
        found[at : at + count] = instead
    return bytes(found[:end] if is_cut else found)
