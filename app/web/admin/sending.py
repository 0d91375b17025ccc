"""Objects of the store, for owners: pictures and audio, with ranges (RFC 9110 section 14)."""

from collections.abc import Iterator

from flask import Response, redirect, request
from werkzeug import Response as AnyResponse

from app.errors import NotFound
from app.setting_values import AudioDelivery
from app.web.current import house
from media.errors import ObjectNotFound, RangeNotSatisfiable
from media.keys import ObjectKey
from media.ranges import find_range, render_unsatisfied
from media.store import OpenObject, StoredObject

PARTIAL = 206
UNSATISFIED = 416
# An owner listens now; who comes back later asks again.
PRESIGN_SECONDS = 3600


def send_audio(key: ObjectKey, content_type: str) -> AnyResponse:
    """Send audio, by a redirect to the store where browsers reach it."""
    if house().settings.audio is AudioDelivery.REDIRECT and request.method == "GET":
        address = house().store.presign_get(key, seconds=PRESIGN_SECONDS, content_type=content_type)
        if address is not None:
            return redirect(address)
    return send_object(key, content_type)


def send_bytes(content: bytes, content_type: str) -> AnyResponse:
    """Send what we hold in memory, or the range of it that was asked for."""
    response = Response(content, content_type=content_type)
    response.add_etag()
    return response.make_conditional(request, accept_ranges=True, complete_length=len(content))


def send_object(key: ObjectKey, content_type: str) -> Response:
    """Send an object ourselves, or the range of it that was asked for.

    Raises:
        NotFound: the store has no such object (any more).
    """
    try:
        stored = house().store.stat(key)
    except ObjectNotFound as error:
        raise NotFound(key) from error
    try:
        wanted = find_range(
            request.headers.get("Range"),
            request.headers.get("If-Range"),
            etag=stored.etag,
            size_bytes=stored.size_bytes,
        )
    except RangeNotSatisfiable:
        response = Response(status=UNSATISFIED)
        response.headers["Content-Range"] = render_unsatisfied(stored.size_bytes)
        return response
    start = wanted.start if wanted else 0
    length = wanted.length if wanted else stored.size_bytes
    response = _body(stored, start, length)
    response.content_type = content_type
    response.content_length = length
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["ETag"] = stored.etag
    if wanted:
        response.status_code = PARTIAL
        response.headers["Content-Range"] = wanted.content_range
    return response


def _body(stored: StoredObject, start: int, length: int) -> Response:
    if request.method == "HEAD":
        return Response()
    opened = house().store.open(stored.key, start=start, length=length)
    response = Response(_chunks(opened))
    # For the answer that is never begun to be sent.
    response.call_on_close(opened.close)
    return response


def _chunks(opened: OpenObject) -> Iterator[bytes]:
    with opened:
        yield from opened
