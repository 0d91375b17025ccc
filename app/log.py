"""Events with fields on standard error; no tokens, names or addresses among them.

For people or as JSON, one line each, with the id of the request or the name of the work that they
belong to. Of an error only what it was and where: its message may quote anything.
"""

import logging
import sys
import threading
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog

from app.faults import Report
from app.scrub import say_where, scrub_all

Event = MutableMapping[str, Any]

TROUBLE: Final = frozenset({"warning", "error", "exception", "critical"})
# Of one kind so many in so many seconds are enough to see what is wrong.
MOST_ALIKE: Final = 20
FLOOD_SECONDS: Final = 10.0
# The fields that tell kinds apart: each has few values.
KIND: Final = ("endpoint", "task", "name", "door", "part", "template", "error")


def set_up_logging(*, is_json: bool = False, report: Report | None = None) -> None:
    """Send our events and those of libraries (warnings and worse) to standard error.

    `report` is told besides of every error that an event is about.
    """
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if is_json
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        partial(_describe_error, report),
        _scrub,
    ]
    structlog.configure(
        processors=[_Floods(), *shared, renderer],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _take_in_libraries(shared, renderer)
    logging.captureWarnings(capture=True)
    threading.excepthook = _note_lost_thread


def _take_in_libraries(
    shared: list[structlog.types.Processor], renderer: structlog.types.Processor
) -> None:
    """Let what libraries log look like our own events, and pass through the same sieve."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *shared,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for older in root.handlers[:]:
        if isinstance(older.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(older)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)


@dataclass(slots=True)
class _Flood:
    """What came of one kind since an instant."""

    begun: float
    count: int = 1
    held_back: int = 0


class _Floods:
    """Holds back what says the same again and again: a database that is away fails every request.

    The next one that is let through says how many were held back; all of them are in the figures.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._floods: dict[tuple[str, ...], _Flood] = {}

    def __call__(self, logger: object, method: str, event: Event) -> Event:
        del logger
        if method not in TROUBLE:
            return event
        kind = (event["event"], *(str(event.get(name)) for name in KIND))
        with self._turn:
            held_back = self._count(kind, time.monotonic())
        if held_back is None:
            raise structlog.DropEvent
        return {**event, "held_back": held_back} if held_back else event

    def _count(self, kind: tuple[str, ...], now: float) -> int | None:
        """Answer how many were held back before this one; None: this one is too."""
        flood = self._floods.get(kind)
        if flood is None or now - flood.begun >= FLOOD_SECONDS:
            self._floods[kind] = _Flood(begun=now)
            return flood.held_back if flood else 0
        flood.count += 1
        if flood.count <= MOST_ALIKE:
            return 0
        flood.held_back += 1
        return None


def _describe_error(report: Report | None, logger: object, name: str, event: Event) -> Event:
    """Put in place of an error what it was and where, and report it."""
    del logger, name
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()[1]
    elif isinstance(found, tuple):
        found = found[1]
    if isinstance(found, BaseException):
        if report is not None:
            report(found, scrub_all(event))
        event["exception"] = say_where(found)
    return event


def _scrub(logger: object, name: str, event: Event) -> Event:
    del logger, name
    return {key: scrub_all(value) for key, value in event.items()}


def _note_lost_thread(lost: threading.ExceptHookArgs) -> None:
    """Write down that a thread ended by an error that nobody caught."""
    if lost.exc_type is not SystemExit:
        thread = lost.thread.name if lost.thread else None
        structlog.get_logger().error("thread_lost", thread=thread, exc_info=lost.exc_value)
