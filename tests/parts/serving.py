"""A server of a test in a thread of its own, as long as a block lasts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from socketserver import BaseServer
from typing import TYPE_CHECKING

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# How soon it hears that it may end.
POLL_SECONDS = 0.02


class QuietServer(ThreadingHTTPServer):
    """Takes no notice of who hangs up."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A reader that has seen enough, or does not trust a certificate, is no news."""


@contextmanager
def serving(server: BaseServer) -> Iterator[None]:
    """Let it answer until the block ends, and close it."""
    thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving_app(app: "WSGIApplication", host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Let an application answer until the block ends: where it does."""
    server = make_server(host, port, _in_one_piece(app), threaded=True)
    with serving(server):
        yield f"http://{host}:{server.server_port}"


def _in_one_piece(app: "WSGIApplication") -> "WSGIApplication":
    """Werkzeug's server leaves an answer open, and its file, when a browser hangs up on it."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
        pieces = app(environ, start_response)
        try:
            return [b"".join(pieces)]
        finally:
            if hasattr(pieces, "close"):
                pieces.close()

    return answer
