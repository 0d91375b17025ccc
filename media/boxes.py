"""The boxes of an MPEG-4 file: where its sound lies, of what kind it is, and whether all is there.

Source: ISO/IEC 14496-12 §4.2 (boxes), §8.4.3 (handler), §8.5.2 (sample descriptions).
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

# a real file has about thirty; a hostile one could have millions
_MOST_BOXES: Final = 2000
_PICTURE_CODECS: Final = frozenset({b"jpeg", b"png ", b"mjpa", b"mjpb", b"gif "})
_LOCKED_CODECS: Final = frozenset({b"drms", b"enca", b"drmi", b"encv"})


@dataclass(frozen=True, slots=True)
class Box:
    """One box: where it begins, where its content begins and where it says it ends."""

    kind: bytes
    content: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the boxes of a file tell."""

    has_index: bool
    """Whether there is a movie box, without which nothing can be played."""
    has_video: bool
    """Moving pictures; the pictures of chapters do not count."""
    is_locked: bool
    index_bytes: int
    sound_bytes: int
    """Bytes of the media data boxes, as they announce them."""
    present_bytes: int
    """Bytes of the media data boxes that the file really has."""
    is_cut: bool
    """The last box announces more bytes than the file has."""


def read_layout(source: BinaryIO, size_bytes: int) -> Layout:
    """The layout of an MPEG-4 file. Reads some twenty headers, never the sound."""
    top = list(_boxes(source, 0, size_bytes))
    data = [box for box in top if box.kind == b"mdat"]
    index = next((box for box in top if box.kind == b"moov"), None)
    tracks = _tracks(source, index, size_bytes) if index else []
    return Layout(
        has_index=index is not None and index.end <= size_bytes,
        has_video=any(kind == b"vide" and codec not in _PICTURE_CODECS for kind, codec in tracks),
        is_locked=any(codec in _LOCKED_CODECS for _, codec in tracks),
        index_bytes=index.end - index.content if index else 0,
        sound_bytes=sum(box.end - box.content for box in data),
        present_bytes=sum(min(box.end, size_bytes) - box.content for box in data),
        is_cut=bool(top) and top[-1].end > size_bytes,
    )


def _tracks(source: BinaryIO, index: Box, size_bytes: int) -> list[tuple[bytes, bytes]]:
    """Handler and codec of every track."""
    found = []
    for track in _children(source, index, b"trak", size_bytes):
        for media in _children(source, track, b"mdia", size_bytes):
            handler = b"".join(
                _peek(source, box.content + 8, 4)
                for box in _children(source, media, b"hdlr", size_bytes)
            )
            codec = b"".join(
                _peek(source, description.content + 12, 4)
                for information in _children(source, media, b"minf", size_bytes)
                for table in _children(source, information, b"stbl", size_bytes)
                for description in _children(source, table, b"stsd", size_bytes)
            )
            found.append((handler[:4], codec[:4]))
    return found


def _children(source: BinaryIO, parent: Box, kind: bytes, size_bytes: int) -> Iterator[Box]:
    """The boxes of this kind inside another."""
    inside = _boxes(source, parent.content, min(parent.end, size_bytes))
    return (box for box in inside if box.kind == kind)


def _boxes(source: BinaryIO, start: int, stop: int) -> Iterator[Box]:
    """The boxes from one place to another, in file order."""
    for _ in range(_MOST_BOXES):
        header = _peek(source, start, 16)
        if start + 8 > stop or len(header) < 8:  # noqa: PLR2004 - size and kind
            return
        size, content = int.from_bytes(header[:4], "big"), start + 8
        if size == 1:
            size, content = int.from_bytes(header[8:16], "big"), start + 16
        end = start + size if size else stop
        if end < content:
            return
        yield Box(header[4:8], content, end)
        start = end


def _peek(source: BinaryIO, offset: int, count: int) -> bytes:
    source.seek(offset, io.SEEK_SET)
    return source.read(count)
