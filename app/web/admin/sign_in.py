"""Sign in, sign out, and a new password by mail."""

from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from flask import (
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user, login_user, logout_user
from werkzeug import Response as AnyResponse

from app.db.models import Account
from app.errors import LinkUsed, TooManyRequests
from app.policy import Access
from app.services import accounts, limits, passwords
from app.services.links import Links, Purpose
from app.web import access
from app.web.admin import devices
from app.web.admin.face import SEE_OTHER, SignedIn, admin
from app.web.babel import gettext as _
from app.web.current import house, now

# Checking a password is slow on purpose, so no network may make us do it without end.
TRIES: Final = limits.Limit(name="sign-in", times=60, window=timedelta(minutes=10))
RESETS: Final = limits.Limit(name="reset", times=10, window=timedelta(hours=1))
RESET: Final = "password_reset"
UNPROCESSABLE: Final = 422


@admin.get("/sign-in")
@access.for_(Access.ANYONE)
def sign_in() -> AnyResponse:
    """Show the form, or the courses to whoever is signed in already."""
    if current_user.is_authenticated:
        return redirect(_next())
    return _form("", {})


@admin.post("/sign-in")
@access.for_(Access.ANYONE)
def check_sign_in() -> AnyResponse:
    """Let in who knows the password."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    errors = _missing(email, password)
    account = None if errors else _check(email, password)
    if account is None:
        return _form(email, errors or {"": _wrong_words()})
    _start_session(account)
    response = make_response(redirect(_next(), SEE_OTHER))
    devices.remember(response, account.id)
    return response


@admin.post("/sign-in/out")
@access.for_(Access.ANYONE)
def sign_out() -> AnyResponse:
    """End the session on this device."""
    logout_user()
    session.pop("csrf_token", None)
    flash(_("You are signed out."), "good")
    return redirect(url_for("admin.sign_in"), SEE_OTHER)


@admin.get("/sign-in/forgotten")
@access.for_(Access.ANYONE)
def forgotten() -> str:
    """Ask for which address."""
    return render_template("admin/forgotten.html", values={}, errors={}, is_sent=False)


@admin.post("/sign-in/forgotten")
@access.for_(Access.ANYONE)
def ask_reset() -> str:
    """Send a link if there is such an account; the page never tells whether there is."""
    email = request.form.get("email", "")
    host = urlsplit(house().settings.base_url).hostname or "localhost"
    with house().database.writing() as rows:
        network = limits.network_of(request.remote_addr)
        if limits.is_within(rows, RESETS, network, now=now()):
            accounts.ask_reset(rows, email, host=host, now=now())
    return render_template("admin/forgotten.html", values={"email": email}, errors={}, is_sent=True)


@admin.get("/sign-in/new-password/<token>")
@access.for_(Access.LINK)
def open_reset_link(token: str) -> AnyResponse:
    """Keep what the link allows in the session, so that its token leaves the address bar."""
    links = Links(keys=house().settings.secret_keys)
    opened = links.open(Purpose.PASSWORD_RESET, token, now=now())
    until = opened.made_at + timedelta(minutes=60)
    session[RESET] = [opened.row_id, opened.epoch, until.timestamp()]
    return redirect(url_for("admin.new_password"), SEE_OTHER)


@admin.get("/sign-in/new-password")
@access.for_(Access.LINK)
def new_password() -> str:
    """Ask for the new password."""
    _account_of_reset()
    return _new_password_form({})


@admin.post("/sign-in/new-password")
@access.for_(Access.LINK)
def set_new_password() -> AnyResponse:
    """Set it, end every other session and go in."""
    account = _account_of_reset()
    password = request.form.get("password", "")
    if not passwords.MIN_CHARS <= len(password) <= passwords.MAX_CHARS:
        errors = {"password": _("Use at least %(num)s characters.", num=passwords.MIN_CHARS)}
        return make_response(_new_password_form(errors), UNPROCESSABLE)
    with house().database.writing() as rows:
        account = accounts.change_password(rows, account.id, password)
    session.pop(RESET)
    _start_session(account)
    flash(_("Your new password is set. Other devices are signed out."), "good")
    return redirect(url_for("admin.course_list"), SEE_OTHER)


def _check(email: str, password: str) -> Account | None:
    """Count the try, check outside any transaction, take the count back when it was right."""
    database = house().database
    with database.writing() as rows:
        is_welcome = limits.is_within(
            rows, TRIES, limits.network_of(request.remote_addr), now=now()
        )
        known = devices.known_account_id(rows)
        attempt = accounts.begin_try(rows, email, now=now(), known_account_id=known)
    if not is_welcome:
        raise TooManyRequests(TRIES.window)
    if not attempt.is_right(password) or attempt.account_id is None:
        return None
    with database.writing() as rows:
        return accounts.note_right(rows, attempt.account_id, password=password)


def _start_session(account: Account) -> None:
    # A token from before belongs to whoever sat here before.
    session.pop("csrf_token", None)
    session.permanent = True
    login_user(SignedIn(account))


def _account_of_reset() -> Account:
    account_id, epoch, until = session.get(RESET, [0, 0, 0])
    with house().database.reading() as rows:
        account = accounts.find_signed_in(rows, account_id, epoch)
    if account is None or now().timestamp() >= until:
        raise LinkUsed
    return account


def _next() -> str:
    """Answer where to go on: only into the owner's rooms, never to another site."""
    asked = request.values.get("next", "")
    is_ours = asked.startswith("/admin/") and asked.isprintable()
    return asked if is_ours else url_for("admin.course_list")


def _missing(email: str, password: str) -> dict[str, str]:
    errors = {}
    if not email.strip():
        errors["email"] = _("Type your e-mail address.")
    if not password:
        errors["password"] = _("Type your password.")
    return errors


def _wrong_words() -> str:
    # The same words for an unknown address, a wrong password and a try that came too early.
    return _(
        "That address and password do not belong together. After three wrong tries wait a minute:"
        " until then even the right password is not looked at. Or ask for a new password."
    )


def _form(email: str, errors: dict[str, str]) -> Response:
    page = render_template(
        "admin/sign_in.html",
        values={"email": email, "next": request.values.get("next", "")},
        errors=errors,
    )
    return make_response(page, UNPROCESSABLE if errors else 200)


def _new_password_form(errors: dict[str, str]) -> str:
    return render_template("admin/new_password.html", errors=errors, least=passwords.MIN_CHARS)
