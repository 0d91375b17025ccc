"""Consent texts: what somebody agreed to stays as it was, and is found again by its mark."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import consent
from app.services import signup
from app.words import LANGUAGES
from tests.parts.consents import forget

# A text that people have agreed to is never changed. Yours is another one: leave the file as it
# was, write yours into a new one, named after this month, and add its digest here.
AGREED_TO = {
    "2026-11": "4c1a8f70a82db7ee5432e90d4a35d14c4ece624d48d37e1bcd0fc56418f623d5",
    "2026-11-2": "faa0d4e99d878146658e26c0dd710dbef87908928b1ef8082e0e4997412cd9e0",
}
LATER = """
[[en]]
question = "What is kept"
answer = "Less."
[[nl]]
question = "Wat er bewaard wordt"
answer = "Minder."
"""


@pytest.fixture
def later_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A house whose texts changed twice since the first."""
    first = (consent.FOLDER / "2026-11.toml").read_text(encoding="utf-8")
    for name, text in {"2026-11": first, "2027-02": LATER, "2027-02-2": LATER}.items():
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(consent, "FOLDER", tmp_path)
    forget()
    yield tmp_path
    forget()


def digest(version: str) -> str:
    words = [consent.find(f"{version}-{language}", language="en") for language in sorted(LANGUAGES)]
    return hashlib.sha256("\n\n".join(text.words for text in words if text).encode()).hexdigest()


def test_text_that_people_agreed_to_is_not_changed_without_a_new_version() -> None:
    assert {version: digest(version) for version in consent.versions()} == AGREED_TO


def test_every_text_says_the_same_number_of_things_in_every_language() -> None:
    for version in consent.versions():
        texts = [consent.find(f"{version}-{language}", language="en") for language in LANGUAGES]
        assert len({len(text.terms) for text in texts if text}) == 1
        assert None not in texts


def test_text_of_today_says_after_how_many_days_a_sign_up_goes() -> None:
    for language, days in (("en", "days"), ("nl", "dagen")):
        assert f"{signup.CONFIRM_WITHIN.days} {days}" in consent.current(language).words


@pytest.mark.usefixtures("later_texts")
def test_newest_text_counts_for_who_signs_up_now_and_older_ones_are_found() -> None:
    assert consent.versions() == ("2026-11", "2027-02", "2027-02-2")
    assert consent.current("nl").mark == "2027-02-2-nl"
    assert consent.current("nl").terms[0].answer == "Minder."
    old = consent.find("2026-11-en", language="nl")
    assert old is not None
    assert old.words.startswith("What is kept: Your name")


@pytest.mark.parametrize(
    "mark", ["", "1", "2026-12-nl", "2026-11-xx", "2026-11-nl\n", "../2026-11", "2026-11-nl-nl"]
)
def test_mark_of_no_text_finds_none(mark: str) -> None:
    assert consent.find(mark, language="nl") is None


def test_mark_without_a_language_is_found_in_hers() -> None:
    found = consent.find("2026-11", language="nl-BE")
    assert found is not None
    assert found.language == "nl"


@pytest.mark.usefixtures("later_texts")
@pytest.mark.parametrize("mark", [None, "", "2031-01-nl"])
def test_nobody_is_said_to_have_agreed_to_a_text_that_her_page_did_not_show(
    mark: str | None,
) -> None:
    assert consent.read_by(mark, language="nl").mark == "2026-11-nl"
    assert consent.read_by("2027-02-en", language="nl").mark == "2027-02-en"
