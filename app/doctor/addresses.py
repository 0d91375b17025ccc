"""Addresses: which ones we ask, and how much of one may be shown. Pure."""

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from app.doctor.errors import AddressRefused

_LONG_ENOUGH_TO_BE_SECRET: Final = 16
_SHOWN: Final = 4
_SIGNED: Final = re.compile(
    r"[?&](x-amz-(signature|expires)|x-goog-(signature|expires)|signature|sig|expires?|"
    r"key-pair-id|policy|hdnts|se)=",
    re.IGNORECASE,
)
_LOCAL: Final = re.compile(r"(localhost|127\..*|\[?::1\]?|.*\.local|10\..*|192\.168\..*)\Z")


def check_address(text: str) -> str:
    """Answer the address of a feed as it is asked.

    Raises:
        AddressRefused: it is no web address, or it holds a name and password.
    """
    try:
        parts = urlsplit(text.strip())
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        raise AddressRefused(f"this is no web address ({error})") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise AddressRefused(
            "this is no web address; give one that begins with https:// or http://, such as"
            " https://example.org/feed.xml"
        )
    if parts.username is not None or parts.password is not None:
        raise AddressRefused(
            "the address holds a name or password. Apps send those to the feed but not to the"
            " audio, so such a feed does not work anyway. Give the address without them"
        )
    return text.strip()


def may_follow(url: str) -> bool:
    """Tell whether a redirect or a link may be asked: http and https, with a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def mask(url: str) -> str:
    """Answer an address in which whatever is long enough to be a secret is cut short.

    Of a private feed the address is the key: what is printed ends up in logs and questions.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no address)"
    path = "/".join(_masked(segment) for segment in parts.path.split("/"))
    query = "&".join(f"{name}=…" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}{'?' if query else ''}{query}"


def is_signed(url: str) -> bool:
    """Tell whether an address carries a signature or an end date."""
    return bool(_SIGNED.search(url))


def has_secret_in_query(url: str) -> bool:
    """Tell whether a value after the question mark is long enough to be a secret."""
    query = parse_qsl(urlsplit(url).query)
    return any(len(value) >= _LONG_ENOUGH_TO_BE_SECRET for _, value in query)


def is_local(url: str) -> bool:
    """Tell whether nobody outside this network can ask it."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return bool(_LOCAL.fullmatch(host))


def differs_only_in_scheme(one: str, other: str) -> bool:
    """Tell whether http became https and nothing else."""
    return _bare(urlsplit(one)) == _bare(urlsplit(other)) and one != other


def ending(url: str) -> str:
    """Answer the ending of the file name in small letters, without the dot; may be empty."""
    name = urlsplit(url).path.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def _bare(parts: SplitResult) -> tuple[str, str, str]:
    return (parts.netloc, parts.path, parts.query)


def _masked(segment: str) -> str:
    stem, dot, extension = segment.rpartition(".")
    name = stem if dot else segment
    if len(name) < _LONG_ENOUGH_TO_BE_SECRET:
        return segment
    return f"{name[:_SHOWN]}…{dot}{extension if dot else ''}"
