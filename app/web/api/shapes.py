"""What the API takes and gives: frozen values, from which JSON is read, written and described."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from app.errors import InvalidInput

T = TypeVar("T")

_SCHEMAS: Mapping[type, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
}
_NAMES = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def parse(body: object, shape: type[T]) -> T:
    """Read JSON into a value of this shape, strictly.

    Raises:
        InvalidInput: no object, a field that is not known, is missing, or is of another type.
    """
    if not isinstance(body, dict):
        raise InvalidInput({"body": "must be a JSON object"})
    hints = get_type_hints(shape)
    known = {field.name: field for field in fields(shape)}  # type: ignore[arg-type]  # (always ours)
    problems = {
        str(name): f"is not known here; known are {', '.join(known)}"
        for name in body
        if name not in known
    }
    for name, field in known.items():
        if name in body and not _fits(body[name], hints[name]):
            problems[name] = f"must be {_name(hints[name])}"
        elif name not in body and _is_required(field):
            problems[name] = "is missing"
    if problems:
        raise InvalidInput(problems)
    return shape(**{name: _taken(value, hints[name]) for name, value in body.items()})


def render(value: Any) -> dict[str, Any]:  # noqa: ANN401 (a value of any of our shapes)
    """Answer a value as plain JSON."""
    return asdict(value)


def describe(shape: type) -> dict[str, Any]:
    """Answer the JSON Schema of a shape (OpenAPI 3.1)."""
    hints = get_type_hints(shape)
    required = [field.name for field in fields(shape) if _is_required(field)]
    schema: dict[str, Any] = {
        "type": "object",
        "description": (shape.__doc__ or "").partition("\n\n")[0],
        "properties": {name: _schema(hint) for name, hint in hints.items()},
        "additionalProperties": False,
    }
    return schema | ({"required": required} if required else {})


def nested(shape: type) -> list[type]:
    """Answer a shape and every shape inside it."""
    found = [shape]
    for hint in get_type_hints(shape).values():
        for inner in (hint, *get_args(hint)):
            if is_dataclass(inner) and isinstance(inner, type):
                found += nested(inner)
    return found


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401 (a type or a union of types)
    if _is_union(hint):
        return any(_fits(value, inner) for inner in get_args(hint))
    if hint is type(None):
        return value is None
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(_fits(item, get_args(hint)[0]) for item in value)
    # JSON's true is no number, though Python's is
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def _taken(value: object, hint: Any) -> object:  # noqa: ANN401 (a type or a union of types)
    return tuple(value) if get_origin(hint) is tuple and isinstance(value, list) else value


def _schema(hint: Any) -> dict[str, Any]:  # noqa: ANN401 (a type or a union of types)
    if _is_union(hint):
        return {"anyOf": [_schema(inner) for inner in get_args(hint)]}
    if hint is type(None):
        return {"type": "null"}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0])}
    if is_dataclass(hint):
        return {"$ref": f"#/components/schemas/{getattr(hint, '__name__', '')}"}
    if issubclass(hint, StrEnum):
        return {"type": "string", "enum": [member.value for member in hint]}
    return _SCHEMAS[hint]


def _name(hint: Any) -> str:  # noqa: ANN401 (a type or a union of types)
    if _is_union(hint):
        return " or ".join(_name(inner) for inner in get_args(hint))
    if get_origin(hint) is tuple:
        return f"a list of {_name(get_args(hint)[0])}"
    return _NAMES.get(hint, "null")


def _is_union(hint: Any) -> bool:  # noqa: ANN401 (a type or a union of types)
    return get_origin(hint) in {Union, types.UnionType}
