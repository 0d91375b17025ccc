"""How long the database takes for each statement of the engine, told to whoever counts."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

_BEGUN = "_cadans_begun"


def time_statements(
    engine: Engine, *, took: Callable[[float], None], failed: Callable[[str], None]
) -> None:
    """Call `took` with the seconds of each statement, or `failed` with the kind of its error.

    Not those of polls: they have a connection of their own (`app.db.asking`).
    """

    def begin(*args: Any) -> None:  # noqa: ANN401 (what SQLAlchemy passes)
        setattr(args[4], _BEGUN, time.perf_counter())

    def end(*args: Any) -> None:  # noqa: ANN401
        took(time.perf_counter() - getattr(args[4], _BEGUN))

    def fail(context: ExceptionContext) -> None:
        failed(type(context.original_exception).__name__)

    event.listen(engine, "before_cursor_execute", begin)
    event.listen(engine, "after_cursor_execute", end)
    event.listen(engine, "handle_error", fail)
