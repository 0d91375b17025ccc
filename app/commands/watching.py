"""What a worker answers to those who watch it, on a host where no web process does."""

import socket
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from app.errors import CadansError
from app.house import House
from app.setting_values import Bind


class BindTaken(CadansError):
    """Somebody else listens there, or there is no such address here."""

    def __init__(self, bind: Bind, reason: str) -> None:
        super().__init__(
            f"CADANS_METRICS_BIND says {bind}, where this worker cannot listen ({reason}):"
            " give each worker a port of its own, or leave the setting out."
        )


class _Server(ThreadingMixIn, WSGIServer):
    # A worker that ends waits for nobody who watches.
    daemon_threads = True


class _ServerV6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: whoever asks four times a minute fills a log."""


def open_watch_door(house: House) -> None:
    """Answer at CADANS_METRICS_BIND, if it is set, until this process ends.

    Raises:
        BindTaken: nobody can listen there.
    """
    bind = house.settings.metrics_bind
    if bind is None:
        return
    kind = _ServerV6 if ":" in bind.host else _Server
    try:
        server = kind((bind.host, bind.port), _Quiet)
    except OSError as error:
        raise BindTaken(bind, error.strerror or type(error).__name__) from error
    # Pages take half a second to load: nobody waits for them who is not watched.
    from app.web.building import build_watch_app  # noqa: PLC0415

    server.set_app(build_watch_app(house))
    threading.Thread(target=server.serve_forever, name="cadans-watched", daemon=True).start()
