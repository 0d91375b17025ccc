"""Readers of the settings about being watched: logs, figures, traces, reports of faults."""

from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, urlsplit

from app.setting_values import Bind, Problem, parse_bind

# What a random token of 96 bits needs in hex.
MIN_TOKEN_CHARS: Final = 24


class LogFormat(StrEnum):
    """For whom the log is written."""

    PEOPLE = "people"
    JSON = "json"


def parse_log(text: str) -> LogFormat:
    """Read for whom the log is written."""
    try:
        return LogFormat(text)
    except ValueError as error:
        raise Problem(f"says {text!r}: it can be people, json.") from error


def parse_metrics_token(text: str) -> str | None:
    """Read the token that opens the figures; nothing: they are closed."""
    if not text:
        return None
    if len(text) < MIN_TOKEN_CHARS or not text.isascii() or any(char.isspace() for char in text):
        recipe = 'python3 -c "import secrets; print(secrets.token_hex(32))"'
        raise Problem(
            f"must be at least {MIN_TOKEN_CHARS} characters without spaces:"
            f" make one with `{recipe}`."
        )
    return text


def parse_metrics_bind(text: str) -> Bind | None:
    """Read where a worker answers those who watch it; nothing: nowhere."""
    return parse_bind(text) if text else None


def parse_sentry_dsn(text: str) -> str | None:
    """Read where faults are reported; nothing: nowhere."""
    if not text:
        return None
    parts = _split(text)
    if parts is None or not parts.username or not parts.path.rpartition("/")[2].isdecimal():
        raise Problem("is no DSN: copy it from the settings of the project, https://key@host/1.")
    return text


def parse_otlp_endpoint(text: str) -> str | None:
    """Read where traces go; nothing: nowhere."""
    if not text:
        return None
    parts = _split(text)
    if parts is None or parts.username or parts.query or parts.fragment:
        raise Problem(
            "must be the address of a collector, http://127.0.0.1:4318; what it wants to know of"
            " us goes into OTEL_EXPORTER_OTLP_HEADERS."
        )
    return text.rstrip("/")


def _split(text: str) -> SplitResult | None:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 (it raises when it is no number)
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None
