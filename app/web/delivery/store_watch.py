"""Whether the store answers: nobody is sent to one that does not, and no thread waits for it."""

import threading
import time
from typing import Final

import structlog

from media.errors import MediaError, StoreUnreachable
from media.store import ObjectStore

log = structlog.get_logger()

# How long a look at the store holds. It costs one request of a process in that time, and only
# while somebody listens.
LOOK_SECONDS: Final = 5.0


class StoreWatch:
    """Looks now and then, when asked; one thread looks, the others go by the last look.

    `store` None: a folder of this machine, which needs no watch.
    """

    def __init__(self, store: ObjectStore | None) -> None:
        self._store = store
        self._looking = threading.Lock()
        self._next_look = 0.0
        self._is_down = False

    def is_down(self) -> bool:
        """Whether the store did not answer when it was last looked at."""
        if self._store is None:
            return False
        if time.monotonic() >= self._next_look and self._looking.acquire(blocking=False):
            try:
                self._look(self._store)
            finally:
                self._looking.release()
        return self._is_down

    def _look(self, store: ObjectStore) -> None:
        was_down, self._is_down = self._is_down, not _answers(store)
        self._next_look = time.monotonic() + LOOK_SECONDS
        if was_down != self._is_down:
            log.warning("store_down" if self._is_down else "store_back")


def _answers(store: ObjectStore) -> bool:
    """Refused or missing is an answer too; whoever asks for an object meets it, and says so."""
    try:
        store.check()
    except StoreUnreachable:
        return False
    except MediaError:
        return True
    return True
