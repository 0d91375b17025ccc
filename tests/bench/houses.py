"""Databases and processes for the benches that need no web server of their own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.parts.postgres import Postgres, _as_unprivileged, _running
from tests.parts.rgw import S3Server, serving_objects
from tests.parts.smtp import MailServer, receiving

CADANS = Path(sys.executable).with_name("cadans")
KEY = "1:" + "ab" * 32
SECRET = "0" * 64


@contextmanager
def cluster() -> Iterator[tuple[Postgres, Path]]:
    """A PostgreSQL of our own, and the folder of its socket. It does not wait for the disk."""
    folder = Path(tempfile.mkdtemp(prefix="cadans-bench-pg-"))
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    try:
        with _running(programs[-1].parent, folder, _as_unprivileged(folder)) as postgres:
            yield postgres, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a town leans on, all of it our own, and a folder; `url`: of a database that is empty."""

    url: str
    postgres: Postgres
    s3_server: S3Server
    mail_server: MailServer
    folder: Path


@contextmanager
def parts_for(name: str) -> Iterator[Parts]:
    """Parts for the bench of that name, until the block ends."""
    with (
        cluster() as (postgres, socket),
        serving_objects() as s3_server,
        receiving() as mail_server,
        tempfile.TemporaryDirectory() as folder,
    ):
        postgres.run(f"CREATE DATABASE {name}")
        yield Parts(
            url=socket_url(postgres.port, socket, name),
            postgres=postgres,
            s3_server=s3_server,
            mail_server=mail_server,
            folder=Path(folder),
        )


def socket_url(port: int, folder: Path, name: str) -> str:
    """The address of a database over its socket, as on one machine."""
    return f"postgresql+psycopg://cadans@/{name}?host={folder}&port={port}"


def environ_of(folder: Path, database_url: str, **more: str) -> dict[str, str]:
    """What a house of the bench is started with."""
    return {
        "CADANS_VAR": str(folder),
        "CADANS_DATABASE_URL": database_url,
        "CADANS_FEED_KEYS": KEY,
        "CADANS_SECRET_KEYS": SECRET,
        **more,
    }


@contextmanager
def working(environ: Mapping[str, str], count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many workers, each a process as an operator starts it."""
    workers = [start_worker(environ) for _ in range(count)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def start_worker(environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start one worker."""
    return subprocess.Popen(
        [CADANS, "worker"],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
