"""A store of which each call is timed: what `cadans serve` and `cadans worker` are given."""

import time
from collections.abc import Callable
from typing import Any, Final, cast

from app.figures import Figures
from app.traces import Traces
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


def time_store(store: Store, figures: Figures, traces: Traces) -> Store:
    """Answer the same store; what it is asked is counted in `figures` and told to `traces`."""
    return cast("Store", _TimedStore(store, figures, traces))


class _TimedStore:
    def __init__(self, store: Store, figures: Figures, traces: Traces) -> None:
        self._store = store

        def took(name: str, seconds: float) -> None:
            figures.store_took(name, seconds)
            traces.note_part(f"store {name}", seconds)

        for name in TIMED:
            call = _Timed(getattr(store, name), name, took, figures.store_failed)
            setattr(self, name, call)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever else a store can do)
        return getattr(self._store, name)


class _Timed:
    """One method of a store."""

    def __init__(
        self,
        call: Callable[..., Any],
        name: str,
        took: Callable[[str, float], None],
        failed: Callable[[str, str], None],
    ) -> None:
        self._call = call
        self._name = name
        self._took = took
        self._failed = failed

    def __call__(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 (those of the method)
        begun = time.perf_counter()
        try:
            return self._call(*args, **more)
        except Exception as error:
            self._failed(self._name, type(error).__name__)
            raise
        finally:
            self._took(self._name, time.perf_counter() - begun)
