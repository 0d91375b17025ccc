"""Many rows in one statement.

PostgreSQL takes them as one array for each column: neither side reads a statement that grows with
the rows, or one statement for each. SQLite has no way to go, and takes them one after another.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Table,
    TableValuedAlias,
    any_,
    bindparam,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.db.base import Base

Rows = Sequence[Mapping[str, Any]]
"""Values by the name of their column; each row names the same ones."""

_KEY: Final = "id"


def insert_many(session: Session, model: type[Base], rows: Rows) -> None:
    """Put rows into a table."""
    if not rows:
        return
    table = model.metadata.tables[model.__tablename__]
    if _is_postgres(session):
        _plan_anew(session)
        session.execute(insert(table).from_select(list(rows[0]), select(_given(table, rows))))
    else:
        session.execute(insert(table), rows)


def insert_new(
    session: Session, model: type[Base], rows: Rows, *, unique: str, returning: Sequence[str]
) -> Sequence[Row[Any]]:
    """Put rows into a table but those whose `unique` stands there; answer columns of the new ones.

    Also when another writer put it there meanwhile.
    """
    if not rows:
        return []
    table = model.metadata.tables[model.__tablename__]
    answered = [table.c[name] for name in returning]
    if _is_postgres(session):
        _plan_anew(session)
        fresh = postgresql.insert(table).from_select(list(rows[0]), select(_given(table, rows)))
        new = fresh.on_conflict_do_nothing(index_elements=[unique]).returning(*answered)
        return session.execute(new).all()
    one = sqlite.insert(table).on_conflict_do_nothing(index_elements=[unique]).returning(*answered)
    return session.execute(one, rows).all()


def update_many(session: Session, model: type[Base], rows: Rows) -> None:
    """Set what each row names in the one of the same `id`. Objects in the session know nothing."""
    if not rows:
        return
    table = model.metadata.tables[model.__tablename__]
    names = [name for name in rows[0] if name != _KEY]
    if _is_postgres(session):
        given = _given(table, rows)
        values = {name: given.c[name] for name in names}
        session.execute(update(table).values(values).where(table.c[_KEY] == given.c[_KEY]))
        return
    # A parameter may not be called like a column that is set.
    here = table.c[_KEY] == bindparam("this_one")
    each = update(table).values({name: bindparam(f"new_{name}") for name in names}).where(here)
    session.execute(
        each,
        [{"this_one": row[_KEY]} | {f"new_{name}": row[name] for name in names} for row in rows],
    )


def is_one_of(
    session: Session, column: InstrumentedAttribute[int], values: Collection[int]
) -> ColumnElement[bool]:
    """Ask whether a column holds one of many values."""
    if _is_postgres(session):
        return column == any_(literal(list(values), postgresql.ARRAY(column.type)))
    return column.in_(values)


def _is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def _plan_anew(session: Session) -> None:
    """Let foreign keys be checked in the way that is best for tables as large as they are now.

    PostgreSQL keeps the way in which it checked the first few. One that it chose while a table was
    as good as empty reads all of it for each row, until it is analysed (measured: nine tenths of
    what it cost to write down unlocks, after some thousands).
    """
    session.execute(text("DISCARD PLANS"))


def _given(table: Table, rows: Rows) -> TableValuedAlias:
    """Answer the rows as something to select from, with the columns that they name."""
    columns = [table.c[name] for name in rows[0]]
    arrays = [
        literal([row[each.name] for row in rows], postgresql.ARRAY(each.type)) for each in columns
    ]
    return func.unnest(*arrays).table_valued(*(each.name for each in columns)).render_derived()
