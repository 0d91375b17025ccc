"""The roles that we ship: one makes tables, the other works with rows, nobody else gets in."""

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from app.demo import DEMO_SLUG
from tests.e2e.by_http import become_listener, wait_for_mail
from tests.parts.missing import missing
from tests.parts.postgres import Postgres
from tests.parts.server import Installation, ServerFailed, installation
from tests.parts.smtp import MailServer

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

ROLES = Path(__file__).parents[2] / "scripts" / "deploy" / "postgres" / "roles.sql"
EMAIL = "noor@example.org"
KEYS = {"CADANS_FEED_KEYS": f"1:{'ab' * 32}", "CADANS_SECRET_KEYS": "cd" * 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """A database with its two roles, under names of its own."""

    name: str
    port: int

    def url(self, role: str = "") -> str:
        return f"postgresql://{self.name}{role}@127.0.0.1:{self.port}/{self.name}"

    def may(self, statement: str, role: str = "") -> bool:
        """Whether a role may do this; what it did is taken back."""
        with psycopg.connect(self.url(role)) as connection:
            try:
                connection.execute(statement.encode())
            except InsufficientPrivilege:
                return False
            finally:
                connection.rollback()
        return True


@pytest.fixture
def roles(postgres: Postgres) -> Iterator[Roles]:
    program = shutil.which("psql") or missing("psql", "postgresql")
    name = f"house_{uuid.uuid4().hex[:8]}"
    made = Roles(name=name, port=postgres.port)
    # The cluster of the tests has a superuser of this name.
    words = ROLES.read_text().replace("cadans", name)
    server = f"postgresql://cadans@127.0.0.1:{postgres.port}/postgres"
    try:
        subprocess.run(
            [program, "-X", "-q", server, "-v", "owner_password=one", "-v", "password=two"],
            input=words,
            text=True,
            check=True,
            timeout=60,
        )
        yield made
    finally:
        postgres.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        postgres.run(f"DROP ROLE IF EXISTS {name}")
        postgres.run(f"DROP ROLE IF EXISTS {name}_owner")


@pytest.fixture
def house(roles: Roles, mail_server: MailServer, tmp_path: Path) -> Iterator[Installation]:
    """The demo course; tables were made by their owner, all else works with rows alone."""
    environ = {
        "CADANS_DEMO": "1",
        "CADANS_DATABASE_URL": roles.url(),
        "CADANS_MAIL": mail_server.url,
        **KEYS,
    }
    with installation(tmp_path / "house", environ) as here:
        here.run("db", "upgrade", database_url=roles.url("_owner"))
        here.run("demo")
        yield here


def test_whole_house_works_for_a_listener_without_owning_a_table(
    house: Installation, mail_server: MailServer
) -> None:
    house.serve("--workers", "2")
    house.start("worker")
    mailbox = lambda: [each.message for each in mail_server.received]  # noqa: E731 (a mailbox)
    assert "/f/" in become_listener(house, mailbox, EMAIL, DEMO_SLUG)
    wait_for_mail(mailbox, EMAIL, "/my/")
    assert "permission denied" not in house.log


def test_program_can_neither_change_tables_nor_empty_them(
    house: Installation, roles: Roles
) -> None:
    assert house.folder.is_dir()
    assert roles.may("SELECT * FROM listeners")
    for statement in (
        "DROP TABLE listeners",
        "TRUNCATE listeners CASCADE",
        "ALTER TABLE listeners ADD COLUMN eve text",
        "CREATE TABLE eve (id int)",
        "CREATE ROLE eve",
        "COPY listeners TO PROGRAM 'cat'",
    ):
        assert not roles.may(statement), statement


def test_who_may_not_change_tables_is_told_who_may(roles: Roles, tmp_path: Path) -> None:
    environ = {"CADANS_DATABASE_URL": roles.url(), **KEYS}
    with (
        installation(tmp_path / "house", environ) as here,
        pytest.raises(ServerFailed, match="the role that owns the tables") as told,
    ):
        here.run("db", "upgrade")
    assert "Traceback" not in str(told.value)


def test_somebody_with_another_role_does_not_get_in(postgres: Postgres, roles: Roles) -> None:
    eve = f"eve_{uuid.uuid4().hex[:8]}"
    postgres.run(f"CREATE ROLE {eve} LOGIN")
    try:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(f"postgresql://{eve}@127.0.0.1:{roles.port}/{roles.name}")
    finally:
        postgres.run(f"DROP ROLE {eve}")
