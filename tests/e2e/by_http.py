"""Signing up without a browser, for journeys that are about something else."""

import email
import email.policy
import re
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import httpx

from tests.parts.server import Installation

MAIL_SECONDS = 30
Mailbox = Callable[[], list[EmailMessage]]
"""Answers every mail that came so far."""


def maildir_of(here: Installation) -> Mailbox:
    """The mails of the demo."""

    def read() -> list[EmailMessage]:
        return [_parse(path) for path in (here.folder / "var" / "mail" / "new").glob("*")]

    return read


def wait_for_mail(mailbox: Mailbox, address: str, words: str) -> EmailMessage:
    """Answer the first mail to an address whose text has these words in it."""
    give_up_at = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < give_up_at:
        for mail in mailbox():
            if address in mail["To"] and words in text_of(mail):
                return mail
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address} has {words!r} in it")


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def become_listener(here: Installation, mailbox: Mailbox, address: str, slug: str) -> str:
    """Sign up and confirm as a browser without scripts does; answer the personal address."""
    with httpx.Client(base_url=here.url, timeout=20) as browser:
        sent = browser.post(f"/{slug}", data={"name": "Noor", "email": address})
        assert sent.status_code == 200, sent.text
        mail = wait_for_mail(mailbox, address, "/my/confirm/")
        link = re.search(r"http\S+/my/confirm/\S+", text_of(mail))
        assert link is not None
        page = browser.post(link[0], follow_redirects=True)
        found = re.search(r"http://[^\s<\"]+/f/[a-z2-7]{40}\.xml", page.text)
        assert found is not None, page.text
        return found[0]


def _parse(path: Path) -> EmailMessage:
    mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail
