import string
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.errors import InvalidToken, MissingFeedKey, UnusableFeedKeys
from feeds.tokens import (
    FeedKeys,
    FeedToken,
    VerifiedToken,
    build_token,
    mint_random_id,
    verify_token,
)
from tests.unit.feeds.builders import KEYS

random_ids = st.binary(min_size=16, max_size=16)
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def a_token() -> FeedToken:
    return build_token(KEYS, KEYS.current, bytes(range(16)))


@given(random_id=random_ids, key_number=st.sampled_from(sorted(KEYS.secrets)))
def test_token_gives_back_what_it_was_made_of(random_id: bytes, key_number: int) -> None:
    token = build_token(KEYS, key_number, random_id)
    assert verify_token(KEYS, token) == VerifiedToken(key_number=key_number, random_id=random_id)


@given(random_id=random_ids)
def test_token_is_forty_lower_case_letters_and_digits(random_id: bytes) -> None:
    token = build_token(KEYS, KEYS.current, random_id)
    assert len(token) == 40
    assert set(token) <= set(string.ascii_lowercase + string.digits)


@given(random_id=random_ids, place=st.integers(0, 39), letter=st.sampled_from(ALPHABET))
def test_token_with_one_other_letter_is_refused(random_id: bytes, place: int, letter: str) -> None:
    token = build_token(KEYS, KEYS.current, random_id)
    forged = token[:place] + letter + token[place + 1 :]
    if forged != token:
        with pytest.raises(InvalidToken):
            verify_token(KEYS, forged)


def test_token_with_any_single_bit_turned_is_refused() -> None:
    number = int(
        a_token().translate(str.maketrans(ALPHABET, string.digits + "abcdefghijklmnopqrstuv")), 32
    )
    for bit in range(200):
        turned = number ^ (1 << bit)
        forged = "".join(ALPHABET[turned >> shift & 31] for shift in range(195, -1, -5))
        with pytest.raises(InvalidToken):
            verify_token(KEYS, forged)


@pytest.mark.parametrize(
    "spoil",
    [
        str.upper,
        str.title,
        lambda token: token[:-1],
        lambda token: token + "a",
        lambda token: token + "=",
        lambda token: token + "\n",
        lambda token: " " + token[1:],
        lambda token: token[:20] + "_" + token[21:],
        lambda token: "+" + token[1:],
        lambda token: token[:-1] + "0",
        lambda token: token[:-1] + "\N{FULLWIDTH LATIN SMALL LETTER A}",
        lambda token: token[:-1] + "\N{ARABIC-INDIC DIGIT TWO}",
        lambda _: "",
        lambda _: "\0" * 40,
    ],
)
def test_token_has_one_spelling_only(spoil: Callable[[str], str]) -> None:
    with pytest.raises(InvalidToken):
        verify_token(KEYS, spoil(a_token()))


@given(text=st.text(max_size=50))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidToken):
        verify_token(KEYS, text)


def test_refusal_tells_nothing_about_the_token() -> None:
    messages = set()
    for text in (a_token()[:-1], a_token()[:-1] + "a", "x", "b" * 40):
        with pytest.raises(InvalidToken) as refusal:
            verify_token(KEYS, text)
        messages.add(str(refusal.value))
    assert messages == {"not a feed token of this house"}


def test_token_of_another_house_is_refused() -> None:
    elsewhere = FeedKeys(secrets={7: b"e" * 32}, current=7)
    with pytest.raises(InvalidToken):
        verify_token(KEYS, build_token(elsewhere, 7, bytes(16)))


def test_token_survives_the_arrival_of_a_new_key() -> None:
    older = FeedKeys(secrets={7: b"n" * 32}, current=7)
    newer = FeedKeys(secrets={7: b"n" * 32, 8: b"z" * 32}, current=8)
    token = build_token(older, 7, bytes(16))
    assert verify_token(newer, token).key_number == 7


def test_token_of_a_key_that_is_gone_cannot_be_rebuilt() -> None:
    with pytest.raises(MissingFeedKey, match="key number 9 is missing"):
        build_token(KEYS, 9, bytes(16))


def test_random_id_of_another_length_makes_no_token() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        build_token(KEYS, 7, bytes(15))


def test_minted_random_ids_differ() -> None:
    assert len({mint_random_id() for _ in range(100)}) == 100
    assert len(mint_random_id()) == 16


@pytest.mark.parametrize(
    ("keys", "current"),
    [
        ({}, 0),
        ({1: b"s" * 32}, 2),
        ({1: b"s" * 31}, 1),
        ({256: b"s" * 32}, 256),
        ({-1: b"s" * 32}, -1),
    ],
)
def test_unusable_keys_are_refused_at_once(keys: dict[int, bytes], current: int) -> None:
    with pytest.raises(UnusableFeedKeys):
        FeedKeys(secrets=keys, current=current)


def test_keys_never_show_their_secrets() -> None:
    assert "kkk" not in repr(KEYS)
