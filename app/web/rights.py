"""What everybody may ask of a house: what is kept of people, what they agreed to, its source."""

import hashlib
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, render_template, request, url_for

from app import consent
from app.errors import ConsentTextNotFound
from app.policy import Access
from app.setting_values import Demo
from app.source import SOURCE_PATH, archive
from app.web import access, babel
from app.web.current import house
from app.web.links import keeper
from app.web.rights_words import say_own, say_periods

rights = Blueprint("rights", __name__)

# It may change with the next start, without a new version where somebody works on the code.
ASK_AGAIN: Final = "public, no-cache"


@rights.get("/my/privacy")
@access.for_(Access.ANYONE)
def privacy() -> str:
    """Say what is kept of people, why, how long and by whom."""
    settings, current = house().settings, consent.current(babel.current_language())
    return render_template(
        "public/privacy.html",
        own=say_own(settings),
        is_complete=not settings.missing_particulars,
        is_demo=settings.demo is not Demo.OFF,
        stays_here=settings.plain_particulars,
        is_redirect=settings.is_redirecting,
        is_reporting=settings.sentry_dsn is not None,
        keeper=keeper(),
        periods=say_periods(settings),
        consent_url=url_for("rights.consent_text", mark=current.mark),
        my_url=url_for("my.home"),
    )


@rights.get("/my/privacy/agreed/<mark>")
@access.for_(Access.ANYONE)
def consent_text(mark: str) -> str:
    """Show a text that people agreed to, in the language in which they read it."""
    found = consent.find(mark, language=babel.current_language())
    if found is None:
        raise ConsentTextNotFound(mark)
    return render_template(
        "public/consent_text.html",
        consent=found,
        keeper=keeper(),
        is_current=found.version == consent.versions()[-1],
        others=[line for line in _consent_texts() if line["version"] != found.version],
    )


@rights.get(SOURCE_PATH)
@access.for_(Access.ANYONE)
def source() -> Response:
    """Send the source of this very copy."""
    response = Response(mimetype="application/gzip")
    response.headers["Cache-Control"] = ASK_AGAIN
    packed = archive()
    response.set_etag(hashlib.sha256(packed).hexdigest()[:32])
    response.make_conditional(request)
    if response.status_code == HTTPStatus.OK:
        response.set_data(packed)
    return response


def _consent_texts() -> list[dict[str, str]]:
    """Answer every text there was, the newest first, in the language of the page."""
    language = babel.current_language()
    return [
        {
            "version": version,
            "url": url_for("rights.consent_text", mark=f"{version}-{language}"),
        }
        for version in reversed(consent.versions())
    ]
