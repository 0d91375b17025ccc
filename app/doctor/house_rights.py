"""What a house owes the people who use it: who keeps what of them, and the source of what runs."""

import ssl
from typing import Final

import httpx

from app import source
from app.doctor.report import Check, Grade
from app.setting_values import Demo
from app.settings import Settings

TIMEOUT: Final = 10.0
BAD_REQUEST: Final = 400


def look_at_privacy(settings: Settings) -> list[Check]:
    """Look whether the page on what is kept says who keeps it."""
    missing = settings.missing_particulars
    if settings.demo is not Demo.OFF:
        words = "This is a demo, and the page on what is kept says so."
        return [Check(code="privacy", grade=Grade.NOTE, message=words)]
    if not missing:
        words = "The page on what is kept says who keeps it, and where."
        return [Check(code="privacy", grade=Grade.OK, message=words)]
    return [
        Check(
            code="privacy",
            grade=Grade.WARN,
            message=f"The page on what is kept has blanks: {', '.join(missing)}.",
            remedy="Fill in what `cadans privacy` prints, keep it as privacy.toml in CADANS_VAR or"
            " name it in CADANS_PRIVACY, and start again.",
        )
    ]


def look_at_source(settings: Settings) -> list[Check]:
    """Look whether the source of this very copy can be had where the footer says (AGPL-3.0)."""
    is_own = settings.source_url == f"{settings.base_url}{source.SOURCE_PATH}"
    remedy = "Leave out CADANS_SOURCE_URL: then the house gives its own code away."
    if not is_own and source.is_changed():
        words = f"The code here was changed, and {settings.source_url} does not hold the changes."
        return [Check(code="source", grade=Grade.WARN, message=words, remedy=remedy)]
    try:
        status = httpx.head(
            settings.source_url,
            timeout=TIMEOUT,
            follow_redirects=True,
            verify=ssl.create_default_context(),
        ).status_code
    except httpx.HTTPError as error:
        words = f"The source cannot be had at {settings.source_url} ({type(error).__name__})."
        return [Check(code="source", grade=Grade.WARN, message=words, remedy=remedy)]
    if status >= BAD_REQUEST:
        words = f"The source cannot be had at {settings.source_url} ({status})."
        return [Check(code="source", grade=Grade.WARN, message=words, remedy=remedy)]
    words = f"The source of this version can be had at {settings.source_url}."
    return [Check(code="source", grade=Grade.OK, message=words)]
