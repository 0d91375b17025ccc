"""Words outside a page: in feeds, refusals and mails no request says in which language."""

from datetime import datetime
from functools import lru_cache
from gettext import NullTranslations, translation
from pathlib import Path
from typing import Final

from babel.dates import format_datetime

from feeds.slots import known_zone

_CATALOGUES: Final = Path(__file__).parent.parent / "translations"
# How people say it: "donderdag 3 december om 06:00", "Thursday 3 December at 06:00".
_MOMENTS: Final = {"nl": "EEEE d MMMM 'om' HH:mm", "en": "EEEE d MMMM 'at' HH:mm"}


@lru_cache
def words(language: str) -> NullTranslations:
    """Answer the catalogue for a language tag: nl-BE reads nl, one that we do not speak English."""
    return translation("messages", _CATALOGUES, [_spoken(language)], fallback=True)


def say_moment(instant: datetime, *, zone: str, house_zone: str, language: str) -> str:
    """Answer an instant as people say it on the clock of `zone`, else of `house_zone`."""
    spoken = _spoken(language)
    local = instant.astimezone(known_zone(zone, house_zone))
    return format_datetime(local, _MOMENTS[spoken], locale=spoken)


def _spoken(language: str) -> str:
    tag = language.partition("-")[0].lower()
    return tag if tag in _MOMENTS else "en"
