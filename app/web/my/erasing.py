"""Erase me: what goes and what stays, the wish, and a day in which it can be undone."""

from flask import make_response, redirect, render_template, url_for
from werkzeug import Response

from app.db.models import Erasure, Listener
from app.errors import LinkInvalid
from app.policy import Access
from app.services import accounts, erasures, subscriptions
from app.services.links import Purpose
from app.web import access, babel
from app.web.current import house, now
from app.web.links import host, keeper, links
from app.web.my.face import SEE_OTHER, gone_page, my, reader, speak_as
from app.web.my.fresh import needs_fresh
from app.web.my.shelf import find_erasure
from app.web.security import csrf


@my.get("/my/erase")
@access.for_(Access.LISTENER)
@needs_fresh
def erase_page() -> Response:
    """Say what goes and what stays, and ask."""
    who = reader()
    with house().database.reading() as rows:
        for newest in subscriptions.of_listener(rows, who.listener.id)[:1]:
            speak_as(newest)
        waiting = find_erasure(rows, who)
        is_teacher = accounts.find(rows, who.listener.email) is not None
    page = render_template(
        "public/erase.html",
        email=who.listener.email,
        is_teacher=is_teacher,
        keeper=keeper(),
        erase_url=url_for("my.erase"),
        export_url=url_for("my.export_page"),
        back_url=url_for("my.home"),
        erasure=waiting,
    )
    return make_response(page)


@my.post("/my/erase")
@access.for_(Access.LISTENER)
@needs_fresh
def erase() -> Response:
    """Write the wish down; a mail says so, and how to undo it."""
    who = reader()
    with house().database.writing() as rows:
        for newest in subscriptions.of_listener(rows, who.listener.id)[:1]:
            speak_as(newest)
        language = babel.current_language()
        erasures.ask(rows, who.listener, language=language, host=host(), now=now())
    return redirect(url_for("my.home"), SEE_OTHER)


@my.post("/my/erase/undo")
@access.for_(Access.LISTENER)
def keep_me() -> Response:
    """Undo the wish from her own page."""
    who = reader()
    if who.only is None:
        with house().database.writing() as rows:
            erasures.undo(rows, who.listener.id)
    return redirect(url_for("my.home"), SEE_OTHER)


@my.get("/my/keep/<token>")
@access.for_(Access.LINK)
def keep_page(token: str) -> Response:
    """Ask whether she wants to stay; a mail scanner that follows links undoes nothing."""
    listener, erasure = _find_by_link(token)
    if listener is None:
        return gone_page()
    with house().database.reading() as rows:
        zone = subscriptions.zone_of(rows, listener.id)
    page = render_template(
        "public/keep.html",
        keep_url=url_for("my.keep", token=token),
        erasure={"due_at": erasure.due_at, "zone": zone} if erasure else None,
        is_done=False,
        my_url=url_for("my.home"),
    )
    return make_response(page)


@my.post("/my/keep/<token>")
@access.for_(Access.LINK)
def keep(token: str) -> Response:
    """Undo the wish from its mail. Twice is fine."""
    listener, _erasure = _find_by_link(token)
    if listener is None:
        return gone_page()
    with house().database.writing() as rows:
        is_here = erasures.keep(rows, listener.id)
    if not is_here:
        return gone_page()
    page = render_template(
        "public/keep.html", keep_url=None, erasure=None, is_done=True, my_url=url_for("my.home")
    )
    return make_response(page)


def _find_by_link(token: str) -> tuple[Listener | None, Erasure | None]:
    """Answer whose wish a link undoes; the listener is None once she was erased.

    Raises:
        LinkInvalid: no link of ours.
    """
    opened = links().open(Purpose.KEEP, token, now=now())
    with house().database.reading() as rows:
        listener = subscriptions.find_listener(rows, opened.row_id)
        erasure = erasures.find(rows, opened.row_id) if listener else None
        own = subscriptions.of_listener(rows, opened.row_id)
    try:
        if listener is not None:
            opened.check_made_after(listener.created_at)
    except LinkInvalid:
        return None, None
    for newest in own[:1]:
        speak_as(newest)
    return listener, erasure


# The token in its address authorises it; it comes from a mail, without a session.
csrf.exempt(keep)
