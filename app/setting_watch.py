"""Readers of the settings about being watched: logs, figures, traces, reports of faults."""

from enum import StrEnum
from typing import Final

from app.setting_values import Problem

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
