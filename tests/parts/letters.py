"""The mails of a house that puts them into a folder, and the links in them."""

import email
import email.policy
import mailbox
import re
from email.message import EmailMessage
from urllib.parse import urlsplit

from app.house import House
from app.services import mailing
from app.setting_values import Maildir


def send_mail(house: House) -> list[EmailMessage]:
    """Send what is due; answer the mails that this added to the folder, in the order of sending."""
    before = {message["Message-ID"] for message in all_mail(house)}
    mailing.send_due(house)
    return [message for message in all_mail(house) if message["Message-ID"] not in before]


def all_mail(house: House) -> list[EmailMessage]:
    target = house.settings.mail
    assert isinstance(target, Maildir)
    target.path.parent.mkdir(parents=True, exist_ok=True)
    box = mailbox.Maildir(target.path)
    return [
        email.message_from_bytes(box.get_bytes(key), policy=email.policy.default)
        for key in sorted(box.keys(), key=_turn)
    ]


def _turn(key: str) -> tuple[int, int, int]:
    """Order keys as they were made: seconds, microseconds and the number within this process."""
    found = re.match(r"(\d+)\.M(\d+)P\d+Q(\d+)", key)
    assert found, key
    return int(found[1]), int(found[2]), int(found[3])


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def path_in(message: EmailMessage, start: str) -> str:
    """Answer the path of the link in the text that starts so: "/my/confirm/"."""
    found = re.search(rf"https?://\S+?({re.escape(start)}\S*)", text_of(message))
    assert found, text_of(message)
    return found[1]


def unsubscribe_path(message: EmailMessage) -> str:
    return urlsplit(str(message["List-Unsubscribe"]).strip("<>")).path
