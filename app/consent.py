"""What people agree to when they sign up: every text that ever stood under the form.

A text that somebody agreed to is never changed; the next one is a file of its own in `consents`,
and counts for who signs up from then on. A sign-up keeps the mark of the text that was read:
version and language, "2026-11-nl".
"""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from app.words import LANGUAGES, known_language

FOLDER: Final = Path(__file__).parent / "consents"
# A month; a second text in the same month is "2026-11-2".
_VERSION: Final = r"\d{4}-\d{2}(?:-\d+)?"
_MARK: Final = re.compile(rf"({_VERSION})(?:-([a-z]{{2}}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that is said to who signs up, and the question that it answers."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentText:
    """One text in one language."""

    version: str
    language: str
    terms: tuple[Term, ...]

    @property
    def mark(self) -> str:
        """Answer what a sign-up keeps, to find this text by again."""
        return f"{self.version}-{self.language}"

    @property
    def words(self) -> str:
        """Answer the whole text, a line for each term."""
        return "\n".join(f"{term.question}: {term.answer}" for term in self.terms)


@lru_cache
def versions() -> tuple[str, ...]:
    """Answer every version there was, the oldest first."""
    names = (path.stem for path in FOLDER.glob("*.toml"))
    return tuple(sorted(names, key=lambda name: [int(part) for part in name.split("-")]))


def current(language: str) -> ConsentText:
    """Answer the text that counts for who signs up now."""
    return _text(versions()[-1], known_language(language))


def find(mark: str, *, language: str) -> ConsentText | None:
    """Answer the text with this mark; None: there never was one.

    `language`: that of a text whose mark names none.
    """
    match = _MARK.fullmatch(mark)
    if match is None or match[1] not in versions():
        return None
    spoken = match[2] or known_language(language)
    return _text(match[1], spoken) if spoken in LANGUAGES else None


def read_by(mark: str | None, *, language: str) -> ConsentText:
    """Answer the text on the page from which a sign-up came.

    A page that names none, or one that never was, is taken to have shown the first: nobody is
    said to have agreed to a later one without having seen it.
    """
    found = find(mark or "", language=language)
    return found or _text(versions()[0], known_language(language))


@lru_cache
def _text(version: str, language: str) -> ConsentText:
    written = tomllib.loads((FOLDER / f"{version}.toml").read_text(encoding="utf-8"))
    terms = tuple(Term(**term) for term in written[language])
    return ConsentText(version=version, language=language, terms=terms)
