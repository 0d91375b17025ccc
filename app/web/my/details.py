"""Who she is to us: her name, the language of her mails and pages, her e-mail address."""

from flask import flash, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response

from app.errors import LinkInvalid
from app.policy import Access
from app.services import details, email_changes
from app.services.email_addresses import AddressInvalid, parse_address
from app.services.email_changes import Side
from app.services.links import OpenedLink, Purpose
from app.services.signup import NameInvalid
from app.web import access, babel
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.links import host, is_demo_seen_from_here, keeper, links, network
from app.web.my.face import GONE, NOT_FOUND, SEE_OTHER, UNPROCESSABLE, my, reader
from app.web.my.fresh import needs_fresh
from app.web.my.shelf import speak_as_hers
from app.web.security import csrf
from app.words import LANGUAGES

BLANK = ("email", "error", "old_email", "waiting", "side", "agree_url", "is_by_owner")
PURPOSES = {Side.OLD: Purpose.OLD_EMAIL, Side.NEW: Purpose.NEW_EMAIL}


@my.get("/my/details")
@access.for_(Access.LISTENER)
def details_page() -> str:
    """Show what stands there now."""
    speak_as_hers(reader())
    return _details(reader().listener.name)


@my.post("/my/details")
@access.for_(Access.LISTENER)
def save_details() -> Response:
    """Save it. By the link of one course only its language can be set."""
    who, language = reader(), request.form.get("language", "")
    speak_as_hers(who)
    typed = request.form.get("name", "") if who.only is None else who.listener.name
    if language not in LANGUAGES:
        return make_response(_details(typed, {"language": _("Choose a language.")}), UNPROCESSABLE)
    try:
        with house().database.writing() as rows:
            details.rename(rows, who.listener.id, typed)
            details.set_language(rows, who.listener.id, language, only=who.only)
    except NameInvalid:
        words = _("Fill in your name, in at most 200 letters.")
        return make_response(_details(typed, {"name": words}), UNPROCESSABLE)
    babel.speak(language)
    flash(_("Saved."), "good")
    response = make_response(redirect(url_for("my.home"), SEE_OTHER))
    babel.forget_choice(response)
    return response


@my.get("/my/email")
@access.for_(Access.LISTENER)
@needs_fresh
def email_page() -> str:
    """Ask for the new address, and say how it goes."""
    speak_as_hers(reader())
    return _email()


@my.post("/my/email")
@access.for_(Access.LISTENER)
@needs_fresh
def ask_email() -> Response:
    """Mail both addresses a link; the answer is the same whoever has the new one."""
    who, typed = reader(), request.form.get("email", "").strip()
    speak_as_hers(who)
    try:
        address = parse_address(typed)
    except AddressInvalid:
        words = _("This is no e-mail address. Write it like name@example.org.")
        return make_response(_email(typed, words), UNPROCESSABLE)
    if address.key == who.listener.email_key:
        words = _("That is your address already.")
        return make_response(_email(typed, words), UNPROCESSABLE)
    with house().database.writing() as rows:
        email_changes.ask(
            rows,
            who.listener.id,
            address,
            language=babel.current_language(),
            network=network(),
            host=host(),
            now=now(),
        )
    return make_response(_email_page("asked", email=typed, old_email=who.listener.email))


@my.get("/my/email/<any(old, new):side>/<token>")
@access.for_(Access.LINK)
def look_at_email(side: str, token: str) -> Response:
    """Show the button; a mail scanner that follows links says yes to nothing."""
    try:
        with house().database.reading() as rows:
            change = email_changes.get(rows, _open(side, token), now=now())
    except LinkInvalid as error:
        return _gone(error)
    babel.speak(change.language)
    page = _email_page(
        "question",
        email=change.email,
        side=side,
        is_by_owner=change.account_id is not None,
        agree_url=url_for("my.agree_email", side=side, token=token),
    )
    return make_response(page)


@my.post("/my/email/<any(old, new):side>/<token>")
@access.for_(Access.LINK)
def agree_email(side: str, token: str) -> Response:
    """Say yes for one mailbox, or no for the old one, and say what that led to."""
    is_no = side == Side.OLD and request.form.get("answer") == "no"
    try:
        opened = _open(side, token)
        with house().database.writing() as rows:
            language = email_changes.get(rows, opened, now=now()).language
            kind = _refuse(rows, opened) if is_no else _agree(rows, opened, Side(side))
    except LinkInvalid as error:
        return _gone(error)
    babel.speak(language)
    return make_response(_email_page(kind, side=side))


def _agree(rows: Session, opened: OpenedLink, side: Side) -> str:
    return email_changes.agree(rows, opened, side, host=host(), now=now()).value


def _refuse(rows: Session, opened: OpenedLink) -> str:
    email_changes.refuse(rows, opened, now=now())
    return "refused"


def _open(side: str, token: str) -> OpenedLink:
    return links().open(PURPOSES[Side(side)], token, now=now())


def _gone(error: LinkInvalid) -> Response:
    status = NOT_FOUND if type(error) is LinkInvalid else GONE
    return make_response(_email_page("gone"), status)


def _details(name: str, errors: dict[str, str] | None = None) -> str:
    return render_template(
        "public/my_details.html",
        name=name,
        language=babel.current_language(),
        errors=errors or {},
        is_all=reader().only is None,
        email=reader().listener.email,
        form_url=url_for("my.save_details"),
        email_url=url_for("my.email_page"),
        my_url=url_for("my.home"),
    )


def _email(typed: str = "", error: str | None = None) -> str:
    with house().database.reading() as rows:
        waiting = email_changes.find_waiting(rows, reader().listener.id, now=now())
    return _email_page(
        "form",
        email=typed,
        error=error,
        old_email=reader().listener.email,
        waiting=waiting.email if waiting else None,
    )


def _email_page(kind: str, **more: object) -> str:
    blank = dict.fromkeys(BLANK)
    return render_template(
        "public/my_email.html",
        kind=kind,
        **(blank | more),
        form_url=url_for("my.ask_email"),
        keeper=keeper(),
        dev_mail_url=url_for("dev.mails") if is_demo_seen_from_here() else None,
        my_url=url_for("my.home"),
        details_url=url_for("my.details_page"),
    )


# The token in its address authorises it; it may be opened where she never signed in.
csrf.exempt(agree_email)
