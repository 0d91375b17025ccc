"""Findings in words that a course owner understands, in Dutch and English."""

import gettext
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from media.findings import Finding, Value
from media.sentences import FORMATS, MINUTES, SECONDS, SENTENCES

LANGUAGES: Final = ("nl", "en")
_LOCALE: Final = Path(__file__).parent / "locale"
_MINUTE: Final = 60
_MILLION: Final = 1_000_000


def sentence(finding: Finding, language: str) -> str:
    """The finding in words; English for a language that has no catalogue.

    Args:
        finding: What a check found.
        language: `nl` or `en`; of a tag such as `nl-BE` the first part counts.
    """
    language = language.replace("_", "-").partition("-")[0].lower()
    catalogue = _catalogue(language)
    values = {
        # held_seconds fills {held}: the unit is part of the words
        name.rpartition("_")[0] or name: _worded(name, value, catalogue)
        for name, value in finding.values.items()
    }
    text = " ".join(catalogue.gettext(part) for part in SENTENCES[finding.code])
    return text.format_map(values)


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("media", _LOCALE, languages=[language], fallback=True)


def _worded(name: str, value: Value, catalogue: gettext.NullTranslations) -> str:
    """A value as people say it; its unit stands at the end of its name."""
    if name == "format":
        return catalogue.gettext(FORMATS[str(value)])
    if name in {"silence_seconds", "lost_seconds"}:
        return _span(int(value), catalogue)
    say = _UNITS.get(name.rpartition("_")[2])
    if say is None or isinstance(value, str):
        return str(value)
    comma = "," if catalogue.info().get("language") == "nl" else "."
    return say(value).replace(".", comma).replace("-", "\N{MINUS SIGN}")


def _span(seconds: int, catalogue: gettext.NullTranslations) -> str:
    """A stretch of time rather than a place in a recording."""
    if seconds >= _MINUTE:
        return catalogue.gettext(MINUTES).format(clock=_clock(seconds))
    return catalogue.ngettext(*SECONDS, seconds).format(count=seconds)


def _clock(seconds: float) -> str:
    """A place or length as players show it: `7:12`, `1:02:03`."""
    minutes, rest = divmod(int(seconds), _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes}:{rest:02}"
    return f"{minutes // _MINUTE}:{minutes % _MINUTE:02}:{rest:02}"


def _size(size_bytes: float) -> str:
    if size_bytes < _MILLION:
        return f"{size_bytes / 1000:.0f} kB"
    return f"{size_bytes / _MILLION:.1f} MB".replace(".0 ", " ")


_UNITS: Final[dict[str, Callable[[float], str]]] = {
    "seconds": _clock,
    "bytes": _size,
    "bps": lambda value: f"{value / 1000:.0f} kbit/s",
    "hz": lambda value: f"{value / 1000:g} kHz",
    "lufs": lambda value: f"{value:.1f}".removesuffix(".0"),
    "db": lambda value: f"{value:.1f}".removesuffix(".0"),
    "px": lambda value: f"{value:.0f}",
}
