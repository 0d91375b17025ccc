"""What a migration takes from the release that still runs beside it: nothing, or it says so.

Looked up in the tables before and after it, on a real database, so it does not matter how it is
written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, inspect

from app.db import queue_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One table: its columns by name, and what it refuses by name."""

    columns: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, str]
    keys: tuple[Mapping[str, Any], ...]


def shapes_of(engine: Engine) -> dict[str, Shape]:
    """Every table of ours as it stands."""
    found = inspect(engine)
    return {
        table: Shape(
            columns={each["name"]: each for each in found.get_columns(table)},
            rules=dict(_rules(found, table)),
            keys=tuple(found.get_foreign_keys(table)),
        )
        for table in found.get_table_names()
        if table != "alembic_version" and not table.startswith(queue_tables.PREFIX)
    }


def _rules(found: Any, table: str) -> Iterator[tuple[str, str]]:
    for index in found.get_indexes(table):
        if index["unique"]:
            yield str(index["name"]), f"unique {index['column_names']}"
    for rule in found.get_unique_constraints(table):
        yield str(rule["name"]), f"unique {rule['column_names']}"
    for rule in found.get_check_constraints(table):
        yield str(rule["name"]), str(rule["sqltext"])


def taken_away(before: Mapping[str, Shape], after: Mapping[str, Shape]) -> list[str]:
    """What a release that knows the tables of before could trip over in those of after."""
    found = [f"table {table} is gone" for table in before if table not in after]
    for table in after:
        if table in before:
            found += _in_table(table, before[table], after[table])
        else:
            found += _in_new_table(table, after[table], before)
    return found


def _in_table(table: str, before: Shape, after: Shape) -> list[str]:
    found = [
        f"column {table}.{name} is gone" for name in before.columns if name not in after.columns
    ]
    for name, column in after.columns.items():
        found += _in_column(f"{table}.{name}", before.columns.get(name), column)
    known = set(before.columns)
    for name, rule in after.rules.items():
        if before.rules.get(name) != rule and _is_about(rule, known):
            found.append(f"{table} has another rule: {name}")
    return found


def _is_about(rule: str, columns: set[str]) -> bool:
    """Whether a rule is about columns that the old release fills."""
    return any(column in rule for column in columns)


def _in_column(name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    if before is None:
        if after["nullable"] or after["default"] is not None:
            return []
        return [f"column {name} must be filled, and the old release does not know it"]
    found = []
    if before["nullable"] and not after["nullable"]:
        found.append(f"column {name} may be empty no more")
    if before["default"] is not None and after["default"] is None and not after["nullable"]:
        found.append(f"column {name} has no default any more")
    if _is_narrower(before["type"], after["type"]):
        found.append(f"column {name} is of another type")
    return found


def _is_narrower(before: Any, after: Any) -> bool:
    if type(before) is not type(after):
        return True
    was, is_now = getattr(before, "length", None), getattr(after, "length", None)
    return is_now is not None and (was is None or is_now < was)


def _in_new_table(table: str, shape: Shape, before: Mapping[str, Shape]) -> list[str]:
    """A row of a new table must not keep the old release from deleting what it hangs on."""
    return [
        f"{table} keeps rows of {key['referred_table']} from being deleted"
        for key in shape.keys
        if key["referred_table"] in before
        and key["options"].get("ondelete") not in {"CASCADE", "SET NULL"}
    ]
