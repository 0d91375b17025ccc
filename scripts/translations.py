#!/usr/bin/env python3
"""Collect the strings that people see into the catalogues and compile them, or check that."""

import argparse
import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "app" / "translations"
LANGUAGES = ("nl", "en")
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
METHODS = [
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("**/templates/**.txt", "jinja2"),
]
OPTIONS = {
    method: {"extensions": "jinja2.ext.i18n", "silent": "false", "trimmed": "true"}
    for pattern, method in METHODS
    if method == "jinja2"
}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "later": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail when work is left"
    )
    check = parser.parse_args().check
    found = _collect()
    problems = [
        problem for language in LANGUAGES for problem in _update(found, language, check=check)
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _collect() -> Catalog:
    """Answer a catalogue of every string in the application."""
    catalog = Catalog(project="cadans", charset="utf-8")
    options = {pattern: OPTIONS.get(method, {}) for pattern, method in METHODS}
    for name, line, text, comments, context in extract_from_dir(
        str(ROOT / "app"), METHODS, options, KEYWORDS
    ):
        catalog.add(text, None, [(f"app/{name}", line)], auto_comments=comments, context=context)
    return catalog


def _update(found: Catalog, language: str, *, check: bool) -> list[str]:
    """Merge what was found into one language; answer what is missing."""
    path = FOLDER / language / "LC_MESSAGES" / "messages.po"
    catalog = _read(path, language)
    catalog.update(found, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    # The same words give the same bytes on any day.
    catalog.creation_date = catalog.revision_date = SOME_DAY
    if language == "en":
        _speak_plainly(catalog)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    if not check:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(
                file, catalog, sort_output=True, omit_header=True, width=100, include_lineno=False
            )
        path.with_suffix(".mo").write_bytes(compiled.getvalue())
    return _missing(catalog, language) + (_stale(catalog, path) if check else [])


def _read(path: Path, language: str) -> Catalog:
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def _speak_plainly(catalog: Catalog) -> None:
    """English is what the code says: its catalogue repeats it."""
    for message in catalog:
        if message.id:
            message.string = message.id


def _missing(catalog: Catalog, language: str) -> list[str]:
    return [
        f"{language}: no translation of {message.id!r} ({message.locations[0][0]})"
        for message in catalog
        if message.id and not all(_forms(message))
    ]


def _forms(message: Message) -> tuple[str, ...]:
    """Answer the one translation, or the one of each plural form; empty where there is none."""
    found = message.string or ""
    return (found,) if isinstance(found, str) else tuple(form or "" for form in found)


def _stale(catalog: Catalog, path: Path) -> list[str]:
    """Compare the compiled file with what it should say."""
    mo = path.with_suffix(".mo")
    try:
        with mo.open("rb") as file:
            compiled = _said(read_mo(file))
    except FileNotFoundError:
        compiled = set()
    return [] if compiled == _said(catalog) else [f"{mo} is old: run scripts/translations.py"]


def _said(catalog: Catalog) -> set[tuple[str, ...]]:
    """Answer every message with its forms, in a shape that compares."""
    return {(str(_first(message.id)), *_forms(message)) for message in catalog if message.id}


def _first(text: str | Sequence[str]) -> str:
    return text if isinstance(text, str) else text[0]


if __name__ == "__main__":
    sys.exit(main())
