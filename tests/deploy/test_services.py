"""What systemd makes of the units that we ship, and what a reload does to who polls."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import httpx
import pytest

from app.cli import cadans
from app.setting_reader import variable
from app.settings import all_settings
from tests.parts.missing import missing
from tests.parts.nginx import nginx_before
from tests.parts.server import PROGRAM, ServerFailed, installation

DEPLOY = Path(__file__).parents[2] / "scripts" / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("cadans*"))
# systemd's own scale, from 0 (safe) to 10; what it calls OK ends at 4.
MOST_EXPOSED = 25
PATIENCE_SECONDS = 120


@pytest.fixture
def analyze() -> str:
    return shutil.which("systemd-analyze") or missing("systemd", "systemd")


def laid_out(folder: Path) -> list[Path]:
    """The units as on a server, but that the program is the one of this checkout."""
    names = []
    for unit in UNITS:
        text = unit.read_text().replace("/opt/cadans/bin/cadans", str(PROGRAM))
        text = text.replace("/usr/bin/curl", shutil.which("curl") or "/bin/true")
        path = folder / unit.name.replace("@.", "@8000.")
        path.write_text(text)
        names.append(path)
    return names


def test_systemd_has_nothing_to_say_of_the_units(analyze: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [analyze, "verify", "--man=no", *laid_out(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "cadans" in line]
    assert (done.returncode, ours) == (0, [])


def test_services_can_do_little_but_their_work(analyze: str, tmp_path: Path) -> None:
    services = [path for path in laid_out(tmp_path) if path.suffix == ".service"]
    for path in services:
        done = subprocess.run(
            [analyze, "security", "--offline=yes", f"--threshold={MOST_EXPOSED}", path],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=str)
def test_what_a_unit_starts_is_a_command_with_options_that_it_knows(unit: Path) -> None:
    found = re.search(r"^ExecStart=/opt/cadans/bin/cadans (.+)$", unit.read_text(), re.MULTILINE)
    assert found is not None
    name, *words = found[1].split()
    command = cadans.get_command(click.Context(cadans), name)
    assert command is not None
    command.make_parser(click.Context(command)).parse_args(words)


@pytest.mark.parametrize("name", ["cadans.env.example", "docker/compose.yaml"])
def test_every_setting_that_is_shipped_is_one(name: str) -> None:
    known = {variable(setting) for setting in all_settings()}
    used = set(re.findall(r"\b(CADANS_[A-Z_]+)\b", (DEPLOY / name).read_text()))
    assert used
    assert used <= known


class Wrapped:
    """The command `cadans` of a server, with a file of settings of its own and as this user."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "cadans.env"
        text = (DEPLOY / "cadans").read_text().replace("/etc/cadans/cadans.env", str(self.file))
        text = text.replace("--reuid=cadans --regid=cadans --init-groups", "")
        self.script = folder / "cadans"
        self.script.write_text(text.replace("/opt/cadans/bin/cadans", str(PROGRAM)))

    def run(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", self.script, *words],
            env={"PATH": "/usr/bin:/bin", **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.mark.slow
def test_command_has_the_settings_of_the_services_and_takes_the_owner_of_the_tables(
    tmp_path: Path,
) -> None:
    wrapped = Wrapped(tmp_path)
    example = (DEPLOY / "cadans.env.example").read_text().replace("KEY'", f"{'ab' * 32}'")
    here = {"postgresql://cadans:PASSWORD@127.0.0.1/cadans": f"sqlite:///{tmp_path}/house.sqlite3"}
    here |= {"/var/lib/cadans": f"{tmp_path}/var"}
    for there, ours in here.items():
        example = example.replace(there, ours)
    wrapped.file.write_text(example)
    assert "tables went from None" in wrapped.run("db", "upgrade").stdout
    other = wrapped.run("db", "status", CADANS_DATABASE_URL=f"sqlite:///{tmp_path}/other.sqlite3")
    assert "none yet" in other.stdout
    assert "none yet" not in wrapped.run("db", "status").stdout


def test_command_tells_who_may_not_read_the_settings_what_to_do(tmp_path: Path) -> None:
    done = Wrapped(tmp_path).run("db", "status")
    assert (done.returncode, "sudo cadans db status" in done.stderr) == (1, True)


def test_every_file_that_the_readme_installs_is_there() -> None:
    named = re.findall(r"scripts/deploy/[\w./-]*\w", (DEPLOY.parents[1] / "README.md").read_text())
    assert len(named) > 5
    assert [name for name in named if not (DEPLOY.parents[1] / name).exists()] == []


@contextmanager
def polled(client: httpx.Client, path: str) -> Iterator[list[int]]:
    """Ask again and again until the block ends; gives every status, 0 for no answer at all."""
    statuses: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.1):
            try:
                statuses.append(client.get(path).status_code)
            except httpx.TransportError:
                statuses.append(0)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
def test_nobody_who_asks_notices_a_reload(tmp_path: Path) -> None:
    with installation(tmp_path / "house") as here, nginx_before(here.port) as nginx:
        here.make_tables()
        here.serve("--workers", "2", base_url=nginx.url)
        [server] = here.processes
        _wait_until(lambda: len(_children(server.pid)) == 2)
        before = _children(server.pid)
        with nginx.client() as client, polled(client, "/healthz") as statuses:
            _reload(server.pid)
            _wait_until(lambda: not before & _children(server.pid))
            _wait_until(lambda: len(_children(server.pid)) == 2)
    assert len(statuses) > 20
    assert set(statuses) == {200}


def test_server_whose_port_is_taken_says_so_in_words(tmp_path: Path) -> None:
    with installation(tmp_path / "house") as here, socket.create_server(("127.0.0.1", here.port)):
        here.make_tables()
        with pytest.raises(ServerFailed, match="stop what answers there") as told:
            here.run("serve")
    assert "Traceback" not in str(told.value)


def _wait_until(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.1)


def _reload(main_pid: int) -> None:
    text = (DEPLOY / "systemd" / "cadans@.service").read_text()
    found = re.search(r"^ExecReload=(.+)$", text, re.MULTILINE)
    assert found is not None
    subprocess.run(found[1].replace("$MAINPID", str(main_pid)).split(), check=True)


def _children(pid: int) -> set[int]:
    """The processes that one started, and that load the application."""
    done = subprocess.run(
        ["ps", "-ww", "--ppid", str(pid), "-o", "pid=,args="],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    return {int(number) for number, words in lines if "spawn_main" in words}
