"""Tags and headers of sound: read in bounded memory, never more than text on one line."""

import io
import struct
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFacts
from media.limits import MOST_TAG_BYTES
from media.probe import probe
from media.rules import Expectations, first_findings
from tests.fuzz.effort import fuzzed

FRAMES = (b"TIT2", b"TPE1", b"TALB", b"TRCK", b"APIC", b"CHAP", b"CTOC", b"TXXX", b"TT2", b"PIC")
ATOMS = (b"moov", b"udta", b"meta", b"ilst", b"\xa9nam", b"trkn", b"covr", b"data", b"chpl",
         b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4a", b"esds", b"mvhd", b"mdhd", b"hdlr",
         b"mdat", b"free", b"moof")  # fmt: skip
MPEG_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
TEXT = st.tuples(st.sampled_from([0, 1, 2, 3, 9]), st.binary(max_size=40)).map(
    lambda drawn: bytes([drawn[0]]) + drawn[1]
)


def safe_size(size: int) -> bytes:
    """Seven bits in each of four bytes (ID3v2.4.0 §6.2)."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def a_frame(name: bytes, flags: bytes, content: bytes, lie: int) -> bytes:
    size = max(0, len(content) + lie)
    if len(name) == 3:
        return name + size.to_bytes(3, "big") + content
    return name + safe_size(size) + flags + content


frames = st.builds(
    a_frame,
    st.sampled_from(FRAMES),
    st.sampled_from([b"\0\0", b"\0\x02", b"\0\x03", b"\0\x08", b"\0\x0d", b"\0\x80", b"\xff\xff"]),
    TEXT | st.lists(st.just(b"ch\0" + bytes(16)), max_size=2).map(b"".join),
    st.sampled_from([0, 0, 0, 1, -1, 2**20]),
)


@fuzzed(200)
@given(
    version=st.sampled_from([2, 3, 4, 5]),
    flags=st.sampled_from([0, 0x80, 0x40, 0x20, 0x10, 0xFF]),
    content=st.lists(frames, max_size=5).map(b"".join),
    lie=st.sampled_from([0, 0, 1, -5, 2**20, 2**27]),
)
def test_strange_id3_is_read(version: int, flags: int, content: bytes, lie: int) -> None:
    size = safe_size(max(0, len(content) + lie))
    look_at(b"ID3" + bytes([version, 0, flags]) + size + content + MPEG_FRAME * 4, "a.mp3")


def an_atom(drawn: tuple[bytes, bytes, int]) -> bytes:
    name, content, lie = drawn
    size = min(2**32 - 1, max(0, len(content) + 8 + lie))
    return struct.pack(">I", size) + name + content


atoms = st.recursive(
    st.tuples(
        st.sampled_from(ATOMS), st.binary(max_size=30), st.sampled_from([0, 0, 0, -8, 1, 2**31])
    ),
    lambda inner: st.tuples(
        st.sampled_from(ATOMS),
        st.lists(inner.map(an_atom), max_size=3).map(b"".join),
        st.sampled_from([0, 0, 0, -1, 2**30]),
    ),
    max_leaves=8,
).map(an_atom)


@fuzzed(200)
@given(parts=st.lists(atoms, max_size=5).map(b"".join))
def test_strange_m4a_is_read(parts: bytes) -> None:
    look_at(struct.pack(">I", 16) + b"ftypM4A \0\0\0\0" + parts, "a.m4a")


def look_at(data: bytes, name: str) -> AudioFacts:
    tracemalloc.start()
    try:
        facts = probe(io.BytesIO(data), name, len(data))
        first_findings(facts, Expectations())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * MOST_TAG_BYTES
    texts = (facts.tags.title, facts.tags.artist, facts.tags.album)
    for text in (*texts, *(each.title for each in facts.tags.chapters)):
        assert text is None or (text.isprintable() and text.encode())
    return facts
