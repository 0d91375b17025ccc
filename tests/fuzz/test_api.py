"""The API against its own description: nothing breaks, and nothing is answered that is not said."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from app.house import House
from app.web import floods
from app.web.api.face import OPERATIONS
from tests.builders import a_lesson
from tests.fuzz.effort import fuzzed
from tests.web.api import a_token, an_owner

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose token it is, and what it opens."""

    token: str
    known: dict[str, object] = field(default_factory=dict)


@pytest.fixture
def holder(house: House, monkeypatch: pytest.MonkeyPatch) -> Holder:
    monkeypatch.setattr(floods, "limit_of", lambda *_: None)
    owner = an_owner(house, lessons=1)
    with house.database.writing() as session:
        lesson = a_lesson(session, owner.course, position=2)
    known = {"slug": owner.course.slug, "lesson_id": lesson.id}
    return Holder(token=a_token(house, owner.account).text, known=known)


@pytest.fixture
def described(app: Flask) -> OpenApiSchema:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)


# The description itself takes nothing.
@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"openapi"}))
def test_nothing_is_answered_that_was_not_described(
    described: OpenApiSchema, holder: Holder, name: str
) -> None:
    operation = described.find_operation_by_id(name)

    @fuzzed(20)
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def answer(case: Case[Any], is_known: bool) -> None:  # noqa: FBT001
        if is_known:
            case.path_parameters = {**(case.path_parameters or {}), **holder.known}
        case.call_and_validate(headers={"Authorization": f"Bearer {holder.token}"}, checks=CHECKS)

    answer()
