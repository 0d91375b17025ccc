"""The language of a mail: its catalogue, and dates as people say them. No Flask here."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.support import NullTranslations, Translations

CATALOGUES: Final = Path(__file__).parent.parent / "translations"
LANGUAGES: Final = ("nl", "en")
# "donderdag 3 december om 06:00", "Thursday 3 December at 06:00".
PATTERNS: Final = {"nl": "EEEE d MMMM 'om' HH:mm", "en": "EEEE d MMMM 'at' HH:mm"}


def known_language(language: str) -> str:
    """Answer the language that a tag reads: nl-BE reads nl, one that we do not speak English."""
    spoken = language.partition("-")[0].lower()
    return spoken if spoken in LANGUAGES else "en"


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> NullTranslations:
    """Answer the words of a language; msgids are the English ones."""
    return Translations.load(CATALOGUES, [known_language(language)])


def moment(instant: datetime, zone: str, language: str) -> str:
    """Write an instant as people say it, on the clock of `zone`."""
    language = known_language(language)
    local = instant.astimezone(ZoneInfo(zone))
    return format_datetime(local, PATTERNS[language], locale=language)
