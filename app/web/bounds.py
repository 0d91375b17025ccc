"""What may come in at all: how long a body is, what a text holds, how large a number is.

What no table can keep is refused here, in words, before anybody looks at it further.
"""

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final

from flask import Flask, Request, Response, abort, current_app, request
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import IntegerConverter

from app.errors import InvalidInput
from app.policy import Access
from app.web import access
from app.web.request_ids import FROM_PROXY

# The longest form of a stranger is a name and an address; an owner's holds a story.
STRANGER_BYTES: Final = 64 * 2**10
OWNER_BYTES: Final = 2 * 2**20
# Amazon SNS sends 256 kB at most (its quotas, 2026-11); other providers far less.
PROVIDER_BYTES: Final = 256 * 2**10
# A view that takes more says so: `admin.face.takes_up_to`, the parts of an upload.
BODY_BYTES: Final[Mapping[Access, int]] = MappingProxyType(
    {
        Access.ANYONE: STRANGER_BYTES,
        Access.LINK: STRANGER_BYTES,
        Access.LISTENER: STRANGER_BYTES,
        Access.ACCOUNT: OWNER_BYTES,
        Access.COURSE: OWNER_BYTES,
        Access.SCRIPT: OWNER_BYTES,
        Access.PROVIDER: PROVIDER_BYTES,
        Access.DOCTOR: STRANGER_BYTES,
        Access.MONITOR: STRANGER_BYTES,
        Access.DEMO: STRANGER_BYTES,
    }
)
# What of a refused body is taken in: nginx passes on parts of an upload up to this size.
REFUSED_BYTES: Final = 16 * 2**20
CHUNK_BYTES: Final = 64 * 2**10
_REFUSED: Final = 400
# What SQLite and a bigint of PostgreSQL hold.
LARGEST_NUMBER: Final = 2**63 - 1
# PostgreSQL keeps no NUL in a text.
NUL: Final = "\0"
UNTYPED: Final = "\1"
# Their bodies are no forms, whatever they call them.
_WITHOUT_FORMS: Final = frozenset({Access.SCRIPT, Access.PROVIDER})


class Number(IntegerConverter):
    """A number in an address that a table can look for: with more digits it names nothing."""

    regex = r"\d{1,18}"


class Typed(ImmutableMultiDict[str, Any]):
    """What somebody filled in: a NUL comes in as another sign that no pen writes."""

    def __init__(self, mapping: Any = None) -> None:  # noqa: ANN401 (as Werkzeug has it)
        pairs = MultiDict(mapping).items(multi=True)
        super().__init__([(_without_nul(name), _without_nul(value)) for name, value in pairs])


class BoundRequest(Request):
    """A request whose texts tables can keep."""

    parameter_storage_class = Typed


def set_up(app: Flask) -> None:
    """Bound every body before anything reads it."""
    app.request_class = BoundRequest
    app.config.update(MAX_CONTENT_LENGTH=OWNER_BYTES)
    app.url_map.converters["int"] = Number
    app.before_request(_bound_body)
    app.after_request(_take_in_the_rest)


def read_json() -> object:
    """Answer the body as JSON whose texts and numbers tables can keep.

    Raises:
        InvalidInput: it is no JSON, is nested beyond all measure, or holds something else.
        RequestEntityTooLarge: it is longer than the view takes.
    """
    return parse_json(read_body())


def read_body() -> bytes:
    """Answer the whole body.

    Raises:
        RequestEntityTooLarge: it is longer than the view takes.
    """
    found = request.get_data()
    most = request.max_content_length
    # Of a body that does not say how long it is, Werkzeug reads so much and says nothing.
    if request.content_length is None and most is not None and len(found) >= most:
        raise RequestEntityTooLarge
    return found


def parse_json(text: str | bytes) -> object:
    """Answer what `read_json` answers, of a text."""
    try:
        found: Any = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise InvalidInput({"body": "is not JSON"}) from error
    waiting = [found]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting += [*each, *each.values()]
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str):
            _check_text(each)
        elif isinstance(each, int) and abs(each) > LARGEST_NUMBER:
            raise InvalidInput({"body": "holds a number that is too large"})
    return found


def _bound_body() -> None:
    if request.endpoint is None:
        return
    if NUL in request.path:
        abort(404)
    kind = access.access_of(current_app, request.endpoint)
    request.max_content_length = BODY_BYTES.get(kind, 0) if kind else 0
    view = current_app.view_functions[request.endpoint]
    # A form would be cut off where it is too long, see `read_body`. No browser sends one so.
    is_form = kind not in _WITHOUT_FORMS and not hasattr(view, "body_size")
    if is_form and "Transfer-Encoding" in request.headers:
        abort(411)


def _take_in_the_rest(response: Response) -> Response:
    """Read what a refused request still holds, so that its sender gets as far as the answer.

    A proxy that finds the connection shut while it sends answers for us that the house is down.
    """
    if response.status_code >= _REFUSED and _is_held_by_a_proxy():
        left = min(request.content_length or 0, REFUSED_BYTES)
        # Gone meanwhile: nobody waits for an answer.
        with suppress(OSError):
            while left > 0 and (some := request.environ["wsgi.input"].read(min(left, CHUNK_BYTES))):
                left -= len(some)
    return response


def _is_held_by_a_proxy() -> bool:
    """Whether the whole body lies there already; who sends it himself may take for ever.

    Whole recordings pass through as they come (`scripts/deploy/nginx/cadans/house.conf`).
    """
    if FROM_PROXY not in request.environ or request.endpoint is None:
        return False
    view = current_app.view_functions[request.endpoint]
    return request.method == "PUT" or not hasattr(view, "body_size")


def _without_nul(typed: Any) -> Any:  # noqa: ANN401 (a text or a file)
    return typed.replace(NUL, UNTYPED) if isinstance(typed, str) else typed


def _refuse_constant(name: str) -> None:
    # NaN and Infinity, which Python reads and JSON does not know (RFC 8259, section 6).
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(text)
    return number


def _check_text(text: str) -> None:
    # JSON can write half of a surrogate pair, which is no letter and cannot be encoded.
    if NUL in text or (not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)):
        raise InvalidInput({"body": "holds a sign that cannot be kept"})
