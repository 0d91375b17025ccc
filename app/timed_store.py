"""A store of which each call is timed: what `cadans serve` and `cadans worker` are given."""

from functools import wraps
from typing import Any, Final, cast

from app.figures import Figures
from media.store import Store

# What asks something of the store. Lists come bit by bit, and signing asks nobody.
TIMED: Final = (
    "put",
    "stat",
    "open",
    "delete",
    "check",
    "begin_upload",
    "put_part",
    "parts",
    "complete_upload",
    "abort_upload",
)


def time_store(store: Store, figures: Figures) -> Store:
    """Answer the same store; what it is asked is counted in `figures`."""
    return cast("Store", _TimedStore(store, figures))


class _TimedStore:
    def __init__(self, store: Store, figures: Figures) -> None:
        self._store = store
        for name in TIMED:
            setattr(self, name, _timed(getattr(store, name), name, figures))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever else a store can do)
        return getattr(self._store, name)


def _timed(call: Any, name: str, figures: Figures) -> Any:  # noqa: ANN401 (any method of a store)
    @wraps(call)
    def timed(*args: Any, **more: Any) -> Any:  # noqa: ANN401
        with figures.watching_store(name):
            return call(*args, **more)

    return timed
