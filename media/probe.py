"""A first look at a sound file: its headers and tags, without reading the sound.

The only module that imports mutagen.
"""

import io
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any, BinaryIO, Final, TypeVar

from mutagen.id3 import ID3, Frames, Frames_2_2, ID3NoHeaderError
from mutagen.mp3 import MPEGInfo
from mutagen.mp4 import MP4

from media.audio import AudioFacts, AudioFormat, BitrateMode, Chapter, Tags
from media.boxes import read_layout
from media.errors import MediaError, TooMuchRead
from media.limits import MOST_CHAPTERS, MOST_TAG_BYTES
from media.sniff import HEAD_BYTES, sniff

# the frames we read, and their names in ID3v2.2
_KNOWN_FRAMES: Final = {
    name: frame
    for name, frame in {**Frames, **Frames_2_2}.items()
    if name in {"TIT2", "TPE1", "TALB", "TRCK", "APIC", "CHAP", "TT2", "TP1", "TAL", "TRK", "PIC"}
}
# A compressed frame can unpack to a thousand times its size, and mutagen unpacks without limit.
# No encoder we know compresses frames. Flags: ID3v2.3.0 §3.3.1, ID3v2.4.0 §4.1.2.
_FRAME: Final = re.compile(rb"(?:TIT2|TPE1|TALB|TRCK|APIC|CHAP).{5}(.)", re.DOTALL)
_COMPRESSED: Final = {3: 0x80, 4: 0x08}
_MODES: Final = {1: BitrateMode.CONSTANT, 2: BitrateMode.VARIABLE, 3: BitrateMode.AVERAGE}
_LONGEST_TAG: Final = 500
_T = TypeVar("_T")
_ID3_HEADER_BYTES: Final = 10
_ID3V1_BYTES: Final = 128
_LAYER_III: Final = 3


def probe(source: BinaryIO, file_name: str, size_bytes: int) -> AudioFacts:
    """What headers and tags tell of a sound file; reads a few kilobytes, tags aside.

    Never raises for bad bytes: a file that cannot be read gives facts that say so. Errors of the
    store from which the bytes come pass through.

    Args:
        source: A seekable file or ranged reader.
        file_name: As its owner calls it; only the ending is looked at.
        size_bytes: All of it, as the store knows it.
    """
    facts = AudioFacts(file_name=file_name, size_bytes=size_bytes, format=AudioFormat.UNKNOWN)
    nothing: tuple[int, AudioFormat | None] = (0, None)
    start, found = _guarded(_identify, source, nothing)
    unreadable = replace(facts, format=found or AudioFormat.UNKNOWN, is_readable=False)
    if found is AudioFormat.M4A:
        return _guarded(lambda file: _look_at_mp4(file, facts), source, unreadable)
    if found in (None, AudioFormat.MP3):
        # without a signature, sound may still begin a little further on
        return _guarded(lambda file: _look_at_mp3(file, facts, start), source, unreadable)
    return replace(unreadable, is_readable=True)


def _guarded(look: Callable[[BinaryIO], _T], source: BinaryIO, otherwise: _T) -> _T:
    """What a parser finds; what was given when hostile bytes are too much for it."""
    try:
        return look(source)
    except TooMuchRead:
        return otherwise
    except MediaError:
        raise
    except Exception:  # noqa: BLE001 - mutagen raises whatever its struct and codecs raise
        return otherwise


def _identify(source: BinaryIO) -> tuple[int, AudioFormat | None]:
    """Where the file begins behind its ID3 tags, and what it is there; None: no telling."""
    start = 0
    head = _peek(source, 0, HEAD_BYTES)
    # some programs stack several tags
    while size := _id3_size(head):
        start += size
        head = _peek(source, start, HEAD_BYTES)
    return start, (None if start and not head else sniff(head))


def _id3_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag that begins here; 0: none does. Source: ID3v2.4.0 §3.1, §3.4."""
    header = head[:_ID3_HEADER_BYTES]
    if len(header) < _ID3_HEADER_BYTES or not header.startswith(b"ID3") or not header[6:].isascii():
        return 0
    size = sum(byte << shift for byte, shift in zip(header[6:], (21, 14, 7, 0), strict=True))
    has_footer = bool(header[5] & 0x10)
    return size + _ID3_HEADER_BYTES * (2 if has_footer else 1)


# --- MP3


def _look_at_mp3(source: BinaryIO, facts: AudioFacts, start: int) -> AudioFacts:
    info = MPEGInfo(source, start)
    frame = _peek(source, info.frame_offset, 200)
    is_announced, sound_bytes = _announced(frame)
    if info.sketchy and not is_announced:
        return replace(facts, is_readable=False)
    tail = _peek(source, max(0, facts.size_bytes - 256), 256)
    around = info.frame_offset + _trailing_tag_bytes(tail)
    return replace(
        facts,
        format=AudioFormat.MP3 if info.layer == _LAYER_III else AudioFormat.MP2,
        duration=timedelta(seconds=info.length),
        is_duration_estimated=not is_announced,
        sound_bytes=sound_bytes,
        bitrate_bps=info.bitrate,
        bitrate_mode=_MODES.get(int(info.bitrate_mode), BitrateMode.UNKNOWN),
        sample_rate_hz=info.sample_rate,
        channels=info.channels,
        tags=_guarded(
            lambda file: replace(_id3_tags(file, start, tail), size_bytes=around),
            source,
            Tags(size_bytes=around),
        ),
    )


def _announced(frame: bytes) -> tuple[bool, int | None]:
    """Whether the header frame tells the number of frames, and the bytes of sound it tells.

    Source: "XING VBR header" and "VBRI header" in "MPEG audio frame header", Konrad Windszus,
    codeproject.com/articles/8295, §2.3.
    """
    for name in (b"Xing", b"Info"):
        at = frame.find(name, 0, 64)
        if at < 0:
            continue
        flags = int.from_bytes(frame[at + 4 : at + 8], "big")
        size_at = at + 8 + (4 if flags & 1 else 0)
        size = int.from_bytes(frame[size_at : size_at + 4], "big") if flags & 2 else 0
        return bool(flags & 1), size or None
    if frame[36:40] == b"VBRI":
        return True, int.from_bytes(frame[46:50], "big") or None
    return False, None


def _trailing_tag_bytes(tail: bytes) -> int:
    """Bytes of tags behind the sound: ID3v1, and APEv2 in front of that."""
    found = 0
    if tail[-_ID3V1_BYTES:].startswith(b"TAG"):
        found = _ID3V1_BYTES
    footer = tail[: len(tail) - found][-32:]
    if footer.startswith(b"APETAGEX"):
        has_header = footer[23] & 0x80
        found += int.from_bytes(footer[12:16], "little") + (32 if has_header else 0)
    return found


def _id3_tags(source: BinaryIO, size: int, tail: bytes) -> Tags:
    raw = _peek(source, 0, size) if size <= MOST_TAG_BYTES else b""
    if _is_compressed(raw):
        return Tags()
    try:
        found = ID3(io.BytesIO(raw), known_frames=_KNOWN_FRAMES, load_v1=False)
    except ID3NoHeaderError:
        found = ID3(io.BytesIO(tail[-_ID3V1_BYTES:])) if b"TAG" in tail else ID3()
    return Tags(
        title=_text(found.getall("TIT2")),
        artist=_text(found.getall("TPE1")),
        album=_text(found.getall("TALB")),
        track=_number(_text(found.getall("TRCK"))),
        chapters=_chapters(
            (frame.start_time, frame.end_time, _text(frame.sub_frames.getall("TIT2")))
            for frame in found.getall("CHAP")
        ),
        cover_bytes=max((len(frame.data) for frame in found.getall("APIC")), default=0),
    )


def _is_compressed(raw: bytes) -> bool:
    """Whether a frame that we would read is compressed, also where a tag was unsynchronised."""
    flag = _COMPRESSED.get(raw[3], 0) if raw else 0
    forms = (raw, raw.replace(b"\xff\x00", b"\xff"))
    return any(found[1][0] & flag for form in forms for found in _FRAME.finditer(form))


# --- M4A


def _look_at_mp4(source: BinaryIO, facts: AudioFacts) -> AudioFacts:
    layout = read_layout(source, facts.size_bytes)
    facts = replace(
        facts,
        format=AudioFormat.VIDEO if layout.has_video else AudioFormat.M4A,
        is_encrypted=layout.is_locked,
        is_cut=layout.is_cut or not layout.has_index,
        is_readable=layout.has_index,
        sound_bytes=layout.sound_bytes or None,
        tags=Tags(size_bytes=facts.size_bytes - layout.present_bytes),
    )
    if not layout.has_index or layout.is_locked or layout.index_bytes > MOST_TAG_BYTES:
        return facts
    return _guarded(
        lambda file: _read_mp4(file, facts), source, replace(facts, is_readable=layout.has_video)
    )


def _read_mp4(source: BinaryIO, facts: AudioFacts) -> AudioFacts:
    source.seek(0)
    found: Any = MP4(source)
    info, tags = found.info, found.tags or {}
    return replace(
        facts,
        format=_mp4_format(facts.format, info.codec),
        # a file in fragments has its length elsewhere: not announced
        duration=timedelta(seconds=info.length) if info.length else None,
        bitrate_bps=info.bitrate or None,
        sample_rate_hz=info.sample_rate,
        channels=info.channels,
        tags=replace(
            facts.tags,
            title=_text(tags.get("\xa9nam")),
            artist=_text(tags.get("\xa9ART")),
            album=_text(tags.get("\xa9alb")),
            track=next((number for number, _ in tags.get("trkn", ()) if number), None),
            chapters=_chapters(
                (round(chapter.start * 1000), None, _text([chapter.title]))
                for chapter in found.chapters or ()
            ),
            cover_bytes=max((len(cover) for cover in tags.get("covr", ())), default=0),
        ),
    )


def _mp4_format(container: AudioFormat, codec: str) -> AudioFormat:
    """The format by its codec: object type 40 is MPEG-4 audio (AAC), 66 to 68 are MPEG-2 AAC.

    Source: ISO/IEC 14496-1 §7.2.6.6, table 5.
    """
    if container is AudioFormat.VIDEO:
        return AudioFormat.VIDEO
    if codec == "alac":
        return AudioFormat.ALAC
    is_aac = codec == "mp4a" or codec.startswith(("mp4a.40", "mp4a.66", "mp4a.67", "mp4a.68"))
    return AudioFormat.M4A if is_aac else AudioFormat.MP4_OTHER


# --- both


def _chapters(found: Iterable[tuple[int, int | None, str | None]]) -> tuple[Chapter, ...]:
    """Chapters in order of time, from their milliseconds and titles; nameless ones are left out."""
    named = [
        Chapter(
            starts=timedelta(milliseconds=starts),
            ends=timedelta(milliseconds=ends) if ends and ends > starts else None,
            title=title,
        )
        for starts, ends, title in found
        if title
    ]
    return tuple(sorted(named, key=lambda chapter: chapter.starts)[:MOST_CHAPTERS])


def _text(values: Iterable[Any] | None) -> str | None:
    """The first text that says something, on one line."""
    for value in values or ():
        words = " ".join(str(value).replace("\x00", " ").split())
        printable = "".join(letter for letter in words if letter.isprintable())
        if printable:
            return printable[:_LONGEST_TAG]
    return None


def _number(text: str | None) -> int | None:
    """The track in `3` or `3/12`."""
    digits = re.match(r"\d{1,6}", text or "", re.ASCII)
    return int(digits[0]) if digits else None


def _peek(source: BinaryIO, offset: int, count: int) -> bytes:
    source.seek(offset)
    return source.read(count)
