"""The words that feeds themselves say, in the language of the course."""

from functools import lru_cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Final

from feeds.model import UpdateFrequency
from feeds.slots import Rhythm, RhythmKind

LANGUAGES: Final = ("en", "nl")
"""What feeds can say; any other language gets English."""

_LOCALE = Path(__file__).parent / "locale"
_WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def main_language(tag: str) -> str:
    """Return which of LANGUAGES a language tag reads: nl-BE reads nl, an unknown one English."""
    language = tag.partition("-")[0].lower()
    return language if language in LANGUAGES else "en"


@lru_cache
def words(language: str) -> NullTranslations:
    """Return the catalogue for a language tag."""
    return translation("feeds", _LOCALE, [main_language(language), "en"], fallback=True)


def update_frequency(rhythm: Rhythm, language: str) -> UpdateFrequency | None:
    """Return what podcast:updateFrequency says of a rhythm; None when there is no regularity."""
    rrule = rhythm_rrule(rhythm)
    if rrule is None:
        return None
    return UpdateFrequency(text=_in_words(rhythm, words(language)), rrule=rrule)


def rhythm_rrule(rhythm: Rhythm) -> str | None:
    """Return a rhythm as an RFC 5545 recurrence rule; None when there is no regularity."""
    match rhythm.kind:
        case RhythmKind.WEEKLY:
            return "FREQ=WEEKLY"
        case RhythmKind.EVERY_DAYS:
            return f"FREQ=DAILY;INTERVAL={rhythm.every_days}"
        case RhythmKind.WEEKDAY:
            return f"FREQ=WEEKLY;BYDAY={_WEEKDAYS[rhythm.weekday or 0]}"
        case RhythmKind.AT_ONCE | RhythmKind.FIXED_DATES:
            return None


def _in_words(rhythm: Rhythm, said: NullTranslations) -> str:
    if rhythm.kind is not RhythmKind.EVERY_DAYS:
        return said.gettext("A lesson every week")
    days = rhythm.every_days or 1
    return said.ngettext("A lesson every day", "A lesson every %(days)d days", days) % {
        "days": days
    }
