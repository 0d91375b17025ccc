"""The wheel carries everything: it is built, installed elsewhere and run from there."""

import io
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from app.db import schema
from app.version import __version__

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; libraries are those of the tests' own environment."""
    folder = tmp_path_factory.mktemp("wheel")
    # What setuptools left there once goes into every later wheel, also files that were renamed.
    shutil.rmtree(ROOT / "build", ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "-w", str(folder), str(ROOT)], check=True, timeout=240
    )
    wheel = next(folder.glob("cadans-*.whl"))
    venv.create(folder / "elsewhere", with_pip=False)
    python = folder / "elsewhere" / "bin" / "python"
    subprocess.run(
        [*pip, "--python", str(python), "install", "--no-deps", str(wheel)],
        check=True,
        timeout=120,
    )
    return folder / "elsewhere" / "bin" / "cadans"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return environment_in(tmp_path)


def environment_in(folder: Path) -> dict[str, str]:
    """Nothing of this checkout is importable: only libraries come from the tests' environment."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("CADANS_")}
    return kept | {
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "CADANS_VAR": str(folder / "var"),
        "CADANS_DEMO": "1",
    }


def cadans(program: Path, environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [str(program), *arguments],
        env=environment,
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout


def test_it_runs_from_where_it_was_installed(installed: Path, environment: dict[str, str]) -> None:
    assert cadans(installed, environment, "--version") == f"cadans {__version__}\n"
    where = subprocess.run(
        [str(installed.with_name("python")), "-c", "import app; print(app.__file__)"],
        env=environment,
        cwd="/",
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert str(installed.parents[1]) in where.stdout


def test_it_makes_its_tables(installed: Path, environment: dict[str, str]) -> None:
    said = cadans(installed, environment, "db", "upgrade")

    assert f"tables went from None to {schema.newest_revision()}" in said
    assert f"tables are at {schema.newest_revision()}" in cadans(
        installed, environment, "db", "upgrade"
    )


@pytest.fixture(scope="module")
def served(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    environment = environment_in(tmp_path_factory.mktemp("served"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment["CADANS_BIND"] = address
    cadans(installed, environment, "db", "upgrade")
    cadans(installed, environment, "demo")
    server = subprocess.Popen([str(installed), "serve"], env=environment, cwd="/")
    try:
        yield f"http://{address}"
    finally:
        server.terminate()
        assert server.wait(30) == 0


def test_it_serves_the_demo_course_with_its_style_and_translations(served: str) -> None:
    page = fetch(f"{served}/bloeiende-community?lang=nl")

    assert "Bouw een bloeiende community" in page
    assert "Meld je aan" in page
    assert "--" in fetch(f"{served}/static/cadans.css")


def test_it_gives_its_own_source_from_which_the_same_wheel_is_built(
    served: str, tmp_path: Path
) -> None:
    page = fetch(f"{served}/my/privacy")
    address = re.search(r'href="([^"]+\.tar\.gz)"', page)
    assert address is not None
    with urllib.request.urlopen(address[1], timeout=30) as answer:
        packed = tarfile.open(fileobj=io.BytesIO(answer.read()))  # noqa: SIM115 (closed with the test)
    packed.extractall(tmp_path, filter="data")
    root = tmp_path / f"cadans-{__version__}"
    assert "GNU AFFERO" in (root / "LICENSE").read_text()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "wheel", "--no-deps"]
    subprocess.run([*pip, "-w", str(tmp_path), str(root)], check=True, timeout=240)
    again = ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert {name for name in again if name.startswith(("app/", "feeds/", "media/"))} == {
        path.relative_to(ROOT).as_posix()
        for room in ("app", "feeds", "media")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    } - {f"{room}/README.md" for room in ("app", "feeds", "media")}


def fetch(url: str) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except (ConnectionError, urllib.error.URLError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
