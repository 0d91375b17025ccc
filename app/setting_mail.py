"""What the settings about mail that comes back may say."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from app.setting_values import Maildir, Problem

MAX_PACE = 100_000
MIN_SECRET_CHARS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Imap:
    """A mailbox on a server. `tls` is implicit, starttls or none."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str
    tls: str


BounceTarget = Maildir | Imap


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A name and a password that a provider sends (HTTP basic authentication)."""

    user: str
    password: str = field(repr=False)


def parse_bounces(text: str) -> BounceTarget | None:
    """Read where mail that comes back arrives; empty: nowhere."""
    if not text:
        return None
    if text.startswith("maildir:") and len(text) > len("maildir:") and "\0" not in text:
        return Maildir(path=Path(text.removeprefix("maildir:")).absolute())
    return _parse_imap(text)


def parse_bounce_address(text: str) -> str | None:
    """Read the address that mail comes back to; a `*` stands for the mark of each mail."""
    if not text:
        return None
    if not re.fullmatch(r"[^@\s<>,;]{1,64}@[^@\s<>*]+\.?[^@\s<>*]+", text) or text.count("*") > 1:
        raise Problem(f"says {text!r}: write bounces@example.org, or bounces+*@example.org.")
    if not text.isascii() or len(text.partition("@")[0].replace("*", "x" * 32)) > 64:  # noqa: PLR2004 (RFC 5321 4.5.3.1.1)
        raise Problem(f"says {text!r}: what stands before the @ is too long, or not plain letters.")
    return text


def parse_pace(text: str) -> int:
    """Read how many mails may go to one domain in a minute."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_PACE:
        raise Problem(f"says {text!r}: write a whole number from 1 to {MAX_PACE}.")
    return int(text)


def parse_topics(text: str) -> tuple[str, ...]:
    """Read SNS topics, comma between; empty: none is listened to."""
    topics = tuple(filter(None, (part.strip() for part in text.split(","))))
    for topic in topics:
        if not re.fullmatch(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w.-]{1,256}", topic):
            raise Problem(
                f"says {topic!r}: write the topic's ARN, arn:aws:sns:eu-west-1:123456789012:mail."
            )
    return topics


def parse_credentials(text: str) -> Credentials | None:
    """Read `user:password`; empty: nobody has any."""
    if not text:
        return None
    user, _, password = text.partition(":")
    if not user or len(password) < MIN_SECRET_CHARS or not text.isprintable():
        raise Problem(
            f"is not `user:password` with a password of at least {MIN_SECRET_CHARS} characters."
        )
    return Credentials(user=user, password=password)


def parse_signing_key(text: str) -> str | None:
    """Read a provider's signing key; empty: none."""
    if text and (len(text) < MIN_SECRET_CHARS or not text.isprintable() or " " in text):
        raise Problem("is no signing key: copy it from the provider's page about webhooks.")
    return text or None


def _parse_imap(text: str) -> Imap:
    problem = Problem("must be maildir:folder or imap://user:pass@host/INBOX?tls=implicit.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise problem from error
    query = parse_qs(parts.query)
    tls = query.pop("tls", ["implicit"])[-1]
    if parts.scheme != "imap" or not parts.hostname or not parts.username or not text.isprintable():
        raise problem
    if query or tls not in {"implicit", "starttls", "none"}:
        raise Problem("may end in ?tls=implicit, ?tls=starttls or ?tls=none, nothing else.")
    return Imap(
        host=parts.hostname,
        port=port or (993 if tls == "implicit" else 143),
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        tls=tls,
    )
