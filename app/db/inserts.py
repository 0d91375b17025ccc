"""An INSERT that says what becomes of a row that is there already: each dialect has its own."""

from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db.base import Base


def insert_into(session: Session, model: type[Base]) -> Any:  # noqa: ANN401 (the two dialects' inserts share no type)
    """Answer an INSERT for the table of a model, with `on_conflict_…` to say it by."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return (sqlite.insert if is_sqlite else postgresql.insert)(model)
