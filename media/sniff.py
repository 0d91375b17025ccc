"""What the first bytes of a file say it is, whatever its name says. Pure."""

import re
from typing import Final

from media.audio import AudioFormat

HEAD_BYTES: Final = 512

# offset, bytes that stand there, what it then is; the first match wins
_SIGNATURES: Final = (
    (8, b"WAVE", AudioFormat.WAV),
    (8, b"AIFF", AudioFormat.AIFF),
    (8, b"AIFC", AudioFormat.AIFF),
    (8, b"WEBP", AudioFormat.IMAGE),
    (8, b"AVI ", AudioFormat.VIDEO),
    (0, b"caff", AudioFormat.CAF),
    (0, b"fLaC", AudioFormat.FLAC),
    (0, b"OggS", AudioFormat.OGG),
    (0, b"#!AMR", AudioFormat.AMR),
    (0, bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), AudioFormat.WMA),
    (0, b"\x1aE\xdf\xa3", AudioFormat.VIDEO),  # Matroska, WebM
    (0, b"\x00\x00\x01\xba", AudioFormat.VIDEO),  # MPEG programme stream
    (0, b"SQLite format 3\x00", AudioFormat.PROJECT),  # Audacity 3 keeps a project so
    (0, b"\x89PNG", AudioFormat.IMAGE),
    (0, b"\xff\xd8\xff", AudioFormat.IMAGE),
    (0, b"GIF8", AudioFormat.IMAGE),
    (0, b"%PDF", AudioFormat.PDF),
    (0, b"PK\x03\x04", AudioFormat.ARCHIVE),
    (0, b"Rar!", AudioFormat.ARCHIVE),
    (0, b"7z\xbc\xaf", AudioFormat.ARCHIVE),
    (0, b"\x1f\x8b", AudioFormat.ARCHIVE),
)
_PLAYLIST = re.compile(
    rb"#EXTM3U|\[playlist\]|ffconcat version|file '|<\?wpl|<asx|<smil|<mpd[ >]|https?://|file:",
    re.IGNORECASE,
)
_PROJECT = re.compile(rb"<\?xml[^>]*>\s*<(!doctype )?(project|sesx|ableton)", re.IGNORECASE)
_HTML = re.compile(rb"<(!doctype|html|head|body|\?xml|!--|script|error)", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(head: bytes) -> AudioFormat | None:
    """What a file that begins with these bytes is; None: they do not tell.

    Sound in an MPEG-4 container comes out as M4A: what kind of sound it is stands further on.
    """
    if not head:
        return AudioFormat.EMPTY
    if head[4:8] == b"ftyp" or head[4:8] in (b"moov", b"mdat") or head[4:8] == b"wide":
        return AudioFormat.M4A
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return found
    return sniff_frame(head) or _sniff_text(head)


def sniff_frame(head: bytes) -> AudioFormat | None:
    """The kind of a bare frame of sound that begins here; None: no frame begins here.

    Source: ISO/IEC 11172-3 §2.4.1.3 (MPEG audio header), ISO/IEC 13818-7 §6.2 (ADTS header).
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - sync bits
        return None
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - twelve sync bits, layer 0
        return AudioFormat.AAC
    layer, version = head[1] >> 1 & 3, head[1] >> 3 & 3
    bitrate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    if layer == 0 or version == 1 or bitrate in (0, 15) or sample_rate == 3:  # noqa: PLR2004
        return None
    return AudioFormat.MP3 if layer == 1 else AudioFormat.MP2


def _sniff_text(head: bytes) -> AudioFormat | None:
    """The kind of text that begins here; None: it is no text."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if _CONTROL.search(text):
        return None
    for pattern, found in (
        (_PLAYLIST, AudioFormat.PLAYLIST),
        (_PROJECT, AudioFormat.PROJECT),
        (_HTML, AudioFormat.HTML),
    ):
        if pattern.match(text):
            return found
    try:
        text[:-4].decode()
    except UnicodeDecodeError:
        return None
    return AudioFormat.TEXT
