"""An installation as an operator has it: the `cadans` command, its processes, a folder, a clock.

Nothing is imported from the application here: what benches start is what people start. Tests start
the same from a process that has loaded it (`tests.parts.forked`).
"""

import atexit
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Final, Protocol

import httpx

PROGRAM = Path(sys.executable).with_name("cadans")
COMMAND_SECONDS = 180
PATIENCE_SECONDS = 90
# For a client that only speaks http: it would read all certificates of the machine otherwise.
WITHOUT_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# Set by the machine that runs the tests, meant for nobody's installation.
NOT_OURS = ("CADANS_", "AWS_")
_DEMO = {"CADANS_DEMO": "1"}


class Process(Protocol):
    """What is asked of a command that runs; `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class ServerFailed(Exception):
    """A command of Cadans did not do what it was started for."""


def free_port() -> int:
    """A port below those that the kernel gives to connections, which nobody else is given."""
    while True:
        # Not `random`: it is seeded alike in every process of a run.
        port = 20_000 + secrets.randbelow(12_000)
        with suppress(OSError), socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
            return port


@dataclass(kw_only=True)
class Installation:
    """One folder and its settings; any number of its processes may run.

    Starting again with another clock keeps everything that lies in the folder.
    """

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """Everything that the commands and processes said so far."""
        return self._log_path.read_text(encoding="utf-8", errors="replace")

    def run(self, *words: str, **settings: str) -> str:
        """Run one command to its end; answer what it printed.

        Raises:
            ServerFailed: its exit code was not 0.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = _spawn(words, self._environment(settings), self.folder, output, errors)
            try:
                exit_code = process.wait(COMMAND_SECONDS)
            finally:
                process.kill()
                process.wait()
                complained = _bytes_of(errors)
                with self._log_path.open("ab") as log:
                    log.write(complained)
            said = _bytes_of(output)
        if exit_code:
            raise ServerFailed(f"cadans {' '.join(words)}: {complained.decode()[-2000:]}")
        return said.decode()

    def make_tables(self) -> None:
        """Have what `cadans db upgrade` makes on SQLite: a copy of what it made once."""
        var = self.folder / "var"
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy(_made_tables(), var)

    def serve(self, *words: str, **settings: str) -> None:
        """Start `cadans serve` and wait until it answers."""
        process = self.start("serve", *words, **settings)
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        with httpx.Client(base_url=self.url, timeout=2, verify=WITHOUT_TLS) as client:
            while not _answers(client):
                if process.poll() is not None or time.monotonic() > give_up_at:
                    raise ServerFailed(f"cadans serve does not answer: {self.log[-2000:]}")
                time.sleep(0.05)

    def start(self, *words: str, **settings: str) -> Process:
        """Start a command that goes on until `stop`."""
        with self._log_path.open("ab") as log:
            process = _spawn(words, self._environment(settings), self.folder, log, log)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """End every process as a service manager would; kill what does not go."""
        for process in reversed(self.processes):
            end(process)
        self.processes.clear()

    @property
    def _log_path(self) -> Path:
        path = self.folder / "log"
        path.touch()
        return path

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(NOT_OURS)
        }
        own = {"CADANS_VAR": str(self.folder / "var"), "CADANS_BIND": f"127.0.0.1:{self.port}"}
        changes = {f"CADANS_{name.upper()}": value for name, value in settings.items()}
        return {**inherited, **own, **self.environ, **changes}


@contextmanager
def installation(folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Installation]:
    """An installation whose processes end with the block."""
    here = Installation(folder=folder, environ=environ or {})
    try:
        yield here
    finally:
        here.stop()


@contextmanager
def demo(folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Installation]:
    """The demo course, served by the three commands that `scripts/run` ends with.

    With no settings of its own it is a copy of what the first two made: tables and recordings are
    the same each time, and take longer than most tests.
    """
    with installation(folder, {**_DEMO, **(environ or {})}) as here:
        if environ:
            _make_demo(here)
        else:
            shutil.copytree(_made_demo(), here.folder / "var", dirs_exist_ok=True)
        here.serve()
        yield here


@cache
def _made_tables() -> Path:
    """The file that the command leaves; made once in a process, gone when that ends."""
    with installation(_own_folder()) as here:
        here.run("db", "upgrade")
        return here.folder / "var" / "cadans.sqlite3"


@cache
def _made_demo() -> Path:
    """What the commands leave in a folder, the same way."""
    with installation(_own_folder(), _DEMO) as here:
        _make_demo(here)
        return here.folder / "var"


def _own_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="cadans-made-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _make_demo(here: Installation) -> None:
    here.make_tables()
    here.run("demo")


def _answers(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/healthz").status_code < 500
    return False


def _bytes_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _spawn(
    words: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    output: IO[bytes],
    errors: IO[bytes],
) -> Process:
    # The kernel kills it when the tests end without having stopped it.
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", str(PROGRAM), *words],
        env=environ,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        start_new_session=True,
    )


def end(process: Process) -> None:
    """Ask a process to end, as a service manager would; kill it when it does not."""
    process.terminate()
    try:
        process.wait(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # Its workers are in its process group.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
