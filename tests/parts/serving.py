"""A server of a test in a thread of its own, as long as a block lasts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from socketserver import BaseServer

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
