"""A real PostgreSQL, thrown away after the session: one cluster per pytest process."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from app.db import migrate
from app.db.session import Database, open_database
from tests.parts.missing import missing

# Safe to lose, so it need not be safe on disk.
SPEED = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=100"
# A database is some 900 files, for most tests; making them takes a disk three times as long.
MEMORY = Path("/dev/shm")  # noqa: S108 (a folder of its own in it)
ENOUGH_BYTES = 4 * 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running cluster; databases are cloned from a migrated template."""

    port: int
    # Ends every connection at once, as a kill of the server would, and comes back.
    restart: Callable[[], None]
    # As an operator would stop it, and start it again.
    stop: Callable[[], None]
    start: Callable[[], None]
    # The process of the server itself.
    pid: Callable[[], int]

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://cadans@127.0.0.1:{self.port}/{name}"

    def run(self, statement: str) -> None:
        with psycopg.connect(
            f"postgresql://cadans@127.0.0.1:{self.port}/postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Nobody gets a connection within the block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process of the server stands still within the block, as on a disk that hangs."""
        processes = [self.pid(), *_children(self.pid())]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    @contextmanager
    def fresh(self) -> Iterator[str]:
        """Answer the URL of a database of its own, at the newest tables."""
        name = f"t_{uuid.uuid4().hex}"
        self.run(f"CREATE DATABASE {name} TEMPLATE migrated")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not programs:
        missing("PostgreSQL", "postgresql")
    folder = Path(tempfile.mkdtemp(prefix="cadans-pg-", dir=_in_memory()))
    as_postgres = _as_unprivileged(folder)
    try:
        with _running(programs[-1].parent, folder, as_postgres) as cluster:
            cluster.run("CREATE DATABASE migrated")
            template = open_database(cluster.url("migrated"))
            migrate.upgrade(template)
            template.close()
            yield cluster
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory() -> Path | None:
    """Where files cost no disk; None where that is too small, as in most containers."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free > ENOUGH_BYTES:
            return MEMORY
    return None


def _as_unprivileged(folder: Path) -> list[str]:
    """PostgreSQL refuses root: drop to the user that its package made."""
    if os.getuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]


@contextmanager
def _running(programs: Path, folder: Path, prefix: list[str]) -> Iterator[Postgres]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])

    def call(program: str, *arguments: str) -> None:
        command = [*prefix, str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(
            command, check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            timeout=60,
        )  # fmt: skip

    call("initdb", "-U", "cadans", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    where = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder}"
    begin = ("pg_ctl", "-w", "-t", "30", "-l", str(folder / "log"), "-o", f"{where} {SPEED}")
    call(*begin, "start")
    try:
        yield Postgres(
            port=port,
            restart=lambda: call(*begin, "-m", "immediate", "restart"),
            stop=lambda: call("pg_ctl", "-m", "fast", "-w", "stop"),
            start=lambda: call(*begin, "start"),
            pid=lambda: int((folder / "data" / "postmaster.pid").read_text().split()[0]),
        )
    finally:
        call("pg_ctl", "-m", "immediate", "-w", "stop")


def _children(pid: int) -> list[int]:
    """The processes that this one started and that still run (proc(5), the fourth field)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            number, _, rest = path.read_text().partition(" (")
            if int(rest.rpartition(") ")[2].split()[1]) == pid:
                found.append(int(number))
    return found


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file at the newest tables, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.sqlite3"
    database = open_database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


def lay_tables(migrated_sqlite: Path, var: Path) -> None:
    """Give a house that keeps everything in `var` its tables, empty."""
    var.mkdir(mode=0o700, exist_ok=True)
    shutil.copy(migrated_sqlite, var / "cadans.sqlite3")


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "cadans.sqlite3"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each test that asks for this runs on both databases, with one of its own."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    with cluster.fresh() as url:
        yield url


@pytest.fixture
def open_test_database() -> Iterator[Callable[[str], Database]]:
    opened: list[Database] = []

    def open_one(url: str) -> Database:
        opened.append(open_database(url))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def database(database_url: str, open_test_database: Callable[[str], Database]) -> Database:
    """The tables, empty, on SQLite and on PostgreSQL."""
    return open_test_database(database_url)
