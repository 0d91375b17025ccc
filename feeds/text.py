"""What may stand in a value of a feed: characters that XML allows, and the few tags apps show."""

import re
from html.parser import HTMLParser

from feeds.errors import ImpossibleValue
from feeds.limits import MAX_VALUE_CHARACTERS

NOTES_TAGS = frozenset({"p", "ol", "ul", "li", "a", "b", "i", "strong", "em"})
"""What podcast apps show of HTML: Apple, "A Podcaster's Guide to RSS", and PSP-1 (read 2026-11)."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0 section 2.2: these characters cannot stand in a document, not even escaped."""

_ADDRESS = re.compile(r"https?://[!#-;=?-\[\]_a-z~]+", re.IGNORECASE)
"""ASCII without spaces, quotes and angle brackets: what a browser and every app read alike."""

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def clean(text: str) -> str:
    """Return the text as it goes into a feed: nothing XML forbids, no white space around it."""
    return _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def require_text(value: object, field: str, *, limit: int = MAX_VALUE_CHARACTERS) -> None:
    """Refuse a text field that is empty once cleaned, or longer than apps read."""
    text = clean(getattr(value, field))
    if not text:
        raise _impossible(value, field, "is empty")
    if len(text) > limit:
        raise _impossible(value, field, f"is longer than {limit} characters")


def require_bytes(value: object, field: str, *, limit: int) -> None:
    """Refuse a text field whose UTF-8 is longer than apps read; None is fine."""
    text: str | None = getattr(value, field)
    if text is not None and len(clean(text).encode()) > limit:
        raise _impossible(value, field, f"is longer than {limit} bytes")


def require_address(value: object, field: str) -> None:
    """Refuse a field that is not a complete http or https address in ASCII; None is fine."""
    text: str | None = getattr(value, field)
    if text is None:
        return
    if not _ADDRESS.fullmatch(text):
        raise _impossible(value, field, "is not a complete http or https address")
    require_text(value, field)


def require_image(value: object, field: str) -> None:
    """Refuse an image whose address does not end as Apple wants it; None is fine."""
    address: str | None = getattr(value, field)
    if address is not None and not address.endswith((".jpg", ".jpeg", ".png")):
        raise _impossible(value, field, "does not end in .jpg, .jpeg or .png")


def require_media_type(value: object, field: str) -> None:
    """Refuse a field that does not look like a media type without parameters."""
    if not _MEDIA_TYPE.fullmatch(getattr(value, field)):
        raise _impossible(value, field, "is not a media type")


def require_language(value: object, field: str) -> None:
    """Refuse a field that is not a language tag such as nl or en-GB (RFC 5646)."""
    if not _LANGUAGE.fullmatch(getattr(value, field)):
        raise _impossible(value, field, "is not a language tag")


def require_at_least(value: object, field: str, least: int) -> None:
    """Refuse a number below `least`; None is fine."""
    number: int | None = getattr(value, field)
    if number is not None and number < least:
        raise _impossible(value, field, f"is less than {least}")


def require_instant(value: object, field: str) -> None:
    """Refuse an instant without a time zone."""
    if getattr(value, field).tzinfo is None:
        raise _impossible(value, field, "has no time zone")


def require_notes_markup(value: object, field: str) -> None:
    """Refuse HTML with a tag that podcast apps do not show."""
    for tag in _tags(getattr(value, field)):
        if tag not in NOTES_TAGS:
            raise _impossible(value, field, f"has a <{tag}>, which podcast apps do not show")


def _tags(html: str) -> list[str]:
    reader = _TagReader()
    reader.feed(html)
    reader.close()
    return reader.tags


class _TagReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)


def _impossible(value: object, field: str, reason: str) -> ImpossibleValue:
    return ImpossibleValue(type(value).__name__, field, reason)
