"""Counts fetches in this process; a thread of its own writes them down, never a request."""

import atexit
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog

from app.db.session import Database
from app.services import leak_signs
from app.services.apps import subscribers_reported
from app.services.fetches import Caller, FetchBuffer, FetchKey, write_fetches

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = structlog.get_logger()

# 100 rows a second and process: twice what 100,000 apps make that poll every half hour, and 1 % of
# a core on SQLite. In a storm of polls more waits in memory, where the same fetches add up.
EVERY_SECONDS: Final = 2.0
BATCH: Final = 200
# About 80 MB. With the database down for long, statistics go rather than the process.
MOST_KEPT: Final = 200_000
# What a process that stops still writes, in a second or two.
LAST_BATCHES: Final = 100


def caller_of(environ: "WSGIEnvironment") -> Caller:
    """Answer who asks; behind proxies only the named ones are believed (`app.web.proxies`)."""
    user_agent = environ.get("HTTP_USER_AGENT", "")
    return Caller(environ.get("REMOTE_ADDR", ""), subscribers_reported(user_agent))


class FetchCounter:
    """A buffer, and a thread that runs only while something is in it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._buffer = FetchBuffer(MOST_KEPT)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def count(
        self, key: FetchKey, *, at: datetime, size: int, caller: Caller | None = None
    ) -> None:
        """Count one fetch of `size` bytes."""
        self._buffer.count(key, bytes_sent=size, at=at, caller=caller)
        if self._thread is None:
            self._wind_up()

    def flush(self) -> None:
        """Write down what was counted, as far as the database takes it."""
        for _ in range(LAST_BATCHES):
            if not self._write():
                return

    def close(self) -> None:
        """Write down what was counted, for the last time."""
        atexit.unregister(self.close)
        thread = self._thread
        self._stop.set()
        if thread is not None:
            thread.join()
        self.flush()

    def _wind_up(self) -> None:
        with self._lock:
            if self._thread is not None or self._stop.is_set():
                return
            self._thread = threading.Thread(target=self._run, name="cadans-fetches", daemon=True)
            self._thread.start()
        atexit.register(self.close)

    def _run(self) -> None:
        while len(self._buffer) and not self._stop.wait(EVERY_SECONDS):
            self._write()
        with self._lock:
            self._thread = None
        if len(self._buffer):
            # Counted between our last look and now.
            self._wind_up()

    def _write(self) -> bool:
        """Write one batch; answer whether there was one and the database took it."""
        batch = self._buffer.take(BATCH)
        if not batch:
            return False
        try:
            with self._database.writing() as session:
                leak_signs.look(session, write_fetches(session, list(batch.items())))
        except Exception as error:  # noqa: BLE001 (whatever a driver may raise; requests go on)
            log.warning("fetches_not_written", error=type(error).__name__)
            self._buffer.put_back(batch)
            return False
        return True
