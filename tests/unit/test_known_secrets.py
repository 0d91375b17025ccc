"""Secrets that somebody commits in a hurry are found before they are published."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
# In two pieces each, so that this very file holds none.
KEYS = {
    "a key of Amazon": "AKIA" + "Q3EGRIT7ZPLMW5KX",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a token of GitHub": "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".secrets.baseline").write_bytes((HERE / ".secrets.baseline").read_bytes())
    return tmp_path


def look(checkout: Path, *options: str) -> subprocess.CompletedProcess[str]:
    subprocess.run(["git", "-C", checkout, "add", "--all"], check=True)
    return subprocess.run(
        [sys.executable, HERE / "scripts/known_secrets.py", "--checkout", checkout, *options],
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("kind", KEYS)
def test_key_that_somebody_commits_is_found(checkout: Path, kind: str) -> None:
    (checkout / "settings.py").write_text(f"\nvalue = '{KEYS[kind]}'\n")

    found = look(checkout)

    assert found.returncode == 1
    assert "settings.py:2: this looks like a secret" in found.stdout
    assert KEYS[kind] not in found.stdout + found.stderr


def test_example_that_was_looked_at_is_found_no_more(checkout: Path) -> None:
    (checkout / "example.py").write_text(f"value = '{KEYS['a key of Amazon']}'\n")
    assert look(checkout, "--accept").returncode == 0

    # Also on another line.
    (checkout / "example.py").write_text(f"\n\nvalue = '{KEYS['a key of Amazon']}'\n")
    assert look(checkout).returncode == 0
    (checkout / "another.py").write_text(f"value = '{KEYS['a key of Amazon']}'\n")
    assert look(checkout).returncode == 1


def test_example_that_was_looked_at_is_known_in_every_other_checkout(
    checkout: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (checkout / "example.py").write_text(f"value = '{KEYS['a key of Amazon']}'\n")
    look(checkout, "--accept")
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "checkout"
    shutil.copytree(checkout, elsewhere)
    assert look(elsewhere).returncode == 0
    assert str(checkout) not in (elsewhere / ".secrets.baseline").read_text()
