"""Pages while the database is away: each says so at once, in words, and recovers by itself."""

from typing import Final

from flask import Flask, g, request

from app.db import session
from app.db.standing import DatabaseUnreachable

DATABASE_AWAY: Final = (DatabaseUnreachable, *session.DATABASE_AWAY)
# Where the delivery face says that the database gave no connection just now.
FLAG: Final = "cadans.database_is_away"
# These need none, or are there to say so themselves.
_SPARED: Final = ("/static/", "/healthz", "/readyz", "/metrics")


def set_up(app: Flask) -> None:
    """Stand before everything else that is asked before a view."""
    app.before_request(_turn_back)


def go_without() -> None:
    """Ask the database nothing more in this request: its answer is a page that says why."""
    g.goes_without_database = True


def goes_without() -> bool:
    """Whether this request found the database away."""
    return "goes_without_database" in g


def _turn_back() -> None:
    """Let no thread wait for a database that is known to be away: polls need the threads."""
    if request.environ.get(FLAG) and not request.path.startswith(_SPARED):
        raise DatabaseUnreachable("it gave no connection a moment ago")
