"""Who the listener is: what a link from a mail left in the session, and for how long it counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from flask import Blueprint, Flask, g, redirect, session, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug import Response

from app.db.models import Listener, Subscription
from app.policy import Access
from app.services import subscriptions
from app.web import access, babel
from app.web.current import house, now

my = Blueprint("my", __name__)

SESSION_KEY: Final = "listener"
STAYS: Final = timedelta(days=30)
SEE_OTHER: Final = 303
GONE: Final = 410
NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The listener whose session this is.

    `only`: she came by a link to one course, which may have been passed on with its mail, so that
    course is all she sees; None: she asked for a link herself and sees all of them.
    """

    listener: Listener
    only: int | None


def enter(listener_id: int, *, only: int | None) -> None:
    """Open a session for a listener."""
    # A token from before belongs to whoever sat here before.
    session.pop("csrf_token", None)
    session.permanent = True
    session[SESSION_KEY] = [listener_id, only, int((now() + STAYS).timestamp())]


def go_out() -> None:
    """End the session of a listener; an owner's in the same browser goes on."""
    session.pop(SESSION_KEY, None)
    session.pop("csrf_token", None)


def find_reader() -> Reader | None:
    """Answer whose session this is; None: nobody's, over, or of somebody who was erased."""
    if "reader" not in g:
        g.reader = _load_reader()
    found: Reader | None = g.reader
    return found


def reader() -> Reader:
    """Answer whose session this is; only behind the gate."""
    found = find_reader()
    assert found is not None  # noqa: S101 (the gate saw to it)
    return found


def speak_as(subscription: Subscription) -> None:
    """Let the page speak the language of a subscription, unless another was chosen."""
    babel.speak(subscription.language)


@my.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Stand before the views of listeners."""
    access.add_gate(cast("Flask", state.app), Access.LISTENER, _let_listeners_in)


def _load_reader() -> Reader | None:
    listener_id, only, until = session.get(SESSION_KEY) or (None, None, 0)
    if listener_id is None or now() >= datetime.fromtimestamp(until, now().tzinfo):
        return None
    with house().database.reading() as rows:
        listener = subscriptions.find_listener(rows, listener_id)
    return Reader(listener=listener, only=only) if listener else None


def _let_listeners_in() -> Response | None:
    return None if find_reader() else redirect(url_for("my.home"), SEE_OTHER)
