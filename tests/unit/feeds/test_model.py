from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from feeds.categories import CATEGORIES, COURSES, Category, category_names, parse_category
from feeds.errors import ImpossibleValue
from feeds.limits import MAX_CONTENT_BYTES, MAX_DESCRIPTION_BYTES, MAX_VALUE_CHARACTERS
from feeds.model import Enclosure, Funding, Owner, Person, Transcript, UpdateFrequency
from tests.unit.feeds.builders import START, a_feed, an_item


def test_title_of_255_characters_is_fine_and_one_more_is_not() -> None:
    an_item(title="é" * MAX_VALUE_CHARACTERS)
    with pytest.raises(ImpossibleValue, match=r"Item\.title is longer than 255 characters"):
        an_item(title="é" * (MAX_VALUE_CHARACTERS + 1))


def test_description_of_4000_bytes_is_fine_and_one_more_is_not() -> None:
    for build in (an_item, a_feed):
        build(description="é" * (MAX_DESCRIPTION_BYTES // 2))
        with pytest.raises(ImpossibleValue, match="description is longer than 4000 bytes"):
            build(description="é" * (MAX_DESCRIPTION_BYTES // 2) + "x")


def test_content_has_a_limit_of_its_own() -> None:
    an_item(content="x" * MAX_CONTENT_BYTES)
    with pytest.raises(ImpossibleValue):
        an_item(content="x" * (MAX_CONTENT_BYTES + 1))


@pytest.mark.parametrize("empty", ["", "  \n", "\x00\x01"])
def test_texts_that_are_empty_once_cleaned_are_refused(empty: str) -> None:
    for field in ("title", "description", "author"):
        with pytest.raises(ImpossibleValue, match=f"{field} is empty"):
            a_feed(**{field: empty})
    for field in ("title", "description", "guid"):
        with pytest.raises(ImpossibleValue, match=f"{field} is empty"):
            an_item(**{field: empty})


@pytest.mark.parametrize(
    "address",
    [
        "/f/x.xml",
        "cadans.example/f/x.xml",
        "ftp://cadans.example/x",
        "https://",
        "https://cadans.example/a b.png",
        "https://cadans.example/é.png",
        'https://cadans.example/".png',
        "https://cadans.example/x.png\n",
        "javascript://cadans.example/x",
        "https://cadans.example/" + "x" * 255 + ".png",
    ],
)
def test_addresses_are_complete_and_ascii(address: str) -> None:
    for field in ("self_url", "link", "image_url"):
        with pytest.raises(ImpossibleValue):
            a_feed(**{field: address})
    for field in ("link", "image_url", "chapters_url"):
        with pytest.raises(ImpossibleValue):
            an_item(**{field: address})
    with pytest.raises(ImpossibleValue):
        Enclosure(url=address, length=1, type="audio/mpeg")


@pytest.mark.parametrize("address", ["https://x.example/c.gif", "https://x.example/cover"])
def test_covers_end_as_apple_wants_them(address: str) -> None:
    with pytest.raises(ImpossibleValue, match="image_url does not end in"):
        a_feed(image_url=address)
    with pytest.raises(ImpossibleValue, match="image_url does not end in"):
        an_item(image_url=address)


def test_loopback_over_http_is_a_good_address() -> None:
    address = "http://127.0.0.1:8000/f/x.xml"
    assert a_feed(self_url=address, link="http://localhost:8000/c").self_url == address


def test_notes_have_only_tags_that_apps_show() -> None:
    an_item(description="<p>a <b>b</b> <i>c</i> <em>d</em><ul><li>e</li></ul></p>")
    for tag in ("h1", "div", "script", "img", "span", "br"):
        with pytest.raises(ImpossibleValue, match=f"<{tag}>"):
            an_item(description=f"<p>x</p><{tag}>")


def test_enclosure_has_a_size_and_a_media_type() -> None:
    with pytest.raises(ImpossibleValue):
        Enclosure(url="https://x.example/a.mp3", length=0, type="audio/mpeg")
    with pytest.raises(ImpossibleValue):
        Enclosure(url="https://x.example/a.mp3", length=1, type="mp3")


@pytest.mark.parametrize(
    ("field", "number"), [("duration_seconds", -1), ("episode", 0), ("season", 0)]
)
def test_numbers_below_their_least_are_refused(field: str, number: int) -> None:
    with pytest.raises(ImpossibleValue):
        an_item(**{field: number})


@pytest.mark.parametrize("language", ["", "Dutch", "n", "nl_NL", "nl-"])
def test_language_is_a_language_tag(language: str) -> None:
    with pytest.raises(ImpossibleValue):
        a_feed(language=language)


def test_language_may_name_a_region() -> None:
    assert a_feed(language="nl-BE").language == "nl-BE"


def test_instants_know_their_zone() -> None:
    naive = datetime(2026, 11, 23, 9, 0)
    with pytest.raises(ImpossibleValue):
        an_item(pub_at=naive)
    with pytest.raises(ImpossibleValue):
        a_feed(last_build_at=naive)


def test_items_come_newest_first() -> None:
    with pytest.raises(ImpossibleValue, match="not newest first"):
        a_feed(items=(an_item(1), an_item(2)))


def test_items_never_share_a_guid() -> None:
    twin = replace(an_item(1), title="Another", pub_at=START)
    with pytest.raises(ImpossibleValue, match="share a guid"):
        a_feed(items=(an_item(1), twin))


def test_items_never_share_a_title() -> None:
    twin = replace(an_item(2), title=an_item(1).title.upper(), pub_at=START - timedelta(days=1))
    with pytest.raises(ImpossibleValue, match="share a title"):
        a_feed(items=(an_item(1), twin))


def test_private_feed_has_no_owner_to_write_to() -> None:
    owner = Owner(name="Noor", email="noor@example.org")
    a_feed(is_private=False, owner=owner)
    with pytest.raises(ImpossibleValue, match="no place in a private feed"):
        a_feed(owner=owner)


def test_private_feed_is_never_sent_elsewhere() -> None:
    a_feed(is_private=False, new_feed_url="https://elsewhere.example/feed.xml")
    with pytest.raises(ImpossibleValue, match="no place in a private feed"):
        a_feed(new_feed_url="https://elsewhere.example/feed.xml")


def test_small_texts_of_the_podcast_namespace_stay_small() -> None:
    long = "x" * 129
    with pytest.raises(ImpossibleValue):
        Funding(url="https://x.example/", text=long)
    with pytest.raises(ImpossibleValue):
        Person(name=long)
    with pytest.raises(ImpossibleValue):
        UpdateFrequency(text=long)


def test_transcript_names_a_media_type_and_a_language() -> None:
    with pytest.raises(ImpossibleValue):
        Transcript(url="https://x.example/t.vtt", type="vtt")
    with pytest.raises(ImpossibleValue):
        Transcript(url="https://x.example/t.vtt", language="Nederlands")


def test_category_is_read_as_people_see_it() -> None:
    assert parse_category("Education > Courses") == COURSES
    assert parse_category("Technology") == Category(name="Technology")
    assert str(COURSES) == "Education > Courses"


@pytest.mark.parametrize("text", ["", "education", "Education > courses", "Arts > Courses", "x"])
def test_category_that_directories_do_not_know_is_refused(text: str) -> None:
    with pytest.raises(ImpossibleValue):
        parse_category(text)


def test_every_category_name_can_be_read_back() -> None:
    names = category_names()
    assert len(names) == len(CATEGORIES) + sum(map(len, CATEGORIES.values()))
    assert [str(parse_category(name)) for name in names] == list(names)
