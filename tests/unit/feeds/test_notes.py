from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.notes import fit_notes, fit_text
from feeds.text import NOTES_TAGS
from tests.unit.feeds.builders import an_item

HTML = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<b>",
                "</b>",
                "<h2>",
                "</h2>",
                "<script>",
                "</script>",
                "<br>",
                "&amp;",
            ]
        ),
        st.just('<a href="https://x.example/?a=1&amp;b=2">'),
        st.just("</a>"),
    ),
    max_size=40,
).map("".join)


class Balance(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in NOTES_TAGS
        assert {name for name, _ in attrs} <= {"href"}
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def checked(html: str) -> str:
    balance = Balance()
    balance.feed(html)
    balance.close()
    assert balance.open == []
    return balance.text


def test_allowed_notes_stay_as_they_are() -> None:
    notes = '<p>Een <a href="https://x.example/?a=1&amp;b=2">link</a> &amp; <em>meer</em></p>'
    assert fit_notes(notes) == notes


def test_heading_becomes_a_paragraph() -> None:
    assert fit_notes("<h2>Kop</h2><p>tekst</p>") == "<p>Kop</p><p>tekst</p>"


def test_other_tags_leave_their_text() -> None:
    assert fit_notes("<div>a <code>b</code><img src=x> c</div>") == "a b c"


def test_scripts_leave_nothing() -> None:
    assert fit_notes("<p>a<script>evil()</script><style>p{}</style>b</p>") == "<p>ab</p>"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/relative", "data:text/html,x", ""])
def test_links_that_lead_nowhere_good_lose_their_address(address: str) -> None:
    assert fit_notes(f'<a href="{address}" onclick="x()">hier</a>') == "<a>hier</a>"


def test_too_long_notes_end_at_a_word_with_every_tag_closed() -> None:
    notes = fit_notes("<p>een <b>twee drie vier</b> vijf</p>", limit=32)
    assert notes == "<p>een <b>twee drie…</b></p>"


@given(html=HTML, limit=st.integers(0, 200))
def test_notes_always_fit_and_are_always_whole(html: str, limit: int) -> None:
    notes = fit_notes(html, limit)
    assert len(notes.encode()) <= limit
    checked(notes)


@given(html=HTML)
def test_what_was_fitted_is_fit_for_an_item(html: str) -> None:
    notes = fit_notes(html)
    if notes:
        an_item(description=notes)


@given(text=st.text(), limit=st.integers(0, 50))
def test_plain_text_always_fits(text: str, limit: int) -> None:
    assert len(fit_text(text, limit).encode()) <= limit


def test_plain_text_that_fits_is_left_alone() -> None:
    assert fit_text(" een twee ", 8) == "een twee"
    assert fit_text("een twee drie", 12) == "een twee…"
