import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.stories import NOTES_TAGS, render_notes, render_plain, render_story


def test_story_keeps_its_headings_under_the_title_of_the_page() -> None:
    assert render_story("# Eén\n\n## Twee") == "<h2>Eén</h2>\n<h2>Twee</h2>"


def test_links_of_a_story_say_nothing_about_where_they_were_pressed() -> None:
    assert render_story("[hier](https://example.org)") == (
        '<p><a href="https://example.org" rel="noopener noreferrer">hier</a></p>'
    )


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,x)",
        "<img src=x onerror=alert(1)>",
        "![x](https://example.org/pixel.png)",
        '<a href="https://example.org" onclick="x()">x</a>',
    ],
)
def test_nothing_that_acts_or_loads_comes_through(markdown: str) -> None:
    for html in (render_story(markdown), render_notes(markdown)):
        assert not re.search(r"<(script|img)|<a [^>]*(javascript|data:|onclick)", html)


def test_notes_turn_headings_into_paragraphs() -> None:
    assert render_notes("# Kop\n\n- een\n- *twee*") == (
        "<p>Kop</p>\n<ul>\n<li>een</li>\n<li><em>twee</em></li>\n</ul>"
    )


@given(st.text())
def test_notes_hold_only_what_podcast_apps_show(markdown: str) -> None:
    assert set(re.findall(r"</?([a-z0-9]+)", render_notes(markdown))) <= NOTES_TAGS


def test_plain_words_stand_on_one_line() -> None:
    assert render_plain("# Kop\n\n**Vet** en\n[hier](https://example.org)") == "Kop Vet en hier"
