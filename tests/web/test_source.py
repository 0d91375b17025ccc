"""The source of this very copy, for everybody who uses it: AGPL-3.0, section 13."""

import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from app import create_app, source
from app.house import House
from app.settings import Settings
from app.version import __version__

ROOT = Path(__file__).parents[2]
LINK = f'href="http://127.0.0.1:8000{source.SOURCE_PATH}"'


# What an operator made of a configuration of ours.
MADE = "scripts/deploy/cadans.sh"


def unpack(packed: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as tar:
        files = [(entry.name, tar.extractfile(entry)) for entry in tar.getmembers()]
        return {name: file.read() for name, file in files if file is not None}


def tracked(*rooms: str) -> set[str]:
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--", *rooms],
        check=True,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return {name for name in done.stdout.splitlines() if (ROOT / name).is_file()}


def a_checkout(folder: Path) -> Path:
    """A folder under git with one file of ours, committed."""
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "one.py").write_text("first")
    git = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "First"]):
        subprocess.run([*git, *words], check=True, timeout=30)
    return folder


def test_archive_holds_every_file_that_makes_the_program() -> None:
    packed = set(unpack(source.archive()))
    assert all(name.startswith(f"{source.NAME}/") for name in packed)
    inside = {name.removeprefix(f"{source.NAME}/") for name in packed}
    ours = tracked(*source.ROOMS, *source.BESIDE)
    assert {name for name in ours if not name.startswith("scripts/deploy/")} <= inside
    assert {"LICENSE", "setup.cfg", "pyproject.toml", "app/wsgi.py", "scripts/run"} <= inside


def test_changed_line_is_in_the_archive_and_what_is_not_ours_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "ROOT", a_checkout(tmp_path))
    (tmp_path / "app" / "one.py").write_text("changed")
    for stray in (
        "setup.cfg",
        "app/.env.py",
        "app/keys.pem",
        "var.py",
        "app/__pycache__/x.py",
        MADE,
    ):
        (tmp_path / stray).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stray).write_text("secret")
    (tmp_path / "app" / "link.py").symlink_to("/etc/passwd")
    source._archive.cache_clear()  # noqa: SLF001 (what was packed before)
    found = unpack(source.archive())
    source._archive.cache_clear()  # noqa: SLF001
    assert found == {
        f"{source.NAME}/setup.cfg": b"secret",
        f"{source.NAME}/app/one.py": b"changed",
    }


def test_same_source_gives_the_same_bytes() -> None:
    first = source.archive()
    source._archive.cache_clear()  # noqa: SLF001 (as another process would)
    assert source.archive() == first


def test_house_sends_it_and_says_so_when_it_is_known_already(client: FlaskClient) -> None:
    answer = client.get(source.SOURCE_PATH)
    assert (answer.status_code, answer.content_type) == (200, "application/gzip")
    assert answer.data == source.archive()
    known = client.get(source.SOURCE_PATH, headers={"If-None-Match": answer.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    assert client.get("/my/source/cadans-0.0.1.tar.gz").status_code == 404


def test_commit_and_changes_of_a_checkout_are_known(tmp_path: Path) -> None:
    assert source.find_commit(tmp_path) is None
    root = a_checkout(tmp_path / "here")
    commit = source.find_commit(root)
    assert commit is not None
    assert len(commit) == 40
    assert not source.is_changed(root)
    (root / "app" / "two.py").write_text("second")
    assert source.is_changed(root)


def test_pages_of_errors_lead_to_it_too(app: Flask, client: FlaskClient) -> None:
    def break_down() -> str:
        raise RuntimeError

    break_down.access = "anyone"  # type: ignore[attr-defined]  # (as app.web.access marks a view)
    app.add_url_rule("/api-of-nobody/break", view_func=break_down)
    for path, status in (("/nowhere/at/all", 404), ("/api-of-nobody/break", 500)):
        answer = client.get(path)
        assert answer.status_code == status
        assert LINK in answer.text
    assert LINK in client.get("/admin/sign-in").text
    with app.test_request_context():
        assert url_for("rights.source") == source.SOURCE_PATH


def test_operator_who_publishes_it_elsewhere_is_linked_to(
    environ: dict[str, str], make_house: Callable[[Settings], House]
) -> None:
    environ["CADANS_SOURCE_URL"] = "https://example.org/cadans/{version}"
    house = make_house(Settings.from_env(environ))
    page = create_app(house.settings, house).test_client().get("/").text
    assert f'href="https://example.org/cadans/{__version__}"' in page
