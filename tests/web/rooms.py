"""Somebody at a browser in the owner's rooms, without one: a client that is signed in."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.db.models import Account, Course
from app.house import House
from app.kinds import Role
from tests.builders import a_course, a_membership, an_account


def sign_in(client: FlaskClient, account: Account) -> None:
    """Put a session there as signing in does."""
    with client.session_transaction() as session:
        session["_user_id"] = f"{account.id}.{account.session_epoch}"
        session["_fresh"] = True


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """An account with one course, and its client."""

    client: FlaskClient
    account: Account
    course: Course

    @property
    def course_path(self) -> str:
        return f"/admin/courses/{self.course.id}"

    def get(self, path: str = "", **more: Any) -> TestResponse:
        return self.client.get(f"{self.course_path}{path}", **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.client.post(f"{self.course_path}{path}", data=data or {}, **more)


def rooms_of(app: Flask, house: House, *, role: Role = Role.OWNER, **course: Any) -> Rooms:
    """A course with somebody who works on it and is signed in."""
    with house.database.writing() as session:
        account, made = an_account(session), a_course(session, **course)
        a_membership(session, account, made, role)
    client = app.test_client()
    sign_in(client, account)
    return Rooms(client=client, account=account, course=made)


def form_of(response: TestResponse) -> dict[str, str]:
    """What stands in the fields of a page: what a browser would send back."""
    values = {}
    for tag in re.findall(r"<input[^>]*>", response.text):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        is_choice = found.get("type") in {"radio", "checkbox"}
        if "name" in found and (not is_choice or " checked" in tag):
            values[found["name"]] = unescape(found.get("value", ""))
    for name, body in re.findall(
        r'<textarea[^>]* name="(\w+)"[^>]*>\n?(.*?)</textarea>', response.text, re.DOTALL
    ):
        values[name] = unescape(body)
    for name, body in re.findall(
        r'<select[^>]* name="(\w+)"[^>]*>(.*?)</select>', response.text, re.DOTALL
    ):
        chosen = re.search(r'value="([^"]*)" selected', body)
        values[name] = unescape(chosen[1]) if chosen else ""
    values.pop("cover", None)
    return values


def send_files(rooms: Rooms, path: str, field: str, files: dict[str, bytes]) -> TestResponse:
    """Send files as a browser's plain form does, names as they are."""
    parts = [
        b"--x\r\nContent-Disposition: form-data; "
        + f'name="{field}"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in files.items()
    ]
    return rooms.client.post(
        f"{rooms.course_path}{path}",
        data=b"".join([*parts, b"--x--\r\n"]),
        content_type="multipart/form-data; boundary=x",
    )
