"""What the doctor must never say, whatever she stumbles over: the secrets among the settings."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from app.doctor.report import Check
from app.setting_reader import variable
from app.settings import Settings, all_settings
from media.credentials import secrets_in_use
from media.location import S3Location

# Of the store; the rest of the usual variables is no secret (boto3, "Environment variables").
_AWS: Final = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
# Shorter ones stand in every other word.
_SHORTEST: Final = 4
_PASSWORD: Final = re.compile(r"://[^:@/\s]*:(.+)@")
# Where faults are reported (Sentry) the name alone is the key.
_KEY: Final = re.compile(r"https?://([^:@/\s]+)@")
_MASK: Final = "…"


def without_secrets(checks: Iterable[Check], secrets: Sequence[str]) -> list[Check]:
    """Answer the same findings with every secret taken out of their words."""
    return [
        replace(
            check,
            message=_masked(check.message, secrets),
            remedy=_masked(check.remedy, secrets),
        )
        for check in checks
    ]


def secrets_of(environ: Mapping[str, str], settings: Settings | None) -> list[str]:
    """Answer what must never be printed; `settings` None: they cannot be used as they stand.

    The longest come first: one may be a part of another.
    """
    found = {environ.get(name, "") for name in _AWS}
    for name, setting in all_settings().items():
        for text in _texts(environ, variable(name)):
            found |= set(secrets_in(text) if setting.is_secret else passwords_in(text))
    if settings is not None:
        found |= {
            *settings.secret_keys,
            *(key.hex() for key in settings.feed_keys.secrets.values()),
        }
        found |= set(secrets_in_use() if isinstance(settings.store, S3Location) else ())
    return sorted((text for text in found if len(text) >= _SHORTEST), key=len, reverse=True)


def secrets_in(text: str) -> Iterator[str]:
    """Find the secrets in the text of a setting that holds some: an address, or keys in a row."""
    if "://" in text or text.startswith("maildir:"):
        yield from passwords_in(text)
        return
    for part in (part.strip() for part in text.split(",")):
        yield part
        # `number:key`, `user:password`
        yield part.partition(":")[2]


def passwords_in(text: str) -> Iterator[str]:
    """Find the password in an address, as it stands there and as it is meant, or its key."""
    found = _PASSWORD.search(text) or _KEY.search(text)
    if found:
        yield from (found[1], unquote(found[1]))


def _texts(environ: Mapping[str, str], name: str) -> Iterator[str]:
    """Answer what a setting says, itself or in the file that it names."""
    if name in environ:
        yield environ[name]
    path = environ.get(f"{name}_FILE")
    if path:
        with suppress(OSError, UnicodeDecodeError):
            yield Path(path).read_text(encoding="utf-8").strip()


def _masked(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, _MASK)
    return text
