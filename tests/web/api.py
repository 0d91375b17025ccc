"""A script that talks to the API in tests: a client with a token."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.db.models import Account, Course
from app.house import House
from app.kinds import Role
from app.services import api_tokens
from app.services.api_tokens import TokenFields
from tests.builders import a_course, a_membership, an_account


@dataclass(frozen=True, kw_only=True)
class Script:
    client: FlaskClient
    token: str

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **more)

    def get(self, path: str) -> TestResponse:
        return self.call("GET", path)

    def post(self, path: str, body: object = None) -> TestResponse:
        return self.call("POST", path, json={} if body is None else body)


@dataclass(frozen=True, kw_only=True)
class Made:
    account: Account
    course: Course


def an_owner(house: House, *, lessons: int = 0, role: Role = Role.OWNER) -> Made:
    """An account and a course that it works on."""
    with house.database.writing() as session:
        account, course = an_account(session), a_course(session, lessons=lessons)
        a_membership(session, account, course, role)
        return Made(account=account, course=course)


def a_token(
    house: House,
    account: Account,
    *,
    course: Course | None = None,
    expires_at: datetime | None = None,
) -> api_tokens.Made:
    with house.database.writing() as session:
        fields = TokenFields(
            account_id=account.id,
            label="test",
            course_id=course.id if course else None,
            expires_at=expires_at,
        )
        return api_tokens.create(session, fields, now=house.clock())


def a_script(client: FlaskClient, house: House, account: Account) -> Script:
    return Script(client=client, token=a_token(house, account).text)
