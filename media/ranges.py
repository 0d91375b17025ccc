"""Which bytes of an object a request asks for (RFC 9110 §14)."""

import re
from dataclasses import dataclass
from typing import Final

from media.errors import RangeNotSatisfiable

# RFC 9110 §14.1: units are case-insensitive; §14.1.2: first-pos "-" [ last-pos ], or a suffix.
_SINGLE: Final = re.compile(r"bytes=[ \t]*(\d*)-(\d*)[ \t]*", re.IGNORECASE | re.ASCII)
# More digits than any object has bytes; Python would refuse to read over 4,300 of them.
_DIGITS: Final = 19


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """Bytes `start` up to and including `last` of an object of `size_bytes`; never empty."""

    start: int
    last: int
    size_bytes: int

    @property
    def length(self) -> int:
        """How many bytes: the Content-Length of the 206."""
        return self.last - self.start + 1

    @property
    def content_range(self) -> str:
        """The Content-Range header of the 206 (RFC 9110 §14.4)."""
        return f"bytes {self.start}-{self.last}/{self.size_bytes}"


def find_range(
    asked: str | None, if_range: str | None = None, *, etag: str, size_bytes: int
) -> ByteRange | None:
    """The one range to answer with 206; None: answer 200 with the whole object.

    None stands for no Range header, one that is malformed or in another unit (§14.2: ignore it),
    several ranges at once (§14.2 lets a server ignore those), and an If-Range that does not match.

    Args:
        asked: The Range header.
        if_range: The If-Range header. It must be the strong `etag` itself (§13.1.5); a date never
            matches, for we send no Last-Modified.
        etag: The object's own, quoted.
        size_bytes: The object's.

    Raises:
        RangeNotSatisfiable: the range lies wholly outside the object: answer 416.
    """
    match = _SINGLE.fullmatch(asked) if asked else None
    if match is None or not _holds(if_range, etag):
        return None
    first, last = match.groups()
    if not first:
        return _suffix(last, size_bytes)
    return _from(first, last, size_bytes)


def render_unsatisfied(size_bytes: int) -> str:
    """The Content-Range header of a 416 (RFC 9110 §14.4)."""
    return f"bytes */{size_bytes}"


def _holds(if_range: str | None, etag: str) -> bool:
    if if_range is None:
        return True
    return if_range.strip() == etag and etag.startswith('"')


def _suffix(digits: str, size_bytes: int) -> ByteRange | None:
    if not digits:
        return None
    length = min(_number(digits), size_bytes)
    if _number(digits) == 0:
        raise RangeNotSatisfiable(size_bytes)
    # §14.1.2 calls a suffix of an empty object satisfiable, yet Content-Range cannot say so.
    return _range(size_bytes - length, size_bytes - 1, size_bytes) if length else None


def _from(first: str, last: str, size_bytes: int) -> ByteRange | None:
    start = _number(first)
    if last and _number(last) < start:
        return None
    if start >= size_bytes:
        raise RangeNotSatisfiable(size_bytes)
    end = min(_number(last), size_bytes - 1) if last else size_bytes - 1
    return _range(start, end, size_bytes)


def _range(start: int, last: int, size_bytes: int) -> ByteRange:
    return ByteRange(start=start, last=last, size_bytes=size_bytes)


def _number(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _DIGITS else 10**_DIGITS
