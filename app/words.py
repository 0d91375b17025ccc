"""The languages we speak: their catalogues, and dates as people say them. No request needed."""

from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel.dates import format_date, format_datetime
from babel.support import NullTranslations, Translations

from feeds.slots import known_zone

CATALOGUES: Final = Path(__file__).parent / "translations"
LANGUAGES: Final = ("nl", "en")
HOUSE_ZONE: Final = "Europe/Amsterdam"
# How people say it: "donderdag 3 december om 06:00", "Thursday 3 December at 06:00".
MOMENTS: Final = {"nl": "EEEE d MMMM 'om' HH:mm", "en": "EEEE d MMMM 'at' HH:mm"}

# With the year: a pause may be long.
DAY: Final = "EEEE d MMMM y"


def known_language(language: str) -> str:
    """Answer the language that a tag reads: nl-BE reads nl, one that we do not speak English."""
    spoken = language.partition("-")[0].lower()
    return spoken if spoken in LANGUAGES else "en"


# Below five minutes half a minute is a lot.
EXACT_BELOW_SECONDS: Final = 300


@lru_cache
def catalogue(language: str) -> NullTranslations:
    """Answer the words of a language; msgids are the English ones."""
    return Translations.load(CATALOGUES, [known_language(language)])


def say_length(milliseconds: int) -> str:
    """Answer a length as people say it, the same in every language of ours: "14 min".

    To the second where a minute makes a difference: "1 min 25 s", "45 s".
    """
    seconds = round(milliseconds / 1000)
    if seconds >= EXACT_BELOW_SECONDS:
        return f"{round(seconds / 60)} min"
    whole, rest = divmod(seconds, 60)
    parts = [f"{whole} min" if whole else "", f"{rest} s" if rest or not whole else ""]
    return " ".join(part for part in parts if part)


def say_moment(instant: datetime, *, zone: str, language: str, house_zone: str = HOUSE_ZONE) -> str:
    """Answer an instant as people say it on the clock of `zone`, else of `house_zone`."""
    spoken = known_language(language)
    local = instant.astimezone(known_zone(zone, house_zone))
    return format_datetime(local, MOMENTS[spoken], locale=spoken)


def say_day(day: date, *, language: str) -> str:
    """Answer a day as people say it, with its year: "Thursday 3 December 2026"."""
    return format_date(day, DAY, locale=known_language(language))
