"""`/api/v1/openapi.json`: the API describes itself, out of the declarations that route it."""

import re
from http import HTTPStatus
from typing import Any

from flask import Response, jsonify

from app.policy import Access
from app.version import __version__
from app.web.api import shapes
from app.web.api.face import OPERATIONS, PREFIX, Operation, does

# What every operation may answer, beside its own.
PROBLEMS = {
    HTTPStatus.UNAUTHORIZED: "No token, or one that opens nothing (any more)",
    HTTPStatus.FORBIDDEN: "This token may not do this",
    HTTPStatus.NOT_FOUND: "There is no such thing, or not for this token",
    HTTPStatus.CONFLICT: "Somebody else saved first, or parts are missing",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The file or part is larger than this house takes",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something in the body cannot be used; `errors` says what",
    HTTPStatus.TOO_MANY_REQUESTS: "Far too much in an hour; `Retry-After` says when to come back",
    HTTPStatus.SERVICE_UNAVAILABLE: "The store does not answer: try again later",
    HTTPStatus.INSUFFICIENT_STORAGE: "The store is full",
}
_PARAMETER = re.compile(r"<(?:(int):)?(\w+)>")


@does(
    Operation(
        method="GET",
        path="/openapi.json",
        summary="This description (OpenAPI 3.1)",
        access=Access.ANYONE,
    )
)
def openapi() -> Response:
    """Answer the description."""
    return jsonify(describe())


def describe() -> dict[str, Any]:
    """Describe every operation (OpenAPI Specification 3.1.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for name, operation in OPERATIONS.items():
        path = PREFIX + _PARAMETER.sub(r"{\2}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(name, operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cadans",
            "version": __version__,
            "description": "Courses, lessons, plans and uploads, for scripts. Every body is JSON,"
            " every error a problem document (RFC 9457). Make a token with `cadans token create`.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(name: str, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": name,
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    parameters = [
        {
            "name": parameter,
            "in": "path",
            "required": True,
            "schema": {"type": "integer" if kind else "string"},
        }
        for kind, parameter in _PARAMETER.findall(operation.path)
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.access is Access.ANYONE:
        described["security"] = []
    content = _request_content(operation)
    return described | ({"requestBody": {"required": True, "content": content}} if content else {})


def _request_content(operation: Operation) -> dict[str, Any] | None:
    if operation.takes_bytes:
        return {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return (
        {"application/json": {"schema": _reference(operation.takes)}} if operation.takes else None
    )


def _responses(operation: Operation) -> dict[str, Any]:
    good: dict[str, Any] = {"description": operation.summary}
    if operation.gives:
        schema = _reference(operation.gives)
        if operation.is_list:
            items = {"type": "array", "items": schema}
            schema = {"type": "object", "properties": {"items": items}, "required": ["items"]}
        good["content"] = {"application/json": {"schema": schema}}
    responses = {str(int(operation.status)): good}
    if operation.access is Access.ANYONE:
        return responses
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return responses | {
        str(int(status)): {"description": words, "content": problem}
        for status, words in PROBLEMS.items()
    }


def _reference(shape: type) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{shape.__name__}"}


def _schemas() -> dict[str, Any]:
    found = [shape for each in OPERATIONS.values() for shape in (each.takes, each.gives) if shape]
    schemas = {
        shape.__name__: shapes.describe(shape) for outer in found for shape in shapes.nested(outer)
    }
    schemas["Problem"] = {
        "type": "object",
        "description": "What went wrong (RFC 9457).",
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "errors": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["type", "title", "status"],
    }
    return schemas
