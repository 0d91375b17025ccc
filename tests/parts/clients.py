"""Real podcast clients: gPodder's `gpo`, and newsboat with podboat. Each has a home of its own.

Their exit codes are 0 whatever happens (tried with gPodder 3.11 and newsboat 2.21), so nothing
here looks at them: what counts is which files there are afterwards.
"""

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.parts.missing import missing

STEP_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class GPodder:
    """`gpo` with an empty library."""

    home: Path

    def subscribe(self, feed_url: str) -> None:
        self._gpo("subscribe", feed_url)

    def update(self) -> None:
        """Ask every feed for news."""
        self._gpo("update")

    def download(self) -> None:
        """Download every episode that it thinks is new."""
        self._gpo("download")

    def pending(self) -> str:
        """What it would download, in its own words."""
        return self._gpo("pending")

    def episodes(self) -> list[str]:
        """The titles it knows, oldest first."""
        return [str(title) for (title,) in self._episodes("title")]

    def unheard(self) -> list[str]:
        """The titles it calls new and has not downloaded, oldest first."""
        return [title for title, is_new in self._episodes("title, is_new AND state = 0") if is_new]

    def dated(self) -> dict[str, tuple[str, int]]:
        """Guid and date (in seconds since 1970) of each title it knows, as the feed said last."""
        found = self._episodes("title, guid, published")
        return {str(title): (str(guid), int(published)) for title, guid, published in found}

    def feed_urls(self) -> list[str]:
        """The feed addresses it has stored: not those that were typed, if it was redirected."""
        with closing(sqlite3.connect(self.home / "gPodder" / "Database")) as library:
            return [str(url) for (url,) in library.execute("SELECT url FROM podcast").fetchall()]

    def files(self) -> dict[str, bytes]:
        """What it downloaded: where it lies, and its bytes."""
        return _audio_in(self.home / "downloads")

    def _episodes(self, columns: str) -> list[Any]:
        with closing(sqlite3.connect(self.home / "gPodder" / "Database")) as library:
            return library.execute(
                f"SELECT {columns} FROM episode ORDER BY published, id"  # noqa: S608 (our own)
            ).fetchall()

    def _gpo(self, *words: str) -> str:
        own = {
            "GPODDER_HOME": str(self.home / "gPodder"),
            "GPODDER_DOWNLOAD_DIR": str(self.home / "downloads"),
        }
        return _said(["gpo", *words], self.home, own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsboat:
    """newsboat, which reads feeds, and podboat, which downloads what it queued."""

    home: Path

    def subscribe(self, feed_url: str) -> None:
        settings = self.home / ".newsboat"
        settings.mkdir(parents=True)
        (settings / "urls").write_text(f'"{feed_url}"\n')
        (settings / "config").write_text(
            "podcast-auto-enqueue yes\n"
            f'download-path "{self.home}/downloads/"\n'
            "download-retries 1\n"
            "max-downloads 2\n"
            "show-read-feeds yes\n"
        )

    def update(self) -> None:
        """Ask every feed for news."""
        _said(["newsboat", "-x", "reload"], self.home, {"TERM": "xterm"})

    def download(self, until: int) -> None:
        """Let podboat download what is queued, until there are so many files altogether.

        It wants a terminal, and a key to stop.
        """
        (self.home / "downloads").mkdir(exist_ok=True)
        with subprocess.Popen(
            ["script", "-qfc", "podboat -a", "/dev/null"],
            env=_environment(self.home, {"TERM": "xterm"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as podboat:
            give_up_at = time.monotonic() + STEP_SECONDS
            while len(self.files()) < until and time.monotonic() < give_up_at:
                time.sleep(0.1)
            _stop(podboat)

    def titles(self) -> list[str]:
        """The titles it knows, oldest first."""
        with closing(sqlite3.connect(self.home / ".newsboat" / "cache.db")) as cache:
            rows = cache.execute("SELECT title FROM rss_item ORDER BY pubDate, id").fetchall()
        return [str(title) for (title,) in rows]

    def files(self) -> dict[str, bytes]:
        """What it downloaded: where it lies, and its bytes."""
        return _audio_in(self.home / "downloads")


@pytest.fixture
def new_gpodder(tmp_path: Path) -> Callable[[], GPodder]:
    if shutil.which("gpo") is None:
        missing("gPodder", "gpodder")
    return lambda: GPodder(home=_new_home(tmp_path, "gpodder"))


@pytest.fixture
def gpodder(new_gpodder: Callable[[], GPodder]) -> GPodder:
    return new_gpodder()


@pytest.fixture
def newsboat(tmp_path: Path) -> Newsboat:
    for program, package in (
        ("newsboat", "newsboat"),
        ("podboat", "newsboat"),
        ("script", "bsdutils"),
    ):
        if shutil.which(program) is None:
            missing(program, package)
    return Newsboat(home=_new_home(tmp_path, "newsboat"))


def _new_home(folder: Path, name: str) -> Path:
    number = len(list(folder.glob(f"{name}*"))) + 1
    home = folder / f"{name}{number}"
    home.mkdir()
    return home


def _stop(podboat: subprocess.Popen[bytes]) -> None:
    """Press q, then y for "downloads in progress, quit anyway?"."""
    try:
        podboat.communicate(b"qy", timeout=STEP_SECONDS)
    except subprocess.TimeoutExpired:
        podboat.kill()


def _said(command: list[str], home: Path, own: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        env=_environment(home, own),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    return (done.stdout + done.stderr).decode(errors="replace").replace("\r", "\n")


def _environment(home: Path, own: dict[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(home), **own}


def _audio_in(folder: Path) -> dict[str, bytes]:
    """Whole files only: both write to a name of their own until a download is done."""
    found = sorted(folder.rglob("*.mp3"))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}
