"""Covers: judged whatever the bytes are, and never unpacked beyond what was agreed."""

import io
import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from media.artwork import cover_sizes, judge_cover
from media.errors import UnreadableCover
from media.findings import Verdict, verdict_of
from media.limits import LARGEST_COVER_PX
from tests.fuzz.effort import fuzzed, spoilt
from tests.parts.pictures import a_picture

SMALL_JPEG = a_picture(40, turned=6)
SMALL_PNG = a_picture(40, kind="PNG", mode="P")
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KINDS = (b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"iTXt", b"tEXt", b"eXIf", b"acTL", b"fcTL")
SIZES = st.sampled_from([0, 1, 1400, 3000, 6000, 60_000, 2**31 - 1])


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def a_png(
    sizes: tuple[int, int], depth: tuple[int, int], parts: list[tuple[bytes, bytes]]
) -> bytes:
    """A PNG whose parts are in order, whatever they hold."""
    head = struct.pack(">IIBBBBB", *sizes, *depth, 0, 0, 0)
    body = b"".join(chunk(kind, content) for kind, content in parts)
    return SIGNATURE + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")


# A few bytes that unpack to megabytes, among others.
CONTENTS = st.binary(max_size=60) | st.sampled_from(
    [
        zlib.compress(bytes(4_000_000)),
        b"icc\0\0" + zlib.compress(bytes(4_000_000)),
        b"key\0\0" + zlib.compress(b"x" * 4_000_000),
        b"key\0\x01\0\0\0" + zlib.compress(b"x" * 4_000_000),
        struct.pack(">II", 2**31, 2**31),
    ]
)


@fuzzed(200)
@given(data=spoilt(SMALL_JPEG) | spoilt(SMALL_PNG), name=st.sampled_from(["c.jpg", "c.png", ""]))
def test_spoilt_picture_is_judged(data: bytes, name: str) -> None:
    judge_cover(data, name)
    assert_made_smaller_or_refused(data)


@fuzzed(200)
@given(
    sizes=st.tuples(SIZES, SIZES),
    depth=st.tuples(st.sampled_from([1, 2, 8, 16, 255]), st.sampled_from([0, 2, 3, 4, 6, 7])),
    parts=st.lists(st.tuples(st.sampled_from(KINDS), CONTENTS), max_size=4),
)
def test_strange_png_is_judged(
    sizes: tuple[int, int], depth: tuple[int, int], parts: list[tuple[bytes, bytes]]
) -> None:
    facts, findings = judge_cover(a_png(sizes, depth, parts), "c.png")

    if verdict_of(findings) is not Verdict.REFUSE:
        assert facts.is_whole
        assert max(facts.width_px, facts.height_px) <= LARGEST_COVER_PX


def assert_made_smaller_or_refused(data: bytes) -> None:
    try:
        made = cover_sizes(data)
    except UnreadableCover:
        return
    for side, picture in made.items():
        with Image.open(io.BytesIO(picture)) as image:
            assert image.size == (side, side)
