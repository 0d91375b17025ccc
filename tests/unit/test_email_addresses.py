import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.email_addresses import MAX_CHARS, AddressInvalid, parse_address


def test_address_is_kept_as_typed() -> None:
    assert parse_address(" Kim.Lee+Cursus@Example.ORG ").email == "Kim.Lee+Cursus@Example.ORG"


def test_key_ignores_case_but_not_plus_and_dots() -> None:
    assert parse_address("Kim.Lee+a@Example.org").key == "kim.lee+a@example.org"


def test_domain_in_letters_and_in_punycode_have_the_same_key() -> None:
    assert parse_address("kim@bücher.example").key == parse_address("kim@xn--bcher-kva.example").key


def test_composed_and_decomposed_letters_have_the_same_key() -> None:
    assert parse_address("zoë@example.org").key == parse_address("zoe\u0308@example.org").key


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "kim",
        "kim@",
        "@example.org",
        "kim@example",
        "kim@example..org",
        "kim lee@example.org",
        "kim@example.org, ben@example.org",
        "kim@example.org;ben@example.org",
        "Kim <kim@example.org>",
        "kim@example.org\r\nBcc: ben@example.org",
        "kim@example.org\nSubject: hello",
        "kim\x00@example.org",
        "kim\u202e@example.org",
        '"kim\r\n"@example.org',
        "kim@[127.0.0.1]",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(AddressInvalid):
        parse_address(typed)


def test_three_hundred_characters_are_refused() -> None:
    with pytest.raises(AddressInvalid):
        parse_address("k" * 288 + "@example.org")


def test_longest_address_fits_our_columns() -> None:
    domain = ".".join(["d" * 60] * 3) + ".org"
    address = parse_address(f"{'k' * 60}@{domain}")
    assert len(address.email) <= MAX_CHARS
    assert len(address.key) <= 255


@given(st.text())
def test_no_text_makes_an_address_that_breaks_a_header(typed: str) -> None:
    try:
        found = parse_address(typed)
    except AddressInvalid:
        return
    assert found.email.isprintable()
    assert len(found.key) <= 255
