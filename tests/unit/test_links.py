from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import LinkExpired, LinkInvalid
from app.services.links import LIFETIMES, Links, Purpose

NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
LINKS = Links(keys=("a" * 40,))


def test_link_opens_what_it_was_signed_for() -> None:
    token = LINKS.sign(Purpose.CONFIRM, 17, now=NOW)
    assert LINKS.open(Purpose.CONFIRM, token, now=NOW).row_id == 17


@pytest.mark.parametrize("signed_for", list(Purpose))
@pytest.mark.parametrize("tried_for", list(Purpose))
def test_link_opens_for_its_own_purpose_alone(signed_for: Purpose, tried_for: Purpose) -> None:
    token = LINKS.sign(signed_for, 17, now=NOW)
    if signed_for is tried_for:
        assert LINKS.open(tried_for, token, now=NOW).row_id == 17
        return
    with pytest.raises(LinkInvalid) as raised:
        LINKS.open(tried_for, token, now=NOW)
    assert type(raised.value) is LinkInvalid


@pytest.mark.parametrize(
    ("purpose", "lifetime"),
    [
        (Purpose.CONFIRM, timedelta(days=7)),
        (Purpose.SIGN_IN, timedelta(minutes=30)),
        (Purpose.MANAGE, timedelta(days=30)),
    ],
)
def test_link_ends_on_the_second(purpose: Purpose, lifetime: timedelta) -> None:
    token = LINKS.sign(purpose, 17, now=NOW)
    LINKS.open(purpose, token, now=NOW + lifetime - timedelta(seconds=1))
    with pytest.raises(LinkExpired):
        LINKS.open(purpose, token, now=NOW + lifetime)


def test_unsubscribing_works_for_ever() -> None:
    token = LINKS.sign(Purpose.UNSUBSCRIBE, 17, now=NOW)
    opened = LINKS.open(Purpose.UNSUBSCRIBE, token, now=NOW + timedelta(days=3650))
    assert opened.row_id == 17


def test_every_purpose_has_a_lifetime() -> None:
    assert set(LIFETIMES) == set(Purpose)


def test_new_key_signs_and_old_key_still_verifies() -> None:
    old = LINKS.sign(Purpose.CONFIRM, 17, now=NOW)
    rotated = Links(keys=("b" * 40, "a" * 40))
    rotated.open(Purpose.CONFIRM, old, now=NOW)
    with pytest.raises(LinkInvalid):
        LINKS.open(Purpose.CONFIRM, rotated.sign(Purpose.CONFIRM, 17, now=NOW), now=NOW)


@given(st.text(max_size=400))
def test_forged_link_is_refused(token: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.open(Purpose.CONFIRM, token, now=NOW)


@given(st.data())
def test_link_with_one_letter_changed_is_refused(data: st.DataObject) -> None:
    token = LINKS.sign(Purpose.CONFIRM, 17, now=NOW)
    # The last letter carries bits that base64 does not use.
    place = data.draw(st.integers(0, len(token) - 2))
    letter = data.draw(st.sampled_from("abcXYZ019-_.").filter(lambda one: one != token[place]))
    with pytest.raises(LinkInvalid):
        LINKS.open(Purpose.CONFIRM, token[:place] + letter + token[place + 1 :], now=NOW)
