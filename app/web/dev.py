"""The mails of the demo, read on the machine that runs it; elsewhere these pages do not exist."""

import email
import email.policy
import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Final, cast

from flask import Blueprint, Flask, Response, abort, make_response, render_template, url_for
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup, escape

from app.policy import Access
from app.setting_values import Maildir
from app.web import access
from app.web.current import house
from app.web.links import is_demo_seen_from_here

dev = Blueprint("dev", __name__)

# In its frame the mail's inline styles may act; scripts and things from elsewhere may not.
# Its links open in the whole window.
FRAME_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; "
    "sandbox allow-top-navigation-by-user-activation"
)
SHOWN: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMail:
    """One mail as it was sent."""

    key: str
    message: EmailMessage

    @property
    def sent_at(self) -> datetime:
        """Answer its date."""
        return parsedate_to_datetime(self.message["Date"])

    @property
    def text(self) -> str:
        """Answer the part written by hand."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """Answer the other part."""
        return self._part("html")

    def _part(self, subtype: str) -> str:
        part = self.message.get_body((subtype,))
        return str(part.get_content()) if part else ""


@dev.get("/dev/mail")
@access.for_(Access.DEMO)
def mails() -> str:
    """List the mails, the newest first."""
    newest = sorted(_all(), key=lambda mail: (mail.sent_at, mail.key), reverse=True)
    return render_template("dev/mails.html", mails=newest[:SHOWN])


@dev.get("/dev/mail/<key>")
@access.for_(Access.DEMO)
def mail(key: str) -> str:
    """Show one mail: what a mailbox shows, the text part, and its headers."""
    found = _get(key)
    return render_template(
        "dev/mail.html",
        mail=found,
        text=_with_links(found.text),
        frame_url=url_for("dev.mail_frame", key=key),
        mails_url=url_for("dev.mails"),
    )


@dev.get("/dev/mail/<key>/frame")
@access.for_(Access.DEMO)
def mail_frame(key: str) -> Response:
    """Answer the mail's HTML, for a frame without rights."""
    html = _get(key).html.replace("<head>", '<head><base target="_top">', 1)
    response = make_response(html)
    response.headers["Content-Security-Policy"] = FRAME_POLICY
    return response


@dev.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Stand before these pages."""
    access.add_gate(cast("Flask", state.app), Access.DEMO, _let_this_machine_in)


def _let_this_machine_in() -> None:
    if not is_demo_seen_from_here() or not isinstance(house().settings.mail, Maildir):
        abort(404)


def _box() -> mailbox.Maildir:
    target = house().settings.mail
    assert isinstance(target, Maildir)  # noqa: S101 (the gate saw to it)
    target.path.parent.mkdir(parents=True, exist_ok=True)
    return mailbox.Maildir(target.path)


def _all() -> Iterator[DemoMail]:
    box = _box()
    for key in box.keys():  # noqa: SIM118 (a mailbox iterates over messages)
        yield _read(box, key)


def _get(key: str) -> DemoMail:
    box = _box()
    # Only a name that the folder itself lists is opened.
    if key not in set(box.keys()):
        abort(404)
    return _read(box, key)


def _read(box: mailbox.Maildir, key: str) -> DemoMail:
    message = email.message_from_bytes(box.get_bytes(key), policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 (that is what this policy makes)
    return DemoMail(key=key, message=message)


def _with_links(text: str) -> Markup:
    """Answer the text with its addresses as links, as mail programs show it."""
    words = (Markup(" ").join(map(_linked, line.split(" "))) for line in text.splitlines())
    return Markup("\n").join(words)


def _linked(word: str) -> Markup:
    if word.startswith((house().settings.base_url, "https://")):
        return Markup('<a href="{0}">{0}</a>').format(word)
    return escape(word)
