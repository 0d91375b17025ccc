from collections.abc import Callable, Sequence
from gettext import GNUTranslations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import feeds
from feeds.messages import (
    Turn,
    address_changed_item,
    address_closed_item,
    complete_item,
    ended_item,
    paused_item,
    restarted_item,
    welcome_item,
)
from feeds.model import Item
from feeds.slots import Rhythm, RhythmKind
from feeds.words import LANGUAGES, rhythm_rrule, update_frequency, words
from tests.unit.feeds.builders import START

HERE = Path(feeds.__file__).parent


def a_turn(**changes: Any) -> Turn:
    defaults: dict[str, Any] = {
        "public_id": UUID(int=1),
        "happened_at": START,
        "language": "nl",
        "my_page_url": "https://cadans.example/my/",
    }
    return Turn(**(defaults | changes))


def test_changed_address_is_explained_in_dutch() -> None:
    item = address_changed_item(a_turn())
    assert item.title == "Je adres is veranderd"
    assert "Je nieuwe adres staat in onze mail" in item.description
    assert '<a href="https://cadans.example/my/">' in item.description


def test_changed_address_is_explained_in_english() -> None:
    assert address_changed_item(a_turn(language="en")).title == "Your address has changed"


def test_closed_address_promises_no_new_one() -> None:
    item = address_closed_item(a_turn(language="en"))
    assert item.title == "This address is closed"
    assert "new address" not in item.description


def test_welcome_says_when_the_first_lesson_comes() -> None:
    item = welcome_item(a_turn(), "donderdag 3 december om 06:00")
    assert item.title == "Welkom"
    assert "De eerste les verschijnt hier op donderdag 3 december om 06:00." in item.description


def test_welcome_without_a_date_promises_none() -> None:
    assert "%(" not in welcome_item(a_turn(), None).description


@pytest.mark.parametrize(
    ("build", "title"),
    [
        (paused_item, "Your course is paused"),
        (complete_item, "The course is complete"),
        (ended_item, "This course has ended for you"),
        (restarted_item, "You started this course again"),
    ],
)
def test_turns_are_told_with_the_way_to_her_own_page(
    build: Callable[[Turn], Item], title: str
) -> None:
    english, dutch = build(a_turn(language="en")), build(a_turn())
    assert english.title == title
    assert dutch.title != title
    assert english.link == dutch.link == "https://cadans.example/my/"
    assert "/f/" not in english.description


def test_regional_language_reads_its_main_language_and_an_unknown_one_english() -> None:
    assert address_changed_item(a_turn(language="nl-BE")).title == "Je adres is veranderd"
    assert address_changed_item(a_turn(language="fy")).title == "Your address has changed"


def test_message_is_dated_at_its_turn_and_has_no_audio() -> None:
    item = address_changed_item(a_turn())
    assert item.pub_at == START
    assert item.enclosure is None


def test_each_turn_has_a_guid_of_its_own() -> None:
    guids = {
        address_changed_item(a_turn()).guid,
        address_changed_item(a_turn(number=2)).guid,
        address_changed_item(a_turn(public_id=UUID(int=2))).guid,
        address_closed_item(a_turn()).guid,
        welcome_item(a_turn(), "x").guid,
        paused_item(a_turn()).guid,
        complete_item(a_turn()).guid,
        ended_item(a_turn()).guid,
        restarted_item(a_turn()).guid,
    }
    assert len(guids) == 9


def test_what_is_put_into_a_message_is_escaped() -> None:
    assert "&lt;script&gt;" in welcome_item(a_turn(), "<script>").description


@pytest.mark.parametrize(
    ("rhythm", "rrule", "text"),
    [
        (Rhythm(), "FREQ=WEEKLY", "Elke week een les"),
        (
            Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=1),
            "FREQ=DAILY;INTERVAL=1",
            "Elke dag een les",
        ),
        (
            Rhythm(kind=RhythmKind.EVERY_DAYS, every_days=3),
            "FREQ=DAILY;INTERVAL=3",
            "Elke 3 dagen een les",
        ),
        (
            Rhythm(kind=RhythmKind.WEEKDAY, weekday=3, hour=6),
            "FREQ=WEEKLY;BYDAY=TH",
            "Elke week een les",
        ),
    ],
)
def test_rhythm_is_told_in_words_and_as_a_rule(rhythm: Rhythm, rrule: str, text: str) -> None:
    told = update_frequency(rhythm, "nl")
    assert told is not None
    assert (told.rrule, told.text) == (rrule, text)


@pytest.mark.parametrize("kind", [RhythmKind.AT_ONCE, RhythmKind.FIXED_DATES])
def test_rhythm_without_regularity_has_no_rule(kind: RhythmKind) -> None:
    assert rhythm_rrule(Rhythm(kind=kind)) is None
    assert update_frequency(Rhythm(kind=kind), "nl") is None


def said_in_code() -> set[str]:
    keywords = {"say": None, "gettext": None, "ngettext": (1, 2)}
    found = extract_from_dir(HERE, [("**.py", "python")], keywords=keywords)
    return {id_of(msgid) for _, _, msgid, _, _ in found}


def id_of(msgid: str | Sequence[str]) -> str:
    return msgid if isinstance(msgid, str) else msgid[0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated_and_compiled(language: str) -> None:
    with (HERE / "locale" / language / "LC_MESSAGES" / "feeds.po").open("rb") as file:
        written = {id_of(message.id): message for message in read_po(file) if message.id}
    assert set(written) == said_in_code()
    compiled = words(language)
    assert isinstance(compiled, GNUTranslations)
    for msgid, message in written.items():
        translated = message.string
        assert translated
        assert not message.fuzzy
        if isinstance(translated, str):
            assert compiled.gettext(msgid) == translated
        else:
            assert [compiled.ngettext(msgid, "", n) for n in (1, 2)] == list(translated)
