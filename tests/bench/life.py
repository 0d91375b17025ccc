"""What goes on in a town: people poll, sign up and upload, each in a thread until told to stop."""

import os
import re
import secrets
import ssl
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx
from mutagen.easyid3 import EasyID3

from app.demo import load_demo_course
from tests.bench.figures import say
from tests.bench.town import SLUG, UPLOADS, Town
from tests.parts.server import PROGRAM

# A person who is told to try again does so.
TRY_AGAIN_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 60
UPLOAD_SECONDS: Final = 180


class Life:
    """Something that is done again and again; `went_wrong` says what did, and how often."""

    def __init__(self, town: Town, *, every: float) -> None:
        self.town = town
        self.done = 0
        self.went_wrong: Counter[str] = Counter()
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let what is being done come to its end."""
        self._stop.set()
        self._thread.join()
        self.close()

    def close(self) -> None:
        """Let go of what was open."""

    def live(self) -> None:
        """Do it once; raises what went wrong."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.live()
                self.done += 1
            except Exception as error:  # noqa: BLE001 (whatever it is, it is counted)
                self.went_wrong[f"{type(error).__name__}: {error}"[:200]] += 1
            self._stop.wait(self._every)


class WentWrong(Exception):
    """An answer that nobody should get."""


@contextmanager
def going_on(*lives: Life) -> Iterator[None]:
    """All of it, for the length of the block."""
    for life in lives:
        life.start()
    try:
        yield
    finally:
        for life in lives:
            life.stop()


def went_wrong(lives: Iterable[Life]) -> int:
    """Say all that went wrong in them; answer how often something did."""
    wrong = [words for each in lives for words in each.went_wrong.elements()]
    for words in wrong:
        say(words)
    return len(wrong)


class Polls(Life):
    """An app polls one feed after the other; the second time with what it knows of it."""

    def __init__(self, town: Town, *, every: float) -> None:
        super().__init__(town, every=every)
        self._client = town.nginx.client()
        self._etags: dict[str, str] = {}

    def live(self) -> None:
        token = secrets.choice(self.town.tokens)
        known = self._etags.get(token)
        headers = {"If-None-Match": known} if known else {}
        answer = self._client.get(f"/f/{token}.xml", headers=headers)
        wanted = HTTPStatus.NOT_MODIFIED if known else HTTPStatus.OK
        if answer.status_code != wanted:
            raise WentWrong(f"a poll got {answer.status_code} instead of {wanted}")
        self._etags[token] = answer.headers["ETag"]

    def close(self) -> None:
        self._client.close()


class SignUps(Life):
    """People sign up, each from a network of her own, and confirm when the mail is there.

    `taken` are the addresses of those who were told to look in their mailbox.
    """

    def __init__(self, town: Town, *, every: float) -> None:
        super().__init__(town, every=every)
        self.taken: list[str] = []
        self.tried_again = 0

    def live(self) -> None:
        email = f"noor-{secrets.token_hex(6)}@example.org"
        self._until_it_is_taken(f"/{SLUG}", {"name": "Noor", "email": email})
        self.taken.append(email)

    def _until_it_is_taken(self, path: str, form: dict[str, str]) -> None:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            with a_browser(self.town) as browser:
                answer = browser.post(path, data=form)
            if answer.status_code == HTTPStatus.OK:
                return
            if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise WentWrong(f"a sign-up got {answer.status_code}")
            if time.monotonic() > give_up_at:
                raise WentWrong(f"a sign-up got {answer.status_code} for too long")
            self.tried_again += 1
            time.sleep(TRY_AGAIN_SECONDS)


@contextmanager
def a_browser(town: Town) -> Iterator[httpx.Client]:
    """Somebody at an address of her own: sign-ups of one network are limited."""
    own = ".".join(str(secrets.randbelow(254) + 1) for _ in range(3))
    trust = ssl.create_default_context(cafile=str(town.nginx.authority))
    transport = httpx.HTTPTransport(verify=trust, local_address=f"127.{own}")
    with httpx.Client(base_url=town.nginx.url, transport=transport, timeout=30) as client:
        yield client


class Uploads(Life):
    """A teacher uploads one recording after the other, with the command that teachers use."""

    def __init__(self, town: Town, folder: Path, *, every: float) -> None:
        super().__init__(town, every=every)
        self._folder = folder
        self._sound = load_demo_course().lessons[0].audio.read_bytes()

    def live(self) -> None:
        name = f"Lesson {secrets.token_hex(4)}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        path = folder / f"{name}.mp3"
        path.write_bytes(self._sound)
        # Other bytes each time, or the house says that it has them.
        sound = EasyID3(path)  # type: ignore[no-untyped-call]  # (mutagen types it in part)
        sound["title"] = name
        sound.save()
        done = subprocess.run(
            [PROGRAM, "upload", str(folder), "--course", UPLOADS, "--json"],
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=UPLOAD_SECONDS,
            check=False,
        )
        if done.returncode:
            raise WentWrong(f"an upload ended with {done.returncode}: {done.stdout}{done.stderr}")

    def _environ(self) -> dict[str, str]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"CADANS_|AWS_|LC_|LANG", name)
        }
        return {
            **inherited,
            "CADANS_SERVER": self.town.nginx.url,
            "CADANS_TOKEN": self.town.api_token,
            "SSL_CERT_FILE": str(self.town.nginx.authority),
        }
