"""Addresses in the store are signed once for many, and never handed out when they are old."""

from datetime import UTC, datetime, timedelta

from app.web.delivery.signed import MOST_KEPT, SignedAddresses
from media.keys import ObjectKey

NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
KEY = ObjectKey("1/" + "ab" * 16 + ".mp3")
TWELVE_HOURS = timedelta(hours=12)


class Signatures:
    """Signs by counting."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, key: ObjectKey, content_type: str) -> str | None:
        self.count += 1
        return f"{key} {content_type} {self.count}"


def test_all_who_ask_within_a_moment_get_the_same_address() -> None:
    sign = Signatures()
    signed = SignedAddresses(sign, TWELVE_HOURS)
    got = {signed.get(KEY, "audio/mpeg", now=NOW + timedelta(seconds=n)) for n in range(60)}
    assert got == {f"{KEY} audio/mpeg 1"}


def test_an_address_that_lived_a_hundredth_of_its_life_is_signed_anew() -> None:
    signed = SignedAddresses(Signatures(), timedelta(seconds=100))
    signed.get(KEY, "audio/mpeg", now=NOW)
    just_before = signed.get(KEY, "audio/mpeg", now=NOW + timedelta(milliseconds=999))
    then = signed.get(KEY, "audio/mpeg", now=NOW + timedelta(seconds=1))
    assert (just_before, then) == (f"{KEY} audio/mpeg 1", f"{KEY} audio/mpeg 2")


def test_each_recording_has_an_address_of_its_own() -> None:
    signed = SignedAddresses(Signatures(), TWELVE_HOURS)
    other = ObjectKey("1/" + "cd" * 16 + ".m4a")
    assert signed.get(KEY, "audio/mpeg", now=NOW) == f"{KEY} audio/mpeg 1"
    assert signed.get(other, "audio/mp4", now=NOW) == f"{other} audio/mp4 2"


def test_what_is_remembered_has_an_end() -> None:
    sign = Signatures()
    signed = SignedAddresses(sign, TWELVE_HOURS)
    for number in range(MOST_KEPT + 1):
        signed.get(ObjectKey(f"1/{number:032x}.mp3"), "audio/mpeg", now=NOW)
    signed.get(ObjectKey(f"1/{0:032x}.mp3"), "audio/mpeg", now=NOW)
    assert sign.count == MOST_KEPT + 2


def test_that_the_store_cannot_be_reached_is_remembered_too() -> None:
    asked: list[ObjectKey] = []
    signed = SignedAddresses(lambda key, _type: asked.append(key), TWELVE_HOURS)
    assert [signed.get(KEY, "audio/mpeg", now=NOW) for _ in range(3)] == [None] * 3
    assert asked == [KEY]
