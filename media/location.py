"""Where a store lies, read from one line of settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

from media.errors import InvalidStoreUrl

# Amazon S3 user guide, "General purpose bucket naming rules" (read November 2026).
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}")
_OPTIONS: Final = ("endpoint", "public_endpoint", "region", "addressing")


class Addressing(StrEnum):
    """How an address names the bucket: in its path, or as a virtual host."""

    PATH = "path"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderLocation:
    """A folder on this machine; a relative path counts from the working directory."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Location:
    """A bucket. Credentials are found by boto3, in the usual AWS variables and files.

    Attributes:
        endpoint: Where we reach it; None is Amazon itself.
        public_endpoint: Where listeners and browsers reach it; None is the same place.
        region: None is what boto3 finds (Amazon), `us-east-1` for any other endpoint.
    """

    bucket: str
    endpoint: str | None = None
    public_endpoint: str | None = None
    region: str | None = None
    addressing: Addressing = Addressing.PATH


def parse_store_url(url: str) -> FolderLocation | S3Location:
    """Read `folder:/path` or `s3://bucket?endpoint=…&public_endpoint=…&region=…&addressing=…`.

    Buckets are addressed by path unless they lie at Amazon, which wants virtual hosts.

    Raises:
        InvalidStoreUrl: the text is neither; the message says what is allowed, and no secret.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "folder":
        if not rest or "\0" in rest:
            raise InvalidStoreUrl(url, "the path of the folder is missing")
        return FolderLocation(path=Path(rest))
    if scheme == "s3":
        return _parse_s3(url)
    raise InvalidStoreUrl(_without_secrets(url), "it begins with neither `folder:` nor `s3:`")


def _parse_s3(url: str) -> S3Location:
    shown = _without_secrets(url)
    try:
        split = urlsplit(url)
    except ValueError as error:
        raise InvalidStoreUrl(shown, str(error)) from error
    if "@" in split.netloc:
        reason = "credentials do not belong here; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise InvalidStoreUrl(shown, reason)
    if split.path not in {"", "/"} or split.fragment or not _BUCKET.fullmatch(split.netloc):
        raise InvalidStoreUrl(shown, "after `s3://` comes the name of a bucket and nothing else")
    options = _parse_options(shown, split)
    return S3Location(
        bucket=split.netloc,
        endpoint=_find_endpoint(shown, options, "endpoint"),
        public_endpoint=_find_endpoint(shown, options, "public_endpoint"),
        region=_find_region(shown, options),
        addressing=_choose_addressing(shown, options),
    )


def _without_secrets(url: str) -> str:
    """The address as far as it is safe to print: somebody may have put a key in it."""
    return re.sub(r"//.*@", "//…@", url.partition("?")[0])


def _parse_options(shown: str, split: SplitResult) -> Mapping[str, str]:
    pairs = parse_qsl(split.query, keep_blank_values=True)
    for name, _ in pairs:
        if name not in _OPTIONS:
            raise InvalidStoreUrl(shown, f"it knows no {name!r}, only {', '.join(_OPTIONS)}")
    if len(dict(pairs)) < len(pairs):
        raise InvalidStoreUrl(shown, "something stands in it twice")
    return dict(pairs)


def _find_endpoint(shown: str, options: Mapping[str, str], name: str) -> str | None:
    if name not in options:
        return None
    reason = f"{name} must be `https://host` or `http://host`, with a port if need be, no path"
    try:
        split = urlsplit(options[name])
        port = split.port  # reading it is what checks it
    except ValueError as error:
        raise InvalidStoreUrl(shown, reason) from error
    bare = not (split.path.strip("/") or split.query or split.fragment or "@" in split.netloc)
    if split.scheme not in {"http", "https"} or not split.hostname or not bare or port == 0:
        raise InvalidStoreUrl(shown, reason)
    return f"{split.scheme}://{split.netloc}"


def _find_region(shown: str, options: Mapping[str, str]) -> str | None:
    region = options.get("region")
    if region is None:
        return "us-east-1" if "endpoint" in options else None
    if not _REGION.fullmatch(region):
        raise InvalidStoreUrl(shown, "region is a word such as `eu-west-1`")
    return region


def _choose_addressing(shown: str, options: Mapping[str, str]) -> Addressing:
    default = Addressing.PATH if "endpoint" in options else Addressing.VIRTUAL
    try:
        return Addressing(options.get("addressing", default))
    except ValueError as error:
        raise InvalidStoreUrl(shown, "addressing is `path` or `virtual`") from error
