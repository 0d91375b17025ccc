"""Counts what the delivery face answered, by app and status: noted in a request, added up later.

A poll pays for one note in a queue. A thread of its own adds the notes up and hands the sums on:
counters that many processes share cost ten times as much, and wait for each other.
"""

import atexit
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

import structlog

from app.figures import Figures
from app.services.apps import app_named
from app.web.delivery.answers import Answer
from app.web.delivery.door import Door

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = structlog.get_logger()

# Short enough that adding up never holds up a poll for long.
EVERY_SECONDS: Final = 0.5
# Of so many requests one is timed.
TIMED_ONE_IN: Final = 16
# About 30 MB; never reached unless the thread is held up for many seconds.
MOST_NOTES: Final = 200_000
_STATUS_CHARS: Final = 3

Ask = Callable[[Door, "WSGIEnvironment"], Answer]


class Answered:
    """Asks a door, and notes what it answered."""

    def __init__(self, figures: Figures, ask: Ask) -> None:
        self._figures = figures
        self._ask = ask
        self._turns = count()
        # Door's prefix, status, user agent. Queues of this kind need no lock.
        self._notes: deque[tuple[str, str, str]] = deque(maxlen=MOST_NOTES)
        self._times: deque[tuple[str, float]] = deque(maxlen=MOST_NOTES)
        self._adding = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cadans-figures", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def answer(self, door: Door, prefix: str, environ: "WSGIEnvironment") -> Answer:
        """Answer what the door answers."""
        if next(self._turns) % TIMED_ONE_IN:
            answer = self._ask(door, environ)
        else:
            begun = time.perf_counter()
            answer = self._ask(door, environ)
            self._times.append((prefix, time.perf_counter() - begun))
        self._notes.append((prefix, answer.status, environ.get("HTTP_USER_AGENT", "")))
        return answer

    def add_up(self) -> None:
        """Hand on what was noted until now."""
        with self._adding:
            # Alike ones are found by the interpreter's own loop: one pays for itself, not for each.
            alike = Counter([self._notes.popleft() for _ in range(len(self._notes))])
            for (prefix, status, agent), times in alike.items():
                is_feed = prefix == "/f/"
                add = self._figures.answered_feed if is_feed else self._figures.answered_audio
                add(app_named(agent), status[:_STATUS_CHARS], times)
            for _ in range(len(self._times)):
                prefix, seconds = self._times.popleft()
                self._figures.delivery_took("feed" if prefix == "/f/" else "audio", seconds)

    def close(self) -> None:
        """Hand on what was noted, for the last time."""
        atexit.unregister(self.close)
        self._stop.set()
        self._thread.join()
        self.add_up()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            try:
                self.add_up()
            except Exception:
                # A full disk takes no figures; once there is room again, it does.
                log.exception("figures_lost")
