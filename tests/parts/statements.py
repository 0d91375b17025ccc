"""SQL that every database of a test run shares in its compiled form: nearly every test has its own.

SQLAlchemy remembers what a statement was compiled to for as long as an engine lives, under the
statement and the engine's own dialect. Those of our engines differ in nothing but their identity.
"""

from typing import Any, Final

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

_COMPILED: Final[dict[Any, Any]] = {}


def share() -> None:
    """Let every engine that is made from now on look where the others did."""
    DefaultDialect.__eq__ = _is_alike  # type: ignore[assignment, method-assign]
    DefaultDialect.__hash__ = _by_kind  # type: ignore[assignment, method-assign]
    event.listen(Engine, "engine_connect", _remember)


def _is_alike(dialect: DefaultDialect, other: object) -> bool:
    return type(dialect) is type(other)


def _by_kind(dialect: DefaultDialect) -> int:
    return hash(type(dialect))


def _remember(connection: Connection) -> None:
    connection.execution_options(compiled_cache=_COMPILED)
