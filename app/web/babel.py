"""In which language a page speaks, and how it writes dates and lengths.

The only module that imports flask_babel, which ships no types: pages take their words from here.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import flask_babel
from flask import Flask, Response, g, request
from markupsafe import Markup

from app import words
from app.web.current import house
from app.words import HOUSE_ZONE, LANGUAGES, say_moment

COOKIE = "language"
COOKIE_SECONDS = 365 * 24 * 3600
# A day and a month say by themselves which year is meant.
NEAR = timedelta(days=300)


def set_up(app: Flask) -> None:
    """Choose the language of every page and give templates their filters."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", "translations")
    flask_babel.Babel(app, default_locale="en", locale_selector=choose_language)
    app.after_request(_remember)
    app.jinja_env.filters.update(moment=moment, minutes=words.say_length)
    app.jinja_env.globals.update(languages=LANGUAGES, current_language=current_language)


def choose_language() -> str:
    """Answer her choice here, else an earlier one, else the page's own, else the browser's."""
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        return asked
    remembered = request.cookies.get(COOKIE)
    if remembered in LANGUAGES:
        return remembered
    if g.get("language") in LANGUAGES:
        return str(g.language)
    return request.accept_languages.best_match(LANGUAGES) or "en"


def speak(language: str) -> None:
    """Say which language suits this page (a course's, a subscription's) unless she chose one."""
    g.language = language


def current_language() -> str:
    """Answer the language of the page being made."""
    locale = flask_babel.get_locale()
    return locale.language if locale else "en"


def moment(instant: datetime, zone: str = HOUSE_ZONE) -> Markup:
    """Write an instant as people say it, in `zone`, inside a `<time>` that machines can read."""
    said = say_moment(instant, zone=zone, language=current_language())
    return Markup('<time datetime="{}">{}</time>').format(
        instant.astimezone(UTC).isoformat(timespec="seconds"), said
    )


def far_moment(instant: datetime, zone: str, now: datetime) -> Markup:
    """Write an instant as `moment` does, with its year where that would not be understood."""
    written = moment(instant, zone)
    if abs(instant - now) < NEAR:
        return written
    return Markup("{} ({})").format(written, instant.year)


def say_day(day: date) -> str:
    """Say a day in the language of the page: "Thursday 3 December 2026"."""
    return words.say_day(day, language=current_language())


def _remember(response: Response) -> Response:
    """Keep a choice made by link: one cookie with two letters, nothing about the person."""
    asked = request.args.get("lang")
    if asked in LANGUAGES:
        response.set_cookie(
            COOKIE,
            asked,
            max_age=COOKIE_SECONDS,
            samesite="Lax",
            httponly=True,
            secure=house().settings.is_secure,
        )
    return response


def gettext(text: str, **values: object) -> str:
    """Say a sentence in the language of the page."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """Say a sentence that counts, in the language of the page."""
    return str(flask_babel.ngettext(one, many, num, **values))


def lazy_gettext(text: str, **values: object) -> Any:  # noqa: ANN401 (a string once it is needed)
    """Name a sentence now, to be said when a page is made."""
    return flask_babel.lazy_gettext(text, **values)


def format_date(day: date, pattern: str) -> str:
    """Write a day by a Unicode pattern ("EEEE": the weekday)."""
    return str(flask_babel.format_date(day, pattern))


def format_time(hour: time, pattern: str) -> str:
    """Write an hour by a Unicode pattern, as it is: in no other zone."""
    return str(flask_babel.format_time(hour, pattern, rebase=False))


def forget_choice(response: Response) -> None:
    """Let pages follow the language that a person set for herself, not a link pressed before."""
    response.delete_cookie(COOKIE, samesite="Lax", httponly=True, secure=house().settings.is_secure)
