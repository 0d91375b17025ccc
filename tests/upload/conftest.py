"""A real server with each store, and the upload command as people start it."""

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import String, cast, literal, update

from app.db.models import Course
from app.db.session import open_database
from app.services import accounts, api_tokens
from app.services.accounts import NewAccount
from app.services.api_tokens import TokenFields
from tests.parts.audio_files import AudioFiles
from tests.parts.rgw import S3Server, environ_of
from tests.parts.server import Installation, installation

SCRIPT = Path(__file__).parents[2] / "scripts" / "upload.py"
PATIENCE_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a run of the command ended, and what it said."""

    exit_code: int
    output: str
    errors: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.output.splitlines()]


@dataclass(frozen=True, kw_only=True)
class Command:
    """`scripts/upload.py`, with nothing of this machine's own in its environment."""

    environ: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str | Path, **environ: str) -> Done:
        process = self.start(*words, **environ)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        return Done(exit_code=process.returncode, output=output, errors=errors)

    def start(self, *words: str | Path, **environ: str) -> subprocess.Popen[str]:
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CADANS_", "AWS_", "LC_", "LANG"))
        }
        return subprocess.Popen(
            # In the background of a shell Ctrl-C means nothing, and children inherit that.
            ["env", "--default-signal=INT", sys.executable, str(SCRIPT), *map(str, words)],
            env={**own, **self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def interrupt(self, process: subprocess.Popen[str]) -> Done:
        """Press Ctrl-C; a command that was held meets it at its next step."""
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        return Done(exit_code=process.returncode, output=output, errors=errors)


@dataclass(frozen=True, kw_only=True)
class Teacher:
    """An owner's laptop: the command with her token, and a look at what the server has."""

    here: Installation
    email: str
    token: str

    @property
    def command(self) -> Command:
        return Command(environ={"CADANS_SERVER": self.here.url, "CADANS_TOKEN": self.token})

    def upload(self, *words: str | Path) -> Done:
        return self.command.run(*words)

    def get(self, path: str) -> Any:
        answer = httpx.get(
            f"{self.here.url}/api/v1{path}",
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=30,
        )
        answer.raise_for_status()
        return answer.json()

    def lessons(self, slug: str) -> list[dict[str, Any]]:
        return list(self.get(f"/courses/{slug}/lessons")["items"])

    def titles(self, slug: str) -> list[str]:
        return [lesson["title"] for lesson in self.lessons(slug)]


@pytest.fixture
def command() -> Command:
    return Command()


@pytest.fixture(scope="module")
def with_folder_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("folder") / "house") as here:
        here.make_tables()
        here.serve()
        yield here


@pytest.fixture(scope="module")
def with_s3(
    tmp_path_factory: pytest.TempPathFactory, s3_server: S3Server
) -> Iterator[Installation]:
    """A store elsewhere: its worker is a process of its own."""
    bucket = s3_server.make_bucket()
    environ = {
        "CADANS_FEED_KEYS": f"1:{'ab' * 32}",
        "CADANS_SECRET_KEYS": "cd" * 32,
        **environ_of(bucket),
    }
    folder = tmp_path_factory.mktemp("s3") / "house"
    with installation(folder, environ) as here:
        here.make_tables()
        here.serve()
        here.start("worker")
        yield here


@pytest.fixture(
    params=[
        "folder_store",
        pytest.param("s3", marks=pytest.mark.s3),
    ]
)
def teacher(request: pytest.FixtureRequest) -> Teacher:
    """Somebody with an account and a token, at a server with each store."""
    return a_teacher(request.getfixturevalue(f"with_{request.param}"))


@pytest.fixture
def teacher_here(with_folder_store: Installation) -> Teacher:
    """The same where the store makes no difference."""
    return a_teacher(with_folder_store)


def a_teacher(here: Installation) -> Teacher:
    """An owner of nothing yet; courses of other tests stand out of her way."""
    database = open_database(f"sqlite:///{here.folder / 'var' / 'cadans.sqlite3'}")
    now = datetime.now(UTC)
    with database.writing() as session:
        session.execute(update(Course).values(slug=literal("was-") + cast(Course.id, String)))
        email = f"ada-{secrets.token_hex(4)}@example.org"
        new = NewAccount(email=email, password=secrets.token_hex(8))
        account = accounts.add(session, new, now=now)
        fields = TokenFields(account_id=account.id, label="test")
        made = api_tokens.create(session, fields, now=now)
    database.close()
    return Teacher(here=here, email=email, token=made.text)


MakeFolder = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def make_folder(tmp_path: Path, audio_files: AudioFiles) -> MakeFolder:
    """Fill a folder: name there → name among the audio files."""
    folder = tmp_path / "lessons"
    folder.mkdir()

    def make(files: Mapping[str, str]) -> Path:
        for name, source in files.items():
            (folder / name).write_bytes(audio_files[source].read_bytes())
        return folder

    return make


def write_list(folder: Path, *rows: Sequence[str]) -> None:
    text = "\n".join(";".join(row) for row in rows)
    (folder / "lessons.csv").write_text(text, encoding="utf-8-sig")
