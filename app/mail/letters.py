"""From what a mail has to say to the mail itself: a text written by hand, and the same in HTML.

Each template is a pair in `templates/`: NAME.txt, whose first line is the subject and whose second
is empty, and NAME.html.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Final

import idna
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app.words import catalogue, known_language, say_day, say_moment

TEMPLATES: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one mail says, and to whom.

    `unsubscribe_url` stops further mails at one POST without cookie or question (RFC 8058); None
    for mail that only comes when it is asked for: to people who work here, or who are erased.
    """

    template: str
    language: str
    address: str
    unsubscribe_url: str | None
    values: Mapping[str, object] = field(default_factory=dict)
    # Stands before the subject; of a mail that an owner sends herself as a test.
    subject_mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postmark:
    """What identifies one mail: the same at every try, apart from the date."""

    sender: str
    message_id: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A letter in words."""

    subject: str
    text: str
    html: str


def render(letter: Letter) -> Rendered:
    """Write a letter out, as `compose` sends it."""
    subject, text = _text(letter)
    subject = one_line(subject)
    return Rendered(subject=subject, text=text, html=_html(letter, subject))


def compose(letter: Letter, postmark: Postmark) -> EmailMessage:
    """Make the mail. Whatever the values hold, none of them makes a header or a recipient more."""
    words = render(letter)
    message = EmailMessage(policy=SMTP)
    message["Subject"] = words.subject
    message["From"] = _sender(postmark.sender)
    message["To"] = _recipient(letter.address)
    message["Date"] = format_datetime(postmark.sent_at)
    message["Message-ID"] = postmark.message_id
    # RFC 3834 section 5: answering machines leave it alone.
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(words.text, cte="quoted-printable")
    message.add_alternative(words.html, subtype="html", cte="quoted-printable")
    # Last, because making the parts moves headers of this name into them.
    message["Content-Language"] = known_language(letter.language)
    return message


def one_line(text: str) -> str:
    """Answer the text without line breaks and control characters: fit for a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _text(letter: Letter) -> tuple[str, str]:
    """Answer subject and text; the subject is the template's first line."""
    whole = _render(letter, f"{letter.template}.txt", {})
    subject, _, text = whole.partition("\n")
    text = re.sub(r"\n{3,}", "\n\n", text).strip("\n") + "\n"
    return letter.subject_mark + subject, _with_owner_line(letter, text)


def _with_owner_line(letter: Letter, text: str) -> str:
    """Put the owner's words before the last paragraph, which says how to stop."""
    line, name = letter.values.get("owner_line"), letter.values.get("owner_name")
    if not line:
        return text
    body, _, stop = text.rpartition("\n\n")
    return f"{body}\n\n“{line}”\n{name}\n\n{stop}"


def _html(letter: Letter, subject: str) -> str:
    return _render(letter, f"{letter.template}.html", {"subject": subject})


def _render(letter: Letter, name: str, more: Mapping[str, object]) -> str:
    language = known_language(letter.language)
    environment = _environment(language)
    return environment.get_template(name).render(
        {**letter.values, **more, "language": language, "unsubscribe_url": letter.unsubscribe_url}
    )


@lru_cache(maxsize=8)
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        # HTML is escaped; text must not be, or people would read &amp; in it.
        autoescape=select_autoescape(enabled_extensions=("html",)),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(catalogue(language), newstyle=True)  # type: ignore[attr-defined]  # (the extension adds it)
    environment.filters["moment"] = lambda instant, zone: say_moment(
        instant, zone=zone, language=language
    )
    environment.filters["day"] = lambda day: say_day(day, language=language)
    environment.filters["one_line"] = one_line
    return environment


def _sender(sender: str) -> Address:
    name, address = parseaddr(sender)
    local, _, domain = address.rpartition("@")
    return Address(display_name=name, username=local, domain=_ascii_domain(domain))


def _recipient(address: str) -> Address:
    """Answer the address alone: a name beside it would be somebody's text in a header."""
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=_ascii_domain(domain))


def _ascii_domain(domain: str) -> str:
    """Write the domain the way mail servers look it up (IDNA)."""
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
