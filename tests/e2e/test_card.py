"""The card that the follow page prints: one sheet, whatever the paper, and a square that reads."""

import io
import re
import secrets

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page

from tests.e2e.listener import Listener
from tests.parts.browser import PICTURES, Look
from tests.parts.server import Installation

pytestmark = [pytest.mark.browser]


@pytest.fixture
def noor(page: Page, demo_house: Installation) -> Listener:
    email = f"noor-{secrets.token_hex(4)}@example.org"
    return Listener(page=page, url=demo_house.url, email=email)


def read_square(picture: bytes) -> list[str]:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(picture)))
    return [each.text for each in found]


def test_the_square_reads_as_her_address_on_screen_and_on_paper(noor: Listener) -> None:
    address = noor.becomes_listener("Noor")
    assert read_square(noor.page.locator(".qr-card .qr").screenshot()) == [address]
    noor.page.emulate_media(media="print")
    assert read_square(noor.page.locator(".print-card .qr").screenshot()) == [address]
    assert read_square(noor.page.screenshot(full_page=True)) == [address]


@pytest.mark.parametrize("look", [Look(scheme="dark")], ids=str)
def test_the_square_reads_in_the_dark_too(noor: Listener) -> None:
    address = noor.becomes_listener("Noor")
    assert read_square(noor.page.locator(".qr-card .qr").screenshot()) == [address]


@pytest.mark.parametrize("paper", ["A4", "A5", "A6"])
@pytest.mark.parametrize("look", [Look(), Look(language="en-GB")], ids=["nl", "en"])
def test_the_card_is_one_sheet_and_says_all_of_it(noor: Listener, paper: str, look: Look) -> None:
    address = noor.becomes_listener("Noor")
    name = f"card-{look.language[:2]}-{paper}.pdf"
    PICTURES.mkdir(exist_ok=True)
    sheet = noor.page.pdf(path=PICTURES / name, format=paper, prefer_css_page_size=False)
    assert len(re.findall(rb"/Type\s*/Page\b", sheet)) == 1
    noor.page.emulate_media(media="print")
    card = noor.page.locator(".print-card")
    typed = "".join(card.locator(".print-card-address span").all_inner_texts())
    assert typed == address
    assert card.locator("ol li").count() == 3
    assert noor.page.locator("main audio:visible, main button:visible").count() == 0
