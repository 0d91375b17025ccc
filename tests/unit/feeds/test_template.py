"""A compiled course gives, byte for byte, what feedgen gives for that one subscription."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import MissingLesson, MissingMessage
from feeds.limits import TOKEN_LENGTH
from feeds.messages import GUID_PLACEHOLDER, NOTE_PLACEHOLDER, Message, TurnKind
from feeds.model import Enclosure, Item, Transcript
from feeds.rss import render_feed
from feeds.template import (
    TOKEN_PLACEHOLDER,
    CourseTemplate,
    Filling,
    compile_course,
    rfc2822,
)
from feeds.tokens import build_token
from tests.unit.feeds.builders import BASE, KEYS, START, WEEK, a_feed, a_template, an_item, messages

INSTANTS = st.datetimes(
    datetime(1971, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
TEXTS = st.text(min_size=1, max_size=30).map("x{}".format)
TOKENS = st.binary(min_size=16, max_size=16).map(lambda raw: build_token(KEYS, 7, raw))


def items(number: int) -> st.SearchStrategy[Item]:
    address = f"{BASE}/a/{TOKEN_PLACEHOLDER}/l{number}-1"
    return st.builds(
        Item,
        guid=st.just(str(UUID(int=number))),
        title=TEXTS.map(lambda text: f"{number} {text}"),
        description=TEXTS.map(lambda text: f"x{text.replace('<', '')}"),
        content=st.none() | TEXTS,
        pub_at=st.just(START),
        link=st.none() | st.just(f"{BASE}/my/"),
        enclosure=st.just(Enclosure(url=f"{address}.mp3", length=number, type="audio/mpeg")),
        duration_seconds=st.none() | st.integers(0, 9999),
        transcripts=st.just(()) | st.just((Transcript(url=f"{address}.vtt"),)),
        chapters_url=st.none() | st.just(f"{address}.json"),
    )


@st.composite
def templates(draw: st.DrawFn) -> CourseTemplate:
    channel = a_feed(
        items=(),
        title=draw(TEXTS),
        description=draw(TEXTS),
        author=draw(TEXTS),
        language=draw(st.sampled_from(["nl", "en-GB"])),
        is_explicit=draw(st.booleans()),
    )
    count = draw(st.integers(0, 5))
    return CourseTemplate(
        channel=channel,
        lessons={n: draw(items(n)) for n in range(1, count + 1)},
        messages=messages(channel.language),
    )


@st.composite
def fillings(draw: st.DrawFn, template: CourseTemplate) -> Filling:
    had = draw(st.lists(st.sampled_from(sorted(template.lessons) or [0]), unique=True))
    instants = draw(st.lists(INSTANTS, min_size=len(had), max_size=len(had), unique=True))
    return Filling(
        token=draw(TOKENS),
        podcast_guid=draw(st.uuids()),
        last_build_at=draw(INSTANTS),
        lessons=tuple(zip(had, sorted(instants), strict=True)) if template.lessons else (),
        messages=draw(st.lists(a_turn(), max_size=3, unique_by=lambda each: each.kind).map(tuple)),
        is_complete=draw(st.booleans()),
    )


def a_turn() -> st.SearchStrategy[Message]:
    return st.builds(
        Message,
        kind=st.sampled_from(TurnKind),
        pub_at=INSTANTS,
        number=st.integers(1, 999_999),
        note=st.text(max_size=30),
    )


def a_message(happened_at: datetime = START) -> Message:
    return Message(kind=TurnKind.ADDRESS_CHANGED, pub_at=happened_at)


def a_filling(lessons: int = 2, random_id: bytes = bytes(16)) -> Filling:
    return Filling(
        token=build_token(KEYS, 7, random_id),
        podcast_guid=UUID(bytes=random_id),
        last_build_at=START + lessons * WEEK,
        lessons=tuple((n, START + n * WEEK) for n in range(1, lessons + 1)),
    )


@given(data=st.data())
def test_filling_in_gives_what_feedgen_gives_byte_for_byte(data: st.DataObject) -> None:
    template = data.draw(templates())
    filling = data.draw(fillings(template))
    assert compile_course(template).fill(filling) == render_feed(template.feed_for(filling))


@given(instant=INSTANTS)
def test_dates_are_written_as_feedgen_writes_them(instant: datetime) -> None:
    feed = render_feed(a_feed(last_build_at=instant))
    assert b"<lastBuildDate>" + rfc2822(instant) + b"</lastBuildDate>" in feed


def test_locked_lesson_is_absent_from_feed() -> None:
    document = compile_course(a_template(4)).fill(a_filling(lessons=2))
    assert b"Lesson about subject 2" in document
    assert b"subject 3" not in document
    assert b"lesson03" not in document


def test_feeds_of_two_listeners_share_no_byte_of_token() -> None:
    course = compile_course(a_template())
    alice, bob = a_filling(random_id=b"a" * 16), a_filling(random_id=b"b" * 16)
    for mine, other in ((alice, bob), (bob, alice)):
        document = course.fill(mine).decode()
        assert str(mine.token) in document
        assert str(other.token) not in document
        assert str(other.podcast_guid) not in document


def test_no_placeholder_is_left_behind() -> None:
    filling = a_filling(lessons=4)
    document = compile_course(a_template(4)).fill(filling).decode()
    assert TOKEN_PLACEHOLDER not in document
    assert document.count(str(filling.token)) == 1 + 4 * 3


def test_compiled_course_is_not_changed_by_being_filled_in() -> None:
    course = compile_course(a_template())
    first = course.fill(a_filling())
    course.fill(replace(a_filling(lessons=4), is_complete=True, messages=(a_message(),)))
    assert course.fill(a_filling()) == first


def test_order_of_the_given_lessons_does_not_matter() -> None:
    course = compile_course(a_template())
    filling = a_filling(lessons=4)
    assert course.fill(replace(filling, lessons=filling.lessons[::-1])) == course.fill(filling)


def test_feed_with_only_a_message_needs_no_lesson() -> None:
    document = compile_course(a_template()).fill(
        replace(a_filling(), lessons=(), messages=(a_message(),))
    )
    assert document.count(b"<item>") == 1
    assert b"Je adres is veranderd" in document


def test_message_carries_the_token_in_the_address_of_its_audio() -> None:
    filling = replace(a_filling(), lessons=(), messages=(a_message(),))
    document = compile_course(a_template()).fill(filling).decode()
    assert f'<enclosure url="{BASE}/a/{filling.token}/addre0nl-1.mp3"' in document
    for placeholder in (TOKEN_PLACEHOLDER, GUID_PLACEHOLDER, NOTE_PLACEHOLDER):
        assert placeholder not in document


def test_course_without_messages_says_none() -> None:
    template = replace(a_template(), messages={})
    filling = replace(a_filling(), messages=(a_message(),))
    with pytest.raises(MissingMessage, match="address-changed"):
        compile_course(template).fill(filling)
    with pytest.raises(MissingMessage, match="address-changed"):
        template.feed_for(filling)


def test_welcome_stands_below_a_lesson_that_came_later() -> None:
    welcome = Message(kind=TurnKind.WELCOME, pub_at=START, note="maandag")
    filling = replace(a_filling(lessons=1), messages=(welcome,))
    document = compile_course(a_template()).fill(filling)
    assert document.index(b"subject 1") < document.index(b"Welkom")


def test_unlocked_lesson_that_the_template_lacks_is_an_error_not_a_gap() -> None:
    template = a_template(1)
    with pytest.raises(MissingLesson, match="lesson 2"):
        compile_course(template).fill(a_filling(lessons=2))
    with pytest.raises(MissingLesson, match="lesson 2"):
        template.feed_for(a_filling(lessons=2))


def test_public_course_is_filled_in_without_a_token() -> None:
    item = an_item(
        enclosure=Enclosure(url=f"{BASE}/p/x/l1-1.mp3", length=1, type="audio/mpeg"),
        transcripts=(),
        chapters_url=None,
    )
    channel = a_feed(items=(), is_private=False, self_url=f"{BASE}/p/x.xml")
    template = CourseTemplate(channel=channel, lessons={1: item})
    filling = replace(a_filling(lessons=1), token=None)
    assert compile_course(template).fill(filling) == render_feed(template.feed_for(filling))


def test_placeholder_is_as_long_as_a_token() -> None:
    assert len(TOKEN_PLACEHOLDER) == TOKEN_LENGTH
