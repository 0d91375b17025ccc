"""Notes cut to what podcast apps show: few tags, few bytes. Not a sanitiser for web pages."""

from html import escape
from html.parser import HTMLParser
from typing import Final

from feeds.limits import MAX_DESCRIPTION_BYTES
from feeds.text import NOTES_TAGS, clean

_ELLIPSIS: Final = "…"
_SPOKEN_AS: Final = dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6", "pre"), "p")
_SILENT: Final = frozenset({"script", "style", "template"})
_LINKS: Final = ("https://", "http://", "mailto:")


def fit_notes(html: str, limit: int = MAX_DESCRIPTION_BYTES) -> str:
    """Return HTML that every podcast app can show, at most `limit` bytes of UTF-8.

    Headings become paragraphs, other tags leave only their text. What does not fit ends at a word
    with an ellipsis, and every tag is closed.
    """
    fitter = _Fitter(limit)
    fitter.feed(clean(html))
    fitter.close()
    return fitter.finished()


def fit_text(text: str, limit: int = MAX_DESCRIPTION_BYTES) -> str:
    """Return plain text of at most `limit` bytes of UTF-8, ended at a word with an ellipsis."""
    text = clean(text)
    return text if _size(text) <= limit else _cut(text, limit)


class _Fitter(HTMLParser):
    """Copies what is allowed while there is room; room for closing tags is always kept."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._room = limit
        self._pieces: list[str] = []
        self._open: list[str] = []
        self._silent = 0
        self._is_full = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag == "br":
            self.handle_data("\n")
        tag = _SPOKEN_AS.get(tag, tag)
        if tag not in NOTES_TAGS or self._silent or self._is_full:
            return
        opening = _opening(tag, attrs)
        cost = _size(opening) + _size(_closing(tag))
        if cost + _size(_ELLIPSIS) > self._room:
            self._stop("")
            return
        self._room -= cost
        self._pieces.append(opening)
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        tag = _SPOKEN_AS.get(tag, tag)
        if self._is_full or tag not in self._open:
            return
        while self._open:
            innermost = self._open.pop()
            self._pieces.append(_closing(innermost))
            if innermost == tag:
                break

    def handle_data(self, data: str) -> None:
        if self._silent or self._is_full:
            return
        text = escape(data, quote=False)
        if _size(text) + _size(_ELLIPSIS) > self._room:
            self._stop(data)
            return
        self._room -= _size(text)
        self._pieces.append(text)

    def _stop(self, text: str) -> None:
        """Write the words that still fit and an ellipsis, and nothing after that."""
        self._is_full = True
        self._pieces.append(escape(_cut_escaped(text, self._room), quote=False))

    def finished(self) -> str:
        """Return what was copied, with every open tag closed."""
        return "".join([*self._pieces, *map(_closing, reversed(self._open))]).strip()


def _opening(tag: str, attrs: list[tuple[str, str | None]]) -> str:
    address = dict(attrs).get("href") or ""
    if tag == "a" and address.lower().startswith(_LINKS):
        return f'<a href="{escape(address)}">'
    return f"<{tag}>"


def _closing(tag: str) -> str:
    return f"</{tag}>"


def _cut_escaped(text: str, room: int) -> str:
    """Cut plain text so that it fits once it is escaped."""
    cut = _cut(text, room)
    while cut and _size(escape(cut, quote=False)) > room:
        cut = _cut(cut.removesuffix(_ELLIPSIS)[:-1], room)
    return cut


def _cut(text: str, room: int) -> str:
    """Return the words that fit, and an ellipsis; nothing when not even that fits."""
    if room < _size(_ELLIPSIS):
        return ""
    head = text.encode()[: room - _size(_ELLIPSIS)].decode(errors="ignore")
    words, space, _ = head.rpartition(" ")
    return (words if space else head).rstrip() + _ELLIPSIS


def _size(text: str) -> int:
    return len(text.encode())
