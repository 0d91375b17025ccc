import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.titles import natural_key, title_from_name


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("01 - Waarom een community.mp3", "Waarom een community"),
        ("2_twee.mp3", "Twee"),
        ("3. Drie.m4a", "Drie"),
        ("10 redenen.mp3", "Redenen"),
        ("01.mp3", "01"),
        ("les-1.mp3", "Les 1"),
        ("les 1 - het begin.mp3", "Les 1 - het begin"),
        ("één_twee.mp3", "Één twee"),
        ("2026-06-01 opname.mp3", "2026-06-01 opname"),
        ("a", "A"),
        (".mp3", ".mp3"),
    ],
)
def test_a_title_is_made_of_a_name(name: str, title: str) -> None:
    assert title_from_name(name) == title


@given(st.text(min_size=1).filter(str.strip))
def test_a_title_is_never_empty(name: str) -> None:
    assert title_from_name(name)


def test_names_come_in_the_order_in_which_people_count() -> None:
    names = ["les 10.mp3", "Les 2.mp3", "les 1.mp3", "Élan.mp3", "intro.mp3", "zz.mp3"]

    ordered = ["Élan.mp3", "intro.mp3", "les 1.mp3", "Les 2.mp3", "les 10.mp3", "zz.mp3"]
    assert sorted(names, key=natural_key) == ordered


@given(st.lists(st.text()))
def test_any_names_can_be_ordered_and_no_two_tie(names: list[str]) -> None:
    keys = [natural_key(name) for name in set(names)]

    assert len(set(keys)) == len(keys)
    sorted(keys)
