"""What we say at the turns of a subscription: texts and recordings that ship, read as values.

No database and no web framework here. The recordings beside this module are made by
``scripts/make_spoken.py`` from ``texts.toml``; an owner may put her own in their place.
"""

import json
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from feeds.messages import TurnKind
from feeds.words import main_language

EDITION: Final = 1
"""The recordings that feeds show now. Those of earlier editions stay here and keep playing."""

CONTENT_TYPE: Final = "audio/mpeg"
EXTENSION: Final = "mp3"

# A lesson's id has no nought (app.services.lessons.ID_LETTERS), so none can be one of these.
_STEMS: Final = {
    TurnKind.WELCOME: "hello0",
    TurnKind.PAUSED: "pause0",
    TurnKind.RESUMED: "going0",
    TurnKind.COMPLETE: "whole0",
    TurnKind.ENDED: "ended0",
    TurnKind.RESTARTED: "again0",
    TurnKind.ADDRESS_CHANGED: "moved0",
    TurnKind.ADDRESS_CLOSED: "close0",
}
_OWN: Final = "00"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenFile:
    """One recording that ships; `number` is its edition, `etag` a strong one."""

    kind: TurnKind
    language: str
    number: int
    size_bytes: int
    duration_ms: int
    etag: str

    @property
    def name(self) -> str:
        """Where it lies in this folder."""
        return file_name(self.language, self.kind, self.number)

    def read(self) -> bytes:
        """Answer its bytes: some 100 kB, kept once read."""
        return _read(self.name)


def file_name(language: str, kind: TurnKind, number: int) -> str:
    """Answer where a recording lies in this folder."""
    return f"{language}/{kind.value}-{number}.{EXTENSION}"


def shipped_id(kind: TurnKind, language: str) -> str:
    """Answer the eight characters that stand for our recordings of a kind in an address."""
    return _STEMS[kind] + language


def own_id(kind: TurnKind) -> str:
    """Answer the eight characters that stand for an owner's own recordings of a kind."""
    return _STEMS[kind] + _OWN


def shown(kind: TurnKind, language: str) -> SpokenFile:
    """Answer the recording of a kind in a course's language; English where we have none."""
    language = main_language(language)
    return next(
        each
        for each in all_shipped()
        if (each.kind, each.language, each.number) == (kind, language, EDITION)
    )


@cache
def all_shipped() -> tuple[SpokenFile, ...]:
    """Answer every recording that ships, of every language and edition."""
    listed: list[dict[str, Any]] = json.loads(_read("recordings.json"))
    return tuple(
        SpokenFile(
            kind=TurnKind(each["kind"]),
            language=each["language"],
            number=each["number"],
            size_bytes=each["size_bytes"],
            duration_ms=each["duration_ms"],
            etag=f'"{each["sha256"]}"',
        )
        for each in listed
    )


@cache
def texts(language: str) -> dict[TurnKind, str]:
    """Answer what is said, by kind: a line per sentence, an empty line where it breathes."""
    said: dict[str, str] = _settings()[main_language(language)]
    return {kind: said[kind.value].strip() for kind in TurnKind}


def pronunciation(language: str) -> dict[str, str]:
    """Answer the phonemes of words that espeak-ng says wrongly."""
    found: dict[str, str] = _settings()["pronunciation"][language]
    return found


@cache
def _settings() -> dict[str, Any]:
    return tomllib.loads(_read("texts.toml").decode())


@cache
def _read(name: str) -> bytes:
    return (files(__name__) / name).read_bytes()
