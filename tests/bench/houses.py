"""Databases and processes for the benches that need no web server of their own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.parts.postgres import Postgres, _as_unprivileged, _running

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
