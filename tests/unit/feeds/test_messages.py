from collections.abc import Sequence
from datetime import timedelta
from gettext import GNUTranslations
from pathlib import Path
from uuid import UUID

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import feeds
from feeds.messages import (
    Message,
    TurnKind,
    begun_note,
    fill_in,
    guid_of,
    title_of,
    waiting_note,
)
from feeds.model import EpisodeType, Item
from feeds.slots import Rhythm, RhythmKind
from feeds.words import LANGUAGES, rhythm_rrule, update_frequency, words
from tests.unit.feeds.builders import START, messages

HERE = Path(feeds.__file__).parent
FEED = UUID(int=1)


def an_item(kind: TurnKind, language: str = "nl", *, note: str = "") -> Item:
    """The item of one subscription."""
    message = Message(kind=kind, pub_at=START, note=note)
    return fill_in(messages(language)[kind], message, FEED)


def test_changed_address_is_explained_in_dutch() -> None:
    item = an_item(TurnKind.ADDRESS_CHANGED)
    assert item.title == "Je adres is veranderd"
    assert "Je nieuwe adres staat in onze mail" in item.description
    assert '<a href="https://cadans.example/my/">' in item.description


def test_changed_address_is_explained_in_english() -> None:
    assert an_item(TurnKind.ADDRESS_CHANGED, "en").title == "Your address has changed"


def test_closed_address_promises_no_new_one() -> None:
    item = an_item(TurnKind.ADDRESS_CLOSED, "en")
    assert item.title == "This address is closed"
    assert "new address" not in item.description


def test_welcome_says_when_the_first_lesson_comes() -> None:
    note = waiting_note("nl", "donderdag 3 december om 06:00")
    item = an_item(TurnKind.WELCOME, note=note)
    assert item.title == "Welkom"
    assert "De eerste les verschijnt hier op donderdag 3 december om 06:00." in item.description


def test_welcome_without_a_date_promises_none() -> None:
    assert "%(" not in waiting_note("nl", None)


def test_welcome_beside_the_first_lesson_says_that_it_is_there() -> None:
    item = an_item(TurnKind.WELCOME, note=begun_note("nl"))
    assert "<p>Je eerste les staat er al; de andere volgen.</p>" in item.description


@pytest.mark.parametrize("kind", TurnKind)
def test_every_turn_is_told_with_sound_and_the_way_to_her_own_page(kind: TurnKind) -> None:
    english, dutch = an_item(kind, "en"), an_item(kind)
    assert english.title != dutch.title
    assert english.link == dutch.link == "https://cadans.example/my/"
    assert "https://cadans.example/my/" in english.description
    assert "/f/" not in english.description
    assert english.enclosure is not None
    assert english.duration_seconds is not None


def test_no_message_is_numbered_as_a_lesson_and_only_a_welcome_stands_before_them() -> None:
    types = {kind: item.episode_type for kind, item in messages().items()}
    assert {item.episode for item in messages().values()} == {None}
    assert types.pop(TurnKind.WELCOME) is EpisodeType.TRAILER
    assert set(types.values()) == {EpisodeType.BONUS}


def test_complete_offers_what_the_owner_has_next() -> None:
    item = messages("en", next_step=("https://ada.example/more", "More & more"))[TurnKind.COMPLETE]
    link = '<a href="https://ada.example/more">More &amp; more</a>'
    assert f"<p>What comes next: {link}.</p>" in item.description
    assert "What comes next" not in messages("en")[TurnKind.COMPLETE].description


def test_message_never_has_the_title_of_a_lesson() -> None:
    taken = ["welkom", "Welkom ·", "De cursus is compleet"]
    titles = {kind: item.title for kind, item in messages(taken_titles=taken).items()}
    assert titles[TurnKind.WELCOME] == "Welkom · ·"
    assert titles[TurnKind.COMPLETE] == "De cursus is compleet ·"
    assert titles[TurnKind.PAUSED] == title_of(TurnKind.PAUSED, "nl")


def test_regional_language_reads_its_main_language_and_an_unknown_one_english() -> None:
    assert title_of(TurnKind.ADDRESS_CHANGED, "nl-BE") == "Je adres is veranderd"
    assert title_of(TurnKind.ADDRESS_CHANGED, "fy") == "Your address has changed"


def test_message_is_dated_at_its_turn() -> None:
    assert an_item(TurnKind.PAUSED).pub_at == START


def test_each_turn_has_a_guid_of_its_own() -> None:
    turns = [Message(kind=kind, pub_at=START) for kind in TurnKind]
    turns.append(Message(kind=TurnKind.PAUSED, pub_at=START, number=2))
    guids = {guid_of(turn, FEED) for turn in turns} | {guid_of(turns[0], UUID(int=2))}
    assert len(guids) == len(turns) + 1


def test_guid_of_a_turn_depends_on_nothing_that_may_change() -> None:
    one = Message(kind=TurnKind.WELCOME, pub_at=START, note="x")
    other = Message(kind=TurnKind.WELCOME, pub_at=START + timedelta(days=1), note="y")
    assert guid_of(one, FEED) == guid_of(other, FEED)


def test_whatever_an_item_shows_is_in_its_key() -> None:
    turns = [
        Message(kind=TurnKind.WELCOME, pub_at=START),
        Message(kind=TurnKind.PAUSED, pub_at=START),
        Message(kind=TurnKind.WELCOME, pub_at=START + timedelta(seconds=1)),
        Message(kind=TurnKind.WELCOME, pub_at=START, number=2),
        Message(kind=TurnKind.WELCOME, pub_at=START, note="x"),
    ]
    assert len({turn.key for turn in turns}) == len(turns)


def test_what_is_put_into_a_message_is_escaped() -> None:
    item = an_item(TurnKind.WELCOME, note=waiting_note("nl", "<script>"))
    assert "&lt;script&gt;" in item.description


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
