from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kinds import SignalKind
from app.services.leak_rules import MOST, SUSPICIOUS, Sign, score, weight_of

DAY = date(2026, 6, 1)


def a_sign(kind: SignalKind, amount: int, *, later: int = 0) -> Sign:
    return Sign(kind=kind, seen_on=DAY + timedelta(days=later), amount=amount)


@given(
    st.lists(
        st.tuples(st.integers(min_value=1, max_value=6), st.integers(min_value=1, max_value=16)),
        min_size=1,
        max_size=14,
    )
)
def test_phone_watch_car_computer_and_more_on_a_day_out_are_never_suspicious(
    days: list[tuple[int, int]],
) -> None:
    signs = [
        sign
        for later, (apps, networks) in enumerate(days)
        for sign in (
            a_sign(SignalKind.APPS, apps, later=later),
            a_sign(SignalKind.NETWORKS, networks, later=later),
        )
    ]

    assert score(signs) == 0


def test_one_reader_that_fetches_for_itself_alone_says_nothing() -> None:
    assert weight_of(SignalKind.SUBSCRIBERS, 1) == 0


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        (SignalKind.SUBSCRIBERS, 2),
        (SignalKind.DIRECTORY, 1),
        (SignalKind.APPS, 12),
        (SignalKind.NETWORKS, 31),
    ],
)
def test_what_hardly_fits_one_person_is_enough_by_itself(kind: SignalKind, amount: int) -> None:
    assert score([a_sign(kind, amount)]) >= SUSPICIOUS


def test_two_weak_signs_together_are_enough() -> None:
    weak = [a_sign(SignalKind.APPS, 9), a_sign(SignalKind.NETWORKS, 24)]

    assert max(score([each]) for each in weak) < SUSPICIOUS <= score(weak)


def test_the_same_sign_on_many_days_weighs_as_much_as_on_its_worst() -> None:
    many = [a_sign(SignalKind.APPS, 8, later=later) for later in range(10)]

    assert score(many) == score(many[:1]) == 20


@given(
    st.lists(
        st.builds(a_sign, st.sampled_from(SignalKind), st.integers(min_value=1, max_value=10_000))
    )
)
def test_a_score_is_within_its_bounds_and_grows_with_every_sign(signs: list[Sign]) -> None:
    assert 0 <= score(signs[:-1]) <= score(signs) <= MOST
