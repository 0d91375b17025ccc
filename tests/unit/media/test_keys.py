"""Keys and names that can do no harm anywhere."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.errors import InvalidKey
from media.keys import is_object_key, make_download_name, new_object_key, parse_object_key


def test_new_key_is_course_and_128_random_bits() -> None:
    assert re.fullmatch(r"12/[0-9a-f]{32}\.mp3", new_object_key(12, "mp3"))


def test_new_keys_differ() -> None:
    assert len({new_object_key("a", "mp3") for _ in range(1000)}) == 1000


@pytest.mark.parametrize("course_id", ["", "..", "a/b", "A", ".cadans", "é", "a b", "-"])
def test_course_that_cannot_stand_in_a_key_is_refused(course_id: str) -> None:
    with pytest.raises(InvalidKey):
        new_object_key(course_id, "mp3")


@pytest.mark.parametrize("extension", ["", "MP3", ".mp3", "m/p", "tar.gz", "averylongone", "mp3\n"])
def test_extension_that_cannot_stand_in_a_key_is_refused(extension: str) -> None:
    with pytest.raises(InvalidKey):
        new_object_key("12", extension)


def test_key_is_parsed_to_itself() -> None:
    key = new_object_key("12", "m4a")
    assert parse_object_key(key) == key


def test_longest_key_is_200_characters() -> None:
    assert is_object_key("a/" + "b" * 198)
    assert not is_object_key("a/" + "b" * 199)


@given(st.text(max_size=30))
def test_no_key_leaves_its_folder(text: str) -> None:
    if is_object_key(text):
        assert text.count("/") == 1
        assert ".." not in text
        assert not re.search(r"(^|/)\.", text)
        assert text == text.lower()
        assert text.isascii()


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Les 1: Waarom een community?", "Les-1-Waarom-een-community.mp3"),
        ("Één café, naïef", "Een-cafe-naief.mp3"),
        ("Straße & Łódź", "Strasse-Lodz.mp3"),
        ("Smørrebrød på Æbeltoft", "Smorrebrod-pa-AEbeltoft.mp3"),
        (
            "İstanbul \N{LATIN SMALL LETTER DOTLESS I}ş\N{LATIN SMALL LETTER DOTLESS I}k",
            "Istanbul-isik.mp3",
        ),
        ("日本語", "lesson.mp3"),
        ("Урок 1", "1.mp3"),
        ("العربية", "lesson.mp3"),
        ("", "lesson.mp3"),
        ("...", "lesson.mp3"),
        ("../../etc/passwd", "etc-passwd.mp3"),
        ('a"; filename="evil.exe', "a-filename-evil-exe.mp3"),
        ("a\r\nSet-Cookie: x", "a-Set-Cookie-x.mp3"),
        ("CON", "lesson-CON.mp3"),
        ("com1", "lesson-com1.mp3"),
        ("x" * 300, "x" * 80 + ".mp3"),
        ("fine ½", "fine-12.mp3"),
    ],
)
def test_download_name_is_plain(title: str, expected: str) -> None:
    assert make_download_name(title, "mp3") == expected


def test_fallback_names_what_has_no_latin_letters() -> None:
    assert make_download_name("第三課", "mp3", fallback="lesson-3") == "lesson-3.mp3"


@given(st.text())
def test_download_name_is_plain_for_every_title(title: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}\.mp3", make_download_name(title, "mp3"))
