"""Settings about people's rights: how long what is kept, and who it is that keeps it."""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Final

from app.setting_values import Problem, parse_sender
from app.words import LANGUAGES

# What only who runs a house can say of it, in the order of the page.
BLANKS: Final[Mapping[str, str]] = {
    "name": "who runs this house: a person or an organisation",
    "contact": "an e-mail address for questions about what is kept",
    "address": "a postal address",
    "hosting": "where the server stands, and whose it is",
    "storage": "where the recordings lie, and whose that is",
    "mail": "who carries the mail, and where",
    "authority": "the authority that people can complain to",
    "web_log_days": "days that the web server in front keeps internet addresses, or parts; 0: none",
    "backup_days": "days that backups are kept; 0: there are none",
}
OPTIONAL: Final[Mapping[str, str]] = {
    "authority_url": "the web address of that authority",
    "officer": "a data protection officer, where there is one",
}
MAX_CHARS: Final = 300
MAX_DAYS: Final = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """What who runs a house says of it: text in one or both languages, and numbers of days."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)

    def say(self, key: str, language: str) -> str | None:
        """Answer what was filled in, in that language or in the one there is; None: nothing."""
        words = self.texts.get(key, {})
        return words.get(language) or next(iter(words.values()), None)

    def missing(self, *, not_asked: Collection[str] = ()) -> list[str]:
        """Answer which blanks are not filled in, but for those that are `not_asked`."""
        filled = {*self.texts, *self.days, *not_asked}
        return [key for key in BLANKS if key not in filled]


def parse_days(least: int, most: int) -> Callable[[str], timedelta]:
    """Answer what reads a number of days within bounds."""

    def parse(text: str) -> timedelta:
        if not re.fullmatch(r"[0-9]{1,5}", text.strip()) or not least <= int(text) <= most:
            raise Problem(f"says {text!r}: write whole days from {least} to {most}.")
        return timedelta(days=int(text))

    return parse


def parse_days_or_never(least: int, most: int) -> Callable[[str], timedelta | None]:
    """Answer what reads a number of days within bounds; nothing: never."""
    parse = parse_days(least, most)
    return lambda text: parse(text) if text.strip() else None


def parse_privacy(text: str) -> Particulars:
    """Read the file with that path; no path: nothing is filled in."""
    if not text:
        return Particulars()
    try:
        written = tomllib.loads(Path(text).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise Problem(f"names {text}, which is no TOML ({error}).") from error
    except (OSError, ValueError) as error:
        raise Problem(f"names {text!r}, which cannot be read ({error}).") from error
    unknown = sorted(set(written) - set(BLANKS) - set(OPTIONAL))
    if unknown:
        raise Problem(f"names {text}, which has {', '.join(unknown)}: `cadans privacy` has all.")
    days = {key: _days(key, value) for key, value in written.items() if key.endswith("_days")}
    texts = {
        key: words
        for key, value in written.items()
        if not key.endswith("_days") and (words := _words(key, value))
    }
    return Particulars(texts=texts, days=days)


def _days(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_DAYS:
        raise Problem(f"says {key} = {value!r}: write whole days, 0 to {MAX_DAYS}.")
    return value


def _words(key: str, value: object) -> Mapping[str, str]:
    """Answer the text by language; one that names none is for all. Empty: not filled in."""
    by_language = value if isinstance(value, dict) else dict.fromkeys(LANGUAGES, value)
    if not set(by_language) <= set(LANGUAGES):
        raise Problem(f"says {key} in a language that is not one of {', '.join(LANGUAGES)}.")
    texts = {language: _text(key, text) for language, text in by_language.items()}
    return {language: text for language, text in texts.items() if text}


def _text(key: str, text: object) -> str:
    if not isinstance(text, str) or len(text) > MAX_CHARS or not text.isprintable():
        raise Problem(f"says {key} = {text!r}: write one line of text, in quotes.")
    if key == "contact" and text and parse_sender(text) != parseaddr(text)[1]:
        raise Problem(f"says {key} = {text!r}: write an e-mail address and nothing else.")
    if key == "authority_url" and text and not text.startswith(("https://", "http://")):
        raise Problem(f"says {key} = {text!r}: write a web address.")
    return text.strip()
