"""Events with fields on standard error; no tokens, names or addresses among them.

For people or as JSON, one line each, with the id of the request or the name of the work that they
belong to. Of an error only what it was and where: its message may quote anything.
"""

import logging
import sys
import threading
from collections.abc import MutableMapping
from functools import partial
from typing import Any

import structlog

from app.faults import Report
from app.scrub import say_where, scrub_all

Event = MutableMapping[str, Any]


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
        processors=[*shared, renderer],
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
