"""What the command says, in Dutch or English."""

import gettext as catalogues
from pathlib import Path
from typing import Final

LANGUAGES: Final = ("nl", "en")
_FOLDER: Final = Path(__file__).parent.parent / "translations"


def lazy_gettext(msgid: str) -> str:
    """Mark a text that is translated when it is said."""
    return msgid


def language_of(locale: str) -> str:
    """Answer the language for a locale such as `nl_NL.UTF-8`; English for what we do not speak."""
    found = locale[:2].lower()
    return found if found in LANGUAGES else "en"


class Words:
    """The texts of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._catalogue = catalogues.translation(
            "messages", _FOLDER, languages=[language], fallback=True
        )

    def gettext(self, msgid: str) -> str:
        """Answer a text in this language."""
        return self._catalogue.gettext(msgid)

    def ngettext(self, one: str, many: str, count: int) -> str:
        """Answer a text for a number of things in this language."""
        return self._catalogue.ngettext(one, many, count)
