"""Counts fetches in this process; a thread of its own writes them down, never a request."""

import atexit
import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import structlog

from app.db.session import Database
from app.services.fetches import FetchBuffer, FetchKey, Tally, write_fetches

log = structlog.get_logger()

FLUSH_SECONDS: Final = 15.0
# One transaction; on SQLite nobody else writes meanwhile.
BATCH: Final = 500
# About 60 MB. With the database down for long, statistics go rather than the process.
MOST_KEPT: Final = 200_000


class FetchCounter:
    """A buffer, and a timer that runs only while something is in it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._buffer = FetchBuffer()
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def count(self, key: FetchKey, *, at: datetime, size: int) -> None:
        """Count one fetch of `size` bytes."""
        self._buffer.count(key, bytes_sent=size, at=at)
        if self._timer is None:
            self._wind_up()

    def flush(self) -> None:
        """Write down what was counted; what cannot be written is kept for the next time."""
        with self._lock:
            self._timer = None
        taken = self._buffer.take()
        pairs = iter(list(taken.items()))
        while batch := list(islice(pairs, BATCH)):
            if not self._write(batch):
                self._keep([*batch, *pairs])
                return

    def close(self) -> None:
        """Write down what was counted, for the last time."""
        atexit.unregister(self.close)
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
        self.flush()
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()

    def _wind_up(self) -> None:
        with self._lock:
            if self._timer is not None:
                return
            self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
            self._timer.name, self._timer.daemon = "cadans-fetches", True
            self._timer.start()
        atexit.register(self.close)

    def _write(self, batch: Sequence[tuple[FetchKey, Tally]]) -> bool:
        try:
            with self._database.writing() as session:
                write_fetches(session, batch)
        except Exception as error:  # noqa: BLE001 (whatever a driver may raise; requests go on)
            log.warning("fetches_not_written", error=type(error).__name__)
            return False
        return True

    def _keep(self, pairs: Sequence[tuple[FetchKey, Tally]]) -> None:
        if len(self._buffer) + len(pairs) > MOST_KEPT:
            log.warning("fetches_dropped", count=len(pairs))
            return
        self._buffer.put_back(dict(pairs))
        self._wind_up()
