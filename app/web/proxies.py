"""Who really asks, when proxies stand in front: only the named ones are believed."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Final

from flask import Flask

from app.web.request_ids import FROM_PROXY

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Networks = tuple[IPv4Network | IPv6Network, ...]

# Where the machine that connected stays known, whoever it spoke for.
PEER: Final = "cadans.peer"


class TrustedProxies:
    """Sets REMOTE_ADDR and the scheme from X-Forwarded headers of the named networks alone.

    The address taken is the last one in X-Forwarded-For that is no proxy of ours: everything before
    it was written by whoever asked.
    """

    def __init__(self, app: "WSGIApplication", networks: Networks) -> None:
        self._app = app
        self._networks = networks

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        """Mend the environment and pass on."""
        environ[PEER] = peer = environ.get("REMOTE_ADDR", "")
        if self._is_ours(peer):
            hops = [hop.strip() for hop in environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            strangers = [hop for hop in hops if hop and not self._is_ours(hop)]
            environ[FROM_PROXY] = True
            if strangers:
                environ["REMOTE_ADDR"] = strangers[-1]
            if environ.get("HTTP_X_FORWARDED_PROTO") in {"http", "https"}:
                environ["wsgi.url_scheme"] = environ["HTTP_X_FORWARDED_PROTO"]
        return self._app(environ, start)

    def _is_ours(self, text: str) -> bool:
        return is_named(text, self._networks)


def is_named(text: str, networks: Networks) -> bool:
    """Tell whether an address lies in one of the networks; what is none lies nowhere."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


def peer_of(environ: "WSGIEnvironment") -> str:
    """Answer the address of the machine that connected: a proxy's own, where there is one."""
    return str(environ.get(PEER) or environ.get("REMOTE_ADDR", ""))


def set_up(app: Flask, networks: Networks) -> None:
    """Believe the named proxies, if there are any."""
    if networks:
        app.wsgi_app = TrustedProxies(app.wsgi_app, networks)  # type: ignore[method-assign,assignment]  # (Flask's documented seam)
