"""`cadans backup` and `cadans restore` say in words what they need, and do nothing without it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import cadans
from tests.parts.postgres import lay_tables

# Each command sets the log up.
pytestmark = pytest.mark.usefixtures("open_log")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A house in which nothing is yet."""
    return {"CADANS_VAR": str(tmp_path / "var")}


@pytest.fixture
def with_tables(environ: dict[str, str], migrated_sqlite: Path) -> dict[str, str]:
    lay_tables(migrated_sqlite, Path(environ["CADANS_VAR"]))
    return environ


def refused(environ: dict[str, str], *words: str) -> str:
    """What a command says that does not do it."""
    done = CliRunner().invoke(cadans, words, env=environ)
    assert done.exit_code != 0
    return f"{done.output}{done.exception}"


def test_a_house_without_tables_is_not_backed_up(environ: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "a.zip"
    assert "cadans db upgrade" in refused(environ, "backup", str(target), "--without-keys")
    assert not target.exists()


def test_what_becomes_of_the_keys_must_be_said(with_tables: dict[str, str], tmp_path: Path) -> None:
    target = tmp_path / "a.zip"
    assert "--without-keys" in refused(with_tables, "backup", str(target))
    assert not target.exists()


@pytest.mark.parametrize(
    ("passphrase", "words"), [(b"short", "12 characters"), (bytes(range(256)), "is no text")]
)
def test_a_passphrase_that_is_none_is_refused(
    passphrase: bytes, words: str, with_tables: dict[str, str], tmp_path: Path
) -> None:
    target, file = tmp_path / "a.zip", tmp_path / "words"
    file.write_bytes(passphrase)
    said = refused(with_tables, "backup", str(target), "--passphrase-file", str(file))
    assert words in said
    assert not target.exists()


def test_what_is_no_archive_is_not_restored(with_tables: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("no archive")
    assert "no archive of ours" in refused(with_tables, "restore", str(tmp_path / "b.zip"))


def test_an_archive_without_keys_says_so_and_prints_none(
    with_tables: dict[str, str], tmp_path: Path
) -> None:
    nightly = tmp_path / "nightly"
    made = CliRunner().invoke(
        cadans, ["backup", str(nightly), "--without-keys"], env=with_tables, catch_exceptions=False
    )
    assert "Keys are not in it" in made.output
    [archive] = nightly.glob("cadans-*.zip")
    asked = ("--print-keys", "--passphrase-file", __file__)
    assert "holds no keys" in refused(with_tables, "restore", str(archive), *asked)
