"""Who the listener is: what a link from a mail left in the session, and for how long it counts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from flask import Blueprint, Flask, g, make_response, redirect, render_template, session, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug import Response

from app.db.models import Listener, Subscription
from app.policy import Access
from app.services import subscriptions
from app.services.links import Purpose
from app.web import access, babel
from app.web.current import house, now

my = Blueprint("my", __name__)

SESSION_KEY: Final = "listener"
STAYS: Final = timedelta(days=30)
# How long a sign-in link, once opened, counts as fresh: for what cannot be taken back.
FRESH: Final = timedelta(minutes=30)
SEE_OTHER: Final = 303
GONE: Final = 410
UNPROCESSABLE: Final = 422
NOT_FOUND: Final = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """The listener whose session this is.

    `only`: she came by a link to one course, which may have been passed on with its mail, so that
    course is all she sees; None: she asked for a link herself and sees all of them.
    `is_fresh`: she opened a link that she asked for, and that was less than half an hour ago.
    """

    listener: Listener
    only: int | None
    is_fresh: bool = False


def enter(listener_id: int, *, only: int | None, by: Purpose) -> None:
    """Open a session for a listener, who came by a link for this purpose."""
    # A token from before belongs to whoever sat here before.
    session.pop("csrf_token", None)
    session.permanent = True
    until = int((now() + STAYS).timestamp())
    session[SESSION_KEY] = [listener_id, only, until, int(now().timestamp()), by.value]


def go_on_with(only: int) -> None:
    """Let a session for one course go on with another subscription to it, as fresh as it was."""
    listener_id, _, *rest = session[SESSION_KEY]
    session[SESSION_KEY] = [listener_id, only, *rest]


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


def gone_page() -> Response:
    """Say that what a link of ours was for is gone, and how to begin anew."""
    page = render_template("public/gone.html", home_url=url_for("public.home"))
    return make_response(page, GONE)


@my.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Stand before the views of listeners."""
    access.add_gate(cast("Flask", state.app), Access.LISTENER, _let_listeners_in)


def _load_reader() -> Reader | None:
    # Sessions from before this house knew how somebody came in have three values.
    kept = [*(session.get(SESSION_KEY) or (None, None, 0)), 0, ""]
    listener_id, only, until, entered_at, by = kept[:5]
    if listener_id is None or now() >= datetime.fromtimestamp(until, now().tzinfo):
        return None
    with house().database.reading() as rows:
        listener = subscriptions.find_listener(rows, listener_id)
    if listener is None or _is_of_another(listener, entered_at):
        return None
    is_recent = now() < datetime.fromtimestamp(entered_at, now().tzinfo) + FRESH
    is_fresh = only is None and by == Purpose.SIGN_IN and is_recent
    return Reader(listener=listener, only=only, is_fresh=is_fresh)


def _is_of_another(listener: Listener, entered_at: int) -> bool:
    """Whether a session began before this listener was there; 0: it does not say when it began.

    SQLite gives the number of a listener who was erased to the next one.
    """
    return 0 < entered_at < int(listener.created_at.timestamp())


def _let_listeners_in() -> Response | None:
    return None if find_reader() else redirect(url_for("my.home"), SEE_OTHER)
