"""What a listener does in her browser, in words. Every step waits until its page is there."""

import re
import time
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.parts.browser import (
    assert_accessible_without_scripts,
    keep_picture,
    look_over,
    play,
)

MAIL_SECONDS = 20
DEMO_COURSE = "bloeiende-community"
# Words of the subjects of her mails.
WELCOME = "eerste les"
SIGN_IN = "Je link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Somebody with a browser and a mailbox."""

    page: Page
    url: str
    email: str
    has_javascript: bool = True

    def looks_around(self, name: str) -> None:
        """Keep pictures of the page, and make sure that everybody could use it."""
        if self.has_javascript:
            look_over(self.page, name)
        else:
            keep_picture(self.page, f"{name}-no-js")
            assert_accessible_without_scripts(self.page)

    def opens_front_page(self) -> None:
        self.page.goto(self.url)
        expect(self.page.locator("h1")).to_be_visible()

    def chooses_course(self, slug: str = DEMO_COURSE) -> None:
        self.page.locator(f"a.shelf-link[href='/{slug}']").click()
        expect(self.form).to_be_visible()

    def opens_course(self, slug: str = DEMO_COURSE) -> None:
        self.page.goto(f"{self.url}/{slug}")
        expect(self.form).to_be_visible()

    @property
    def form(self) -> Locator:
        """The form of the page that she is meant to fill in."""
        return self.page.locator("main form").first

    def fills_in(self, **fields: str) -> None:
        for name, words in fields.items():
            self.page.locator(f"#field-{name}").fill(words)

    def sends_form(self) -> None:
        self.form.locator("button[type=submit]").click()

    def signs_up(self, name: str) -> None:
        self.opens_course()
        self.fills_in(name=name, email=self.email)
        self.sends_form()
        expect(self.page.locator("main")).to_contain_text(self.email)

    def opens_mail(self, subject: str = "") -> None:
        """Open her newest mail with these words in its subject, once it is there."""
        found = self.page.locator("li", has_text=self.email).filter(has_text=subject)
        give_up_at = time.monotonic() + MAIL_SECONDS
        self.page.goto(f"{self.url}/dev/mail")
        while not found.count() and time.monotonic() < give_up_at:
            self.page.wait_for_timeout(300)
            self.page.reload()
        found.first.locator("a").click()
        expect(self.page.frame_locator("iframe").locator("h1")).to_be_visible()

    @property
    def button_in_mail(self) -> Locator:
        return self.page.frame_locator("iframe").locator("a.press")

    def link_in_mail(self) -> str:
        return str(self.button_in_mail.get_attribute("href"))

    def presses_button_in_mail(self) -> None:
        self.button_in_mail.click()
        expect(self.page).not_to_have_url(re.compile("/dev/mail"))

    def confirms(self) -> None:
        self.sends_form()
        expect(self.page.locator("#address")).to_be_visible()

    def becomes_listener(self, name: str) -> str:
        """Sign up, confirm; answer her personal address."""
        self.signs_up(name)
        self.opens_mail()
        self.presses_button_in_mail()
        self.confirms()
        # Until its stylesheets are there, what is only for paper shows too.
        self.page.wait_for_load_state()
        return self.personal_address()

    def personal_address(self) -> str:
        return self.page.locator("#address").input_value()

    def app_links(self) -> list[str]:
        links = self.page.locator(".apps a").all()
        return [str(link.get_attribute("href")) for link in links]

    def copies_address(self) -> str:
        """Press Copy; answer what is on the clipboard then."""
        self.page.locator("[data-copy]").click()
        expect(self.page.locator("[data-copy-said]")).not_to_be_empty()
        return str(self.page.evaluate("navigator.clipboard.readText()"))

    def audio_address(self, lesson: int = 1) -> str:
        audio = self.page.locator("ol.lessons > li").nth(lesson - 1).locator("audio")
        return f"{self.url}{audio.get_attribute('src')}"

    def plays_first_lesson(self) -> float:
        """Press play; answer the seconds that the browser says it lasts, once it can play."""
        return play(self.page.locator("audio").first)
