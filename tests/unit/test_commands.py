"""The command line: every command is found, and none waits for what the others import."""

import subprocess
import sys

import click
import pytest

from app.cli import PLACES, cadans
from tests.parts.server import PROGRAM

HEAVY = ("flask", "sqlalchemy", "boto3", "alembic", "granian")


@pytest.mark.parametrize("name", PLACES)
def test_a_command_stands_where_it_is_said_to_and_has_that_name(name: str) -> None:
    command = cadans.get_command(click.Context(cadans), name)
    assert command is not None
    assert command.name == name
    assert command.help


@pytest.mark.parametrize("name", PLACES)
def test_a_command_needs_nothing_that_another_one_loaded(name: str) -> None:
    done = subprocess.run(
        [PROGRAM, name, "--help"], check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith(f"Usage: cadans {name}")


@pytest.mark.parametrize("words", [("--version",), ("upload", "--help")])
def test_who_asks_for_little_waits_for_little(words: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom app.cli import cadans\n"
        f"cadans({words!r}, standalone_mode=False)\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "[]"
