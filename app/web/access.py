"""Every view names who it is for; one that does not answers nobody."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request

from app.policy import Access

View = TypeVar("View", bound=Callable[..., Any])
Gate = Callable[[], Any]

GATES = "cadans_gates"


def for_(access: Access) -> Callable[[View], View]:
    """Mark a view with the kind of caller it is for; the gate of that kind stands before it."""

    def mark(view: View) -> View:
        view.access = access  # type: ignore[attr-defined]  # (functions take attributes; typing does not know)
        return view

    return mark


def access_of(app: Flask, endpoint: str) -> Access | None:
    """Answer what a view was marked with; None: nobody may call it."""
    if endpoint == "static":
        return Access.ANYONE
    return getattr(app.view_functions[endpoint], "access", None)


def add_gate(app: Flask, access: Access, gate: Gate) -> None:
    """Let `gate` decide for one kind: it answers None to let a request in, or a response."""
    app.extensions.setdefault(GATES, {})[access] = gate


def stand_guard() -> Any:  # noqa: ANN401 (whatever a Flask view may answer)
    """Before each request: no mark, no entry; a mark with a gate asks the gate."""
    if request.endpoint is None:
        return None
    access = access_of(current_app, request.endpoint)
    if access is None:
        abort(403)
    gate = current_app.extensions.get(GATES, {}).get(access)
    return gate() if gate else None
