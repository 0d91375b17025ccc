"""Where mail providers tell of mail that came back: `/hooks/mail/…`, each opened by its setting.

An answer is one line of text. What a provider says goes no further before it has proven who it is,
and none of it is ever logged.
"""

import hmac
import json
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import structlog
from flask import Blueprint, Response, abort, request

from app.errors import TooManyRequests
from app.mail.fetch import FetchFailed
from app.mail.providers import read_mailgun, read_postmark, read_ses
from app.mail.reports import Report
from app.mail.signatures import NotGenuine, check_mailgun, check_sns, is_sns_address
from app.policy import Access
from app.services import hooks as service
from app.services import limits
from app.services.limits import Limit
from app.setting_mail import Credentials
from app.web import access, bounds
from app.web.current import house, now
from app.web.links import network
from app.web.security import csrf

log = structlog.get_logger()

hooks = Blueprint("hooks", __name__, url_prefix="/hooks")
# No browser comes here, and no cookie counts.
csrf.exempt(hooks)

# What was not signed by who it should be, from one network. Each costs us a look at a certificate,
# and a password may be guessed.
REFUSALS: Final = Limit(name="hook refused", times=30, window=timedelta(hours=1))


@hooks.post("/mail/ses")
@access.for_(Access.PROVIDER)
def ses() -> Response:
    """Take what SES tells through a topic of SNS."""
    topics = house().settings.hook_ses
    if not topics:
        abort(HTTPStatus.NOT_FOUND)
    message = _body()
    # Anybody can let SNS send us a topic of his own: no reason to refuse what else it sends.
    if message.get("TopicArn") not in topics:
        return _say_no("another topic")
    _check_may_try()
    try:
        check_sns(message, house().fetch, now=now())
    except NotGenuine as error:
        return _refuse(error)
    if message.get("Type") == "SubscriptionConfirmation":
        return _confirm_topic(str(message.get("SubscribeURL", "")))
    if message.get("Type") != "Notification":
        return _line("nothing to do")
    return _take(read_ses(_parse(str(message.get("Message", "")))), "ses")


@hooks.post("/mail/postmark")
@access.for_(Access.PROVIDER)
def postmark() -> Response:
    """Take what Postmark tells; it signs nothing, so that it must know a password."""
    wanted = house().settings.hook_postmark
    if wanted is None:
        abort(HTTPStatus.NOT_FOUND)
    _check_may_try()
    if not _is_right(wanted):
        return _refuse()
    return _take(read_postmark(_body()), "postmark")


@hooks.post("/mail/mailgun")
@access.for_(Access.PROVIDER)
def mailgun() -> Response:
    """Take what Mailgun tells, each message once."""
    key = house().settings.hook_mailgun
    if key is None:
        abort(HTTPStatus.NOT_FOUND)
    body = _body()
    signature, event = body.get("signature"), body.get("event-data")
    try:
        token = check_mailgun(signature if isinstance(signature, dict) else {}, key, now=now())
    except NotGenuine as error:
        return _refuse(error)
    return _take(read_mailgun(event if isinstance(event, dict) else {}), "mailgun", token)


def _take(reports: Sequence[Report], source: str, token: bytes | None = None) -> Response:
    with house().database.writing() as session:
        if token is not None and not service.is_first(session, token, now=now()):
            return _line("known")
        stopped = service.take(session, reports, source=source, now=now())
    log.info("mail_came_back", source=source, reports=len(reports), stopped=stopped)
    return _line("ok")


def _confirm_topic(url: str) -> Response:
    """Say yes to SNS, where the address is its own; the message was signed, but so is a forward."""
    if not is_sns_address(url):
        log.warning("ses_topic_not_confirmed", why="its address is not one of Amazon SNS")
        return _line("not confirmed")
    try:
        house().fetch(url)
    except FetchFailed as error:
        log.warning("ses_topic_not_confirmed", why=str(error))
        return _line("not confirmed", HTTPStatus.BAD_GATEWAY)
    log.info("ses_topic_confirmed")
    return _line("confirmed")


def _is_right(wanted: Credentials) -> bool:
    given = request.authorization
    if given is None or given.type != "basic":
        return False
    is_user = hmac.compare_digest((given.username or "").encode(), wanted.user.encode())
    is_password = hmac.compare_digest((given.password or "").encode(), wanted.password.encode())
    return is_user and is_password


def _body() -> dict[str, Any]:
    # SNS calls its JSON text/plain.
    return _parse(bounds.read_body().decode("utf-8", "replace"))


def _parse(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        abort(HTTPStatus.BAD_REQUEST)
    if not isinstance(found, dict):
        abort(HTTPStatus.BAD_REQUEST)
    return found


def _check_may_try() -> None:
    """Raise TooManyRequests where too much came of late that was not signed by who it should be."""
    with house().database.writing() as session:
        if limits.is_used_up(session, REFUSALS, network(), now=now()):
            raise TooManyRequests(REFUSALS.window)


def _refuse(why: NotGenuine | None = None) -> Response:
    with house().database.writing() as session:
        limits.is_within(session, REFUSALS, network(), now=now())
    return _say_no(str(why or "wrong password"))


def _say_no(why: str) -> Response:
    log.warning("hook_refused", endpoint=request.endpoint, why=why)
    return _line("not signed by who it should be", HTTPStatus.FORBIDDEN)


def _line(text: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")
