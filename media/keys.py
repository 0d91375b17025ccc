"""Names that are safe everywhere: keys of objects in a store, names of files people download."""

import re
import secrets
import unicodedata
from typing import Final, NewType

from media.errors import InvalidKey

ObjectKey = NewType("ObjectKey", str)
DownloadName = NewType("DownloadName", str)

# Lower case only: folders on macOS and Windows do not tell `A` from `a`. Always one `/`, so that in
# a folder no object stands where another needs a directory.
_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]*/[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9]+)?")
# S3 allows 1024 bytes (Amazon S3 user guide, "Naming Amazon S3 objects", read November 2026);
# a folder needs room for its own path beside it.
_KEY_LENGTH: Final = 200
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,8}")
_RANDOM_BYTES: Final = 16
_NAME_LENGTH: Final = 80
# Letters that Unicode does not take apart into a Latin letter and an accent.
_LETTERS: Final = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O",
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i", "ħ": "h", "Ħ": "H", "ŋ": "n", "Ŋ": "N",
    }
)  # fmt: skip
# Windows opens a device under these names, whatever the extension
# (learn.microsoft.com, "Naming Files, Paths, and Namespaces", read November 2026).
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


def new_object_key(course_id: str | int, extension: str) -> ObjectKey:
    """Mint the key of a new object: `<course id>/<128 random bits>.<extension>`, never used before.

    Raises:
        InvalidKey: the course id or the extension cannot stand in a key.
    """
    key = f"{course_id}/{secrets.token_hex(_RANDOM_BYTES)}.{extension}"
    if not _EXTENSION.fullmatch(extension):
        raise InvalidKey(key)
    return parse_object_key(key)


def parse_object_key(text: str) -> ObjectKey:
    """Take a text as a key, when it can do no harm as a path, an address or a header.

    Raises:
        InvalidKey: it holds anything else than a key may.
    """
    if not is_object_key(text):
        raise InvalidKey(text)
    return ObjectKey(text)


def is_object_key(text: str) -> bool:
    """Whether `parse_object_key` takes this text."""
    return len(text) <= _KEY_LENGTH and _KEY.fullmatch(text) is not None


def make_download_name(title: str, extension: str, *, fallback: str = "lesson") -> DownloadName:
    """Turn a title in any script into a plain ASCII file name, `fallback` when nothing is left.

    Accents are dropped, everything but letters and digits becomes one `-`. The result needs no
    quoting in a header, a shell or a file system.
    """
    letters = unicodedata.normalize("NFKD", title.translate(_LETTERS))
    ascii_only = letters.encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9]+", "-", ascii_only)[:_NAME_LENGTH].strip("-") or fallback
    if _DEVICES.fullmatch(stem):
        stem = f"{fallback}-{stem}"
    return DownloadName(f"{stem}.{extension}")
