"""Which addresses are asked, and what of them is shown."""

import pytest

from app.doctor.addresses import check_address, is_signed, mask, may_follow


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://a.example/f/" + "x" * 40 + ".xml", "https://a.example/f/xxxx….xml"),
        ("https://a.example/feed.xml", "https://a.example/feed.xml"),
        ("https://a.example/feed?token=short", "https://a.example/feed?token=…"),
        ("https://ada:secret@a.example/feed", "https://a.example/feed"),
        ("https://[broken/feed", "(no address)"),
    ],
)
def test_what_may_be_a_secret_is_cut_short(address: str, shown: str) -> None:
    assert mask(address) == shown


def test_only_the_web_is_asked_and_followed() -> None:
    assert check_address(" https://a.example/feed.xml ") == "https://a.example/feed.xml"
    assert may_follow("http://a.example/")
    for address in ("file:///etc/passwd", "gopher://a.example/", "/feed.xml", "https://[broken/"):
        assert not may_follow(address)


@pytest.mark.parametrize(
    "query", ["X-Amz-Signature=a", "a=b&Expires=1", "sig=a", "Key-Pair-Id=a", "x-goog-expires=1"]
)
def test_signatures_of_the_great_stores_are_known(query: str) -> None:
    assert is_signed(f"https://a.example/1.mp3?{query}")
    assert not is_signed("https://a.example/sig/1.mp3?n=1")
