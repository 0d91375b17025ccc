"""The id of a request: it stands in the log, in the answer, and on the page that says sorry."""

import re
import secrets
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HEADER: Final = "X-Request-Id"
# Set by `app.web.proxies` when a proxy that we believe passed the request on.
FROM_PROXY: Final = "cadans.from_proxy"
_ID: Final = "cadans.request_id"
_RANDOM_BYTES: Final = 8
# What proxies make: nginx 32 hex digits, others a UUID. Nobody's token or name looks like that.
_FORM: Final = re.compile(r"[0-9a-f]{16,32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def request_id_of(environ: "WSGIEnvironment") -> str:
    """Answer the id of a request, the same one however often: our proxy's, else one of our own."""
    if _ID not in environ:
        given = environ.get("HTTP_X_REQUEST_ID", "") if environ.get(FROM_PROXY) else ""
        environ[_ID] = given if _FORM.fullmatch(given) else secrets.token_hex(_RANDOM_BYTES)
    return cast("str", environ[_ID])
