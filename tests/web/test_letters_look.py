"""Every letter as it looks in a mailbox on a phone: both languages, light and dark, in Chromium."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from playwright.sync_api import Page

from app.mail.letters import TEMPLATES as FOLDER
from app.mail.letters import render
from tests.parts.browser import (
    HEIGHTS,
    PHONE,
    WCAG_TAGS,
    Look,
    OpenPage,
    look_over,
)
from tests.parts.sample_letters import TEMPLATES, VARIANTS, a_letter

pytestmark = pytest.mark.browser

# The last mail of all has nothing left to press.
WITHOUT_BUTTON = {"erased"}
So = Mapping[str, object]
NOTHING: So = MappingProxyType({})
COURSE = "Bouwen aan een bloeiende community"
LONG_WORD = "Hottentottententententoonstellingsmakersvergunning"


def show(page: Page, template: str, language: str, words: str = COURSE, so: So = NOTHING) -> None:
    page.set_content(render(a_letter(template, words, so, language=language)).html)


def test_every_template_is_looked_at() -> None:
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(TEMPLATES)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_letter_reads_well_on_a_phone(open_page: OpenPage, language: str) -> None:
    page = open_page(Look(width=PHONE))
    plain = [(template, template, NOTHING) for template in TEMPLATES]
    for name, template, so in (*plain, *VARIANTS):
        show(page, template, language, so=so)
        # Width and contrast too. Landmarks are those of the page that a mail program shows it in.
        look_over(page, f"mail-{name}-{language}", WCAG_TAGS)
        if template not in WITHOUT_BUTTON:
            button = page.locator("a.press").first.bounding_box()
            assert button is not None, template
            assert button["y"] + button["height"] <= HEIGHTS[PHONE], template


def test_long_word_makes_no_letter_wider_than_a_phone(open_page: OpenPage) -> None:
    page = open_page(Look(width=PHONE))
    for template in TEMPLATES:
        show(page, template, "nl", LONG_WORD)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE, f"{template} is {width} px wide"
