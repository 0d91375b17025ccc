"""A fresh sign-in, for what cannot be taken back: a new address, another e-mail address, erasure.

Whoever finds a browser that is still signed in does not hold the mailbox. So these pages ask for a
link by mail that was opened within half an hour, and the link leads back to where she was.
"""

import re
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from flask import make_response, redirect, render_template, request, url_for
from werkzeug import Response

from app.policy import Access
from app.services import signup
from app.services.email_addresses import parse_address
from app.services.signup import LinkAsked
from app.web import access, babel
from app.web.current import house, now
from app.web.links import host, is_demo_seen_from_here, network
from app.web.my.face import SEE_OTHER, my, reader

P = ParamSpec("P")
Answer = TypeVar("Answer")

FORBIDDEN: Final = 403
# What a link may lead back to: pages of hers alone, which hold no secret in their addresses.
OWN_PAGE: Final = re.compile(r"/my/[a-z0-9/-]{1,150}")


def needs_fresh(view: Callable[P, Answer]) -> Callable[P, Answer | Response]:
    """Let a view answer only after a fresh sign-in, and otherwise ask for one.

    Stands under `access.for_(Access.LISTENER)`. A view that takes a POST needs one for GET at the
    same address: that is where the link leads back to.
    """

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Answer | Response:
        if reader().is_fresh:
            return view(*args, **kwargs)
        page = render_template(
            "public/fresh.html",
            email=reader().listener.email,
            ask_url=url_for("my.ask_fresh"),
            back_to=request.path,
            my_url=url_for("my.home"),
        )
        return make_response(page, FORBIDDEN)

    return guarded


@my.post("/my/fresh")
@access.for_(Access.LISTENER)
def ask_fresh() -> Response:
    """Mail her a sign-in link that leads back to the page on which she asked."""
    back_to = request.form.get("back_to", "")
    if not OWN_PAGE.fullmatch(back_to):
        return redirect(url_for("my.home"), SEE_OTHER)
    email = reader().listener.email
    asked = LinkAsked(
        address=parse_address(email), language=babel.current_language(), back_to=back_to
    )
    with house().database.writing() as rows:
        signup.ask_link(rows, asked, network=network(), host=host(), now=now())
    page = render_template(
        "public/check_mail.html",
        kind="sign-in",
        email=email,
        back_url=url_for("my.home"),
        dev_mail_url=url_for("dev.mails") if is_demo_seen_from_here() else None,
    )
    return make_response(page)


def way_back() -> str | None:
    """Answer the page that a sign-in link leads back to; None: to her courses."""
    asked = request.args.get("to", "")
    return asked if OWN_PAGE.fullmatch(asked) else None
