"""Where the doctor of this house asks it from outside: `/hooks/doctor`, and nothing for others.

She learns how the house sees those who come through the proxies, and how busy it is.
"""

from http import HTTPStatus
from typing import cast

from flask import Blueprint, Flask, Response, abort, g, request
from flask.blueprints import BlueprintSetupState

from app.clock import system_clock
from app.policy import Access
from app.services.house_calls import PATH, SCHEME, HouseCalls, QuestionInvalid, Seen
from app.setting_values import AudioDelivery
from app.version import __version__
from app.web import access, threads
from app.web.current import house
from app.web.delivery.audio import accel_path
from app.web.proxies import is_named, peer_of
from media.errors import ObjectNotFound
from media.keys import ObjectKey

calls = Blueprint("calls", __name__)


@calls.get(PATH)
@access.for_(Access.DOCTOR)
def doctor() -> Response:
    """Say how the question came in, to her who could ask it; or send her an object of hers."""
    if g.question.object_key is not None:
        return _sound(g.question.object_key)
    peer, settings = peer_of(request.environ), house().settings
    seen = Seen(
        at=system_clock(),
        version=__version__,
        base_url=settings.base_url,
        peer=peer,
        is_believed=is_named(peer, settings.trusted_proxies),
        caller=request.remote_addr or "",
        scheme=request.scheme,
        forwarded_for=request.headers.get("X-Forwarded-For"),
        forwarded_proto=request.headers.get("X-Forwarded-Proto"),
        busy=threads.busy_threads(),
        threads=threads.all_threads(request.environ),
    )
    return Response(_house_calls().answer(g.question, seen), content_type="text/plain")


def _sound(key: ObjectKey) -> Response:
    """Send it by whom audio is sent when no store does it: by nginx, or by this process."""
    if house().settings.audio is AudioDelivery.ACCEL:
        return Response(headers={"X-Accel-Redirect": accel_path(key)})
    try:
        with house().store.open(key) as opened:
            content = b"".join(opened)
    except ObjectNotFound:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(content, content_type="application/octet-stream")
    response.make_conditional(request, accept_ranges=True, complete_length=len(content))
    return response


@calls.record_once
def set_up(state: BlueprintSetupState) -> None:
    """Stand before it."""
    access.add_gate(cast("Flask", state.app), Access.DOCTOR, _let_the_doctor_in)


def _let_the_doctor_in() -> None:
    text = request.headers.get("Authorization", "").removeprefix(f"{SCHEME} ")
    try:
        # By the true clock: that of a demo runs ahead.
        g.question = _house_calls().open(text, now=system_clock())
    except QuestionInvalid:
        abort(HTTPStatus.NOT_FOUND)


def _house_calls() -> HouseCalls:
    return HouseCalls(keys=house().settings.secret_keys)
