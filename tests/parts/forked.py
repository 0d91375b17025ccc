"""`cadans` as a process of its own that does not load the program first.

Loading is most of what a short command costs, and a run of the tests starts two hundred. One
process has loaded what any command needs and has done nothing else; for each command it forks, and
the fork runs `app.cli.main` with the arguments, environment and folder of that command. Where how
it is started is the point (a unit, the wheel, a bench), the command itself is started.
"""

import atexit
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing import forkserver, reduction
from pathlib import Path
from typing import IO, Any, Final

import pytest

from app.cli import PLACES, main
from tests.parts import server

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "app.cli",
        "app.wiring",
        "app.jobs.on_postgres",
        "media.s3",
        # Where what a fork begins with stands.
        "tests.parts.forked",
        *{place.partition(":")[0] for place in PLACES.values()},
    ]
)
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


@pytest.fixture(scope="session", autouse=True)
def forked_commands() -> Iterator[None]:
    """Let installations start their commands this way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server, "_spawn", start)
        yield


class Forked:
    """A command that runs or has run, as `subprocess.Popen` shows it."""

    def __init__(self, process: Any) -> None:
        self._process = process
        self.pid: Final[int] = process.pid
        # The tests would wait at their end for one that nobody stopped.
        atexit.register(self.kill)

    def poll(self) -> int | None:
        code: int | None = self._process.exitcode
        return code

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("cadans", timeout or 0)
        atexit.unregister(self.kill)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start(
    words: Sequence[str],
    environ: Mapping[str, str],
    folder: Path,
    output: IO[bytes],
    errors: IO[bytes],
) -> Forked:
    """Start `cadans` with these arguments; it reads nothing, and writes into these two."""
    streams = [_Handed(output), _Handed(errors)]
    process = _FORKS.Process(target=_run, args=(list(words), dict(environ), str(folder), streams))
    process.start()
    return Forked(process)


class _Handed:
    """A file as it is handed to the fork."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, tuple[Any]]:
        return _take, (reduction.DupFd(self._file.fileno()),)


def _take(handed: Any) -> int:
    number: int = handed.detach()
    return number


def _run(words: list[str], environ: dict[str, str], folder: str, streams: list[int]) -> None:
    """Become that command, in the fork."""
    # It dies with what it was forked from, which goes when all that hold this are gone: the tests,
    # however they end, and not this command.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]  # noqa: SLF001 (nothing else names it)
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    for number, taken in enumerate(streams, start=1):
        os.dup2(taken, number)
        os.close(taken)
    # What the fork was started by is nothing to the command, which may choose its own.
    multiprocessing.set_start_method(None, force=True)
    sys.argv = ["cadans", *words]
    main()
