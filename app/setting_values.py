"""What a setting may say: from text to a typed value, or a problem with its remedy."""

import re
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from app import source
from app.version import __version__
from feeds.tokens import FeedKeys
from media.errors import InvalidStoreUrl
from media.location import FolderLocation, S3Location, parse_store_url

T = TypeVar("T", bound=StrEnum)

MIN_SECRET_CHARS = 32
# Amazon's longest lifetime of a presigned address is seven days (S3 user guide, 2026-10).
MAX_PRESIGN_SECONDS = 604_800
SIZE_UNITS = {"": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9}
OFFSET_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Problem(Exception):
    """What is wrong with one setting, as the rest of a sentence that starts with its name."""


class AudioDelivery(StrEnum):
    """Who sends the bytes of audio."""

    REDIRECT = "redirect"
    SERVE = "serve"
    ACCEL = "accel"


class Demo(StrEnum):
    """Whether this is a demo, and who can reach it."""

    OFF = "0"
    ON = "1"
    LAN = "lan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Where the server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maildir:
    """Mail is put into a folder instead of sent: for the demo."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """The mail server that takes our mail. `tls` is starttls, implicit or none."""

    host: str
    port: int
    user: str | None
    password: str | None
    tls: str

    def __repr__(self) -> str:
        return f"Smtp(host={self.host!r}, port={self.port})"


MailTarget = Maildir | Smtp
StoreLocation = FolderLocation | S3Location


def parse_folder(text: str) -> Path:
    """Read a folder's path."""
    if not text:
        raise Problem("is empty: name a folder, or leave it out for `var`.")
    return Path(text).absolute()


def parse_bind(text: str) -> Bind:
    """Read `host:port`."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal() or not 0 < int(port) <= 65_535:  # noqa: PLR2004 (TCP)
        raise Problem(f"says {text!r}: write an address and a port, such as 127.0.0.1:8000.")
    return Bind(host=host, port=int(port))


def parse_base_url(text: str) -> str:
    """Read the address under which people reach the house: scheme and host, no path."""
    parts = _url_parts(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Problem(f"says {text!r}: write it as https://courses.example.org.")
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise Problem(f"says {text!r}: only scheme and host may stand there, no path.")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_database_url(text: str) -> str:
    """Read the database's address; its file or server is not touched."""
    scheme = text.partition(":")[0]
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        if not _url_parts(text).path.strip("/"):
            raise Problem("names no database: write postgresql://user:pass@host/name.")
        return re.sub(r"^[^:]+", "postgresql+psycopg", text)
    if scheme == "sqlite" and text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
        return text
    raise Problem("must be sqlite:///file or postgresql://user:pass@host/name.")


def parse_store(text: str) -> StoreLocation:
    """Read where audio lies."""
    try:
        return parse_store_url(text)
    except InvalidStoreUrl as error:
        raise Problem(f"cannot be used: {error}") from error


def parse_audio(text: str) -> AudioDelivery:
    """Read who sends the bytes."""
    return _one_of(AudioDelivery, text)


def parse_demo(text: str) -> Demo:
    """Read whether this is a demo."""
    return _one_of(Demo, text)


def parse_presign_seconds(text: str) -> timedelta:
    """Read a lifetime in seconds: a minute to seven days."""
    if not text.isdecimal() or not 60 <= int(text) <= MAX_PRESIGN_SECONDS:  # noqa: PLR2004
        raise Problem(f"says {text!r}: write whole seconds from 60 to {MAX_PRESIGN_SECONDS}.")
    return timedelta(seconds=int(text))


def parse_size(text: str) -> int:
    """Read a size: `500 MB`, `2 GB`, or plain bytes."""
    match = re.fullmatch(r"(\d{1,12})\s*([KMG]?B?)", text.strip().upper())
    unit = match and SIZE_UNITS.get(
        match[2].removesuffix("B") + "B" if match[2] not in {"", "B"} else ""
    )
    if not match or not unit or int(match[1]) == 0:
        raise Problem(f"says {text!r}: write a size such as 500 MB.")
    return int(match[1]) * unit


def parse_feed_keys(text: str) -> FeedKeys:
    """Read `number:hex,number:hex`; the last one makes new addresses."""
    keys: dict[int, bytes] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = re.fullmatch(r"(\d{1,3}):([0-9a-fA-F]{64})", part)
        if not match or int(match[1]) > 255:  # noqa: PLR2004 (one byte in the token)
            raise Problem(
                "has a key that is not `number:64 hex digits` with a number from 0 to 255."
            )
        if int(match[1]) in keys:
            raise Problem(f"has key number {match[1]} twice: every key keeps a number of its own.")
        keys[int(match[1])] = bytes.fromhex(match[2])
    if not keys:
        raise Problem(
            f"is missing: make one with `{_recipe('1:')}`, keep it safe, never remove it."
        )
    return FeedKeys(secrets=keys, current=list(keys)[-1])


def parse_secret_keys(text: str) -> tuple[str, ...]:
    """Read keys with commas between; the first signs, all verify."""
    keys = tuple(filter(None, (part.strip() for part in text.split(","))))
    if not keys:
        raise Problem(f"is missing: make one with `{_recipe('')}`.")
    if any(len(key) < MIN_SECRET_CHARS for key in keys):
        raise Problem(
            f"has a key of under {MIN_SECRET_CHARS} characters: make one with `{_recipe('')}`."
        )
    return keys


def parse_mail(text: str) -> MailTarget:
    """Read where mail goes."""
    parts = _url_parts(text)
    if parts.scheme == "maildir" and len(text) > len("maildir:"):
        return Maildir(path=Path(text.removeprefix("maildir:")).absolute())
    if parts.scheme != "smtp" or not parts.hostname:
        raise Problem("must be smtp://user:pass@host:587?tls=starttls or maildir:folder.")
    query = parse_qs(parts.query)
    tls = query.pop("tls", ["starttls"])[-1]
    if query or tls not in {"starttls", "implicit", "none"}:
        raise Problem("may end in ?tls=starttls, ?tls=implicit or ?tls=none, nothing else.")
    return Smtp(
        host=parts.hostname,
        port=parts.port or (465 if tls == "implicit" else 587),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
    )


def parse_sender(text: str) -> str:
    """Read `Name <address>` or an address."""
    _, address = parseaddr(text)
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address) or re.search(r"[\r\n]", text):
        raise Problem(f"says {text!r}: write an address, or `Name <name@example.org>`.")
    return text


def default_sender(base_url: str) -> str:
    """Make a sender from the house's own address; a number takes no mail, so there by a name."""
    host = urlsplit(base_url).hostname or "localhost"
    if host.replace(".", "").isdigit() or ":" in host:
        host = "localhost"
    return f"Cadans <cadans@{host}>"


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Read networks such as `10.0.0.0/8, ::1`."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise Problem(
            f"has something that is no network ({error}): write 10.0.0.0/8, 127.0.0.1."
        ) from error


def parse_source_url(text: str) -> str:
    """Read a web address, and fill in which version of the source it is to lead to."""
    filled = text.replace("{version}", __version__)
    if "{commit}" in filled:
        commit = source.find_commit()
        if commit is None:
            raise Problem("asks for {commit}, which only a checkout with git knows: write it out.")
        filled = filled.replace("{commit}", commit)
    if _url_parts(filled).scheme not in {"http", "https"} or set(filled) & set("{} "):
        raise Problem(
            f"says {text!r}: write a web address; only {{version}} and {{commit}} are filled in."
        )
    return filled


def parse_offset(text: str) -> timedelta:
    """Read `+7d`, `+12h`, `+30m`; never backwards."""
    match = re.fullmatch(r"\+?(\d{1,4})([dhm])", text.strip())
    if not match:
        raise Problem(f"says {text!r}: write how far ahead, such as +7d or +12h.")
    return timedelta(**{OFFSET_UNITS[match[2]]: int(match[1])})


def is_loopback(base_url: str) -> bool:
    """Whether only this machine can reach the address."""
    return _is_address(base_url, "is_loopback")


def unsafe_together(found: dict[str, Any]) -> list[str]:
    """Name the combinations that must not start (each setting alone is fine)."""
    base_url, demo = found["base_url"], found["demo"]
    is_here = is_loopback(base_url)
    problems = []
    if demo is Demo.ON and not is_here:
        problems.append(
            "CADANS_DEMO is 1, but CADANS_BASE_URL is not this machine: a demo shows every mail."
        )
    if demo is Demo.LAN and not _is_address(base_url, "is_private"):
        problems.append(
            "CADANS_DEMO is lan: CADANS_BASE_URL must be this machine's address in its own network."
        )
    if demo is Demo.OFF and found["demo_clock"]:
        problems.append("CADANS_DEMO_CLOCK works only with CADANS_DEMO=1: remove it.")
    if demo is Demo.OFF and not is_here:
        problems += _unsafe_in_public(base_url, found["mail"])
    return problems


def _unsafe_in_public(base_url: str, mail: MailTarget) -> list[str]:
    problems = []
    if not base_url.startswith("https://"):
        problems.append(
            "CADANS_BASE_URL must be https:// for everything but this machine:"
            " private feeds pass over it."
        )
    if isinstance(mail, Maildir):
        problems.append(
            "CADANS_MAIL is a folder: nobody would get a mail. Name a mail server: smtp://user:pass@host:587."
        )
    return problems


def _is_address(base_url: str, kind: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return bool(getattr(ip_address(host), kind))
    except ValueError:
        return False


def _one_of(kind: type[T], text: str) -> T:
    try:
        return kind(text)
    except ValueError as error:
        allowed = ", ".join(member.value for member in kind)
        raise Problem(f"says {text!r}: it can be {allowed}.") from error


def _url_parts(text: str) -> Any:  # noqa: ANN401 (SplitResult; its port may still raise)
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 (checked here: it raises when it is no number)
    except ValueError as error:
        # Not urlsplit's own words: they quote what it took for a port, such as half a password.
        raise Problem(
            "is no address: a port is a number, and / ? # @ : in a password are written %2F %3F"
            " %23 %40 %3A."
        ) from error
    else:
        return parts


def _recipe(prefix: str) -> str:
    return f"python3 -c \"import secrets; print('{prefix}' + secrets.token_hex(32))\""
