"""Every request of pages and API has an id and leaves one line in the log: no path, no person."""

import time
from http import HTTPMethod
from typing import Final

import structlog
from flask import Flask, Response, g, request

from app.traces import Facts
from app.web.current import house
from app.web.request_ids import HEADER, request_id_of

log = structlog.get_logger()

# Asked every few seconds, or beside every page: nothing to learn from a line.
_UNTOLD: Final = {"static", "watch.health", "watch.ready", "watch.metrics"}
_METHODS: Final = frozenset(HTTPMethod)
_BROKEN: Final = 500


def set_up(app: Flask) -> None:
    """Begin before everything else that looks at a request, end after it."""
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)
    app.context_processor(lambda: {"request_id": request_id()})


def request_id() -> str:
    """Answer the id of this request."""
    return request_id_of(request.environ)


def room() -> str:
    """Answer in which part of the house the request came: one of a few names."""
    return request.blueprint or request.endpoint or "nowhere"


def method() -> str:
    """Answer the method, if it is one: a stranger may write anything there."""
    return request.method if request.method in _METHODS else "other"


def _begin() -> None:
    g.begun = time.perf_counter()
    structlog.contextvars.bind_contextvars(request=request_id())
    g.span = house().traces.span(request.endpoint or "nowhere")
    g.tell = g.span.__enter__()


def _end(response: Response) -> Response:
    response.headers[HEADER] = request_id()
    took = time.perf_counter() - g.get("begun", time.perf_counter())
    status = response.status_code
    house().figures.answered(room(), status, took)
    if "tell" in g:
        g.tell(_facts(status))
    if status >= _BROKEN or request.endpoint not in _UNTOLD:
        log.info(
            "answered",
            endpoint=request.endpoint,
            method=method(),
            status=status,
            milliseconds=round(took * 1000, 1),
        )
    return response


def _facts(status: int) -> Facts:
    return {
        "http.request.method": method(),
        "http.response.status_code": status,
        "cadans.request": request_id(),
    }


def _forget(error: BaseException | None) -> None:
    """Let nothing else that this thread does bear the id."""
    del error
    if "span" in g:
        g.pop("span").__exit__(None, None, None)
    structlog.contextvars.unbind_contextvars("request")
