"""From an error to an answer: one table, and three ways to say it."""

from http import HTTPStatus

import structlog
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from app import errors
from app.web import outages
from app.web.babel import gettext as _
from app.web.babel import lazy_gettext as later
from app.web.delivery.answers import RETRY_SECONDS
from app.web.requests import request_id
from media.errors import FileTooBig, StoreError, StoreFull, UploadIncomplete
from media.errors import UploadNotFound as StoreUploadNotFound

log = structlog.get_logger()

STATUS: dict[type[Exception], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StaleVersion: HTTPStatus.CONFLICT,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.LinkUsed: HTTPStatus.GONE,
    errors.LinkExpired: HTTPStatus.GONE,
    errors.LinkInvalid: HTTPStatus.NOT_FOUND,
    errors.UploadTooBig: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TokenInvalid: HTTPStatus.UNAUTHORIZED,
    FileTooBig: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UploadIncomplete: HTTPStatus.CONFLICT,
    StoreUploadNotFound: HTTPStatus.NOT_FOUND,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreFull: HTTPStatus.INSUFFICIENT_STORAGE,
    **dict.fromkeys(outages.DATABASE_AWAY, HTTPStatus.SERVICE_UNAVAILABLE),
}

# What happened, and what to do.
WORDS = {
    HTTPStatus.FORBIDDEN: (
        later("This is not for you"),
        later("Sign in with the account that may do this, or go back."),
    ),
    HTTPStatus.NOT_FOUND: (
        later("There is nothing here"),
        later("The address may be mistyped or the page is gone. Start again from the front page."),
    ),
    HTTPStatus.GONE: (
        later("This link no longer works"),
        later("Ask for a new one; links in mails are good only for a while."),
    ),
    HTTPStatus.CONFLICT: (
        later("Somebody else saved first"),
        later("Nothing of yours was saved. Load the page again to see what stands there now."),
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        later("That is too big"),
        later("Nothing was saved. Choose a smaller file."),
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        later("Something in the form is not right"),
        later("Go back and mend it; nothing was saved."),
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        later("That was too often"),
        later("Wait a while and try again."),
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        later("A part of this house does not answer"),
        later("Nothing is lost. Try again in a few minutes."),
    ),
}
BROKEN = (
    later("Something broke on our side"),
    later("Nothing of yours is lost. Try again; if it stays, tell who runs this house."),
)


def status_of(error: Exception) -> HTTPStatus:
    """Answer the status for an error: its own class's, else the nearest above it."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return HTTPStatus.INTERNAL_SERVER_ERROR


def set_up(app: Flask) -> None:
    """Let every error become a page or a problem document, and none a stack trace."""
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(CSRFError, _answer_stale_form)
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> Response:
    status = status_of(error)
    if isinstance(error, outages.DATABASE_AWAY):
        outages.go_without()
        # Not the driver's own words: they may quote what was asked.
        log.error("database_unreachable", endpoint=request.endpoint, error=type(error).__name__)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("request_failed", endpoint=request.endpoint, exc_info=error)
    response = answer(status, getattr(error, "fields", None))
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        response.headers["Retry-After"] = str(int(retry_after.total_seconds()))
    elif status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _answer_http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:  # noqa: PLR2004 (redirects are no errors)
        return make_response(error.get_response())
    response = answer(HTTPStatus(error.code or 500))
    for name, value in error.get_headers(request.environ):
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _answer_stale_form(error: CSRFError) -> Response:
    del error
    return _page(
        HTTPStatus.BAD_REQUEST,
        _("This page was open too long"),
        _("Nothing was changed. Go back, load the page again and send the form once more."),
    )


def answer(status: HTTPStatus, fields: dict[str, str] | None = None) -> Response:
    """Say what happened: problem+json (RFC 9457) to scripts, a line to providers, or a page."""
    if request.path.startswith("/api/"):
        return problem(status, fields)
    if request.path.startswith("/hooks/"):
        return Response(f"{status.phrase}\n", status, content_type="text/plain; charset=utf-8")
    title, remedy = _words(status)
    return _page(status, title, remedy)


def problem(status: HTTPStatus, fields: dict[str, str] | None = None) -> Response:
    """Make a problem document."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
    }
    if fields:
        body["errors"] = fields
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        body["request_id"] = request_id()
    response = jsonify(body)
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def _page(status: HTTPStatus, title: str, remedy: str) -> Response:
    try:
        page = render_template("error.html", title=title, remedy=remedy, status=int(status))
    except outages.DATABASE_AWAY as error:
        # Whoever is signed in could not be looked up: that page does without.
        return _answer(error)
    return make_response(page, status)


def _words(status: HTTPStatus) -> tuple[str, str]:
    if status in WORDS:
        return WORDS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return BROKEN
    return status.phrase, _("Go back and try again.")
