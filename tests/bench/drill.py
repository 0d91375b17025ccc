"""A machine is lost, twice, and the house is back elsewhere with every address as it was.

A town on PostgreSQL and S3 is backed up while people poll, sign up and upload, and the next night
again. Then it is gone. It comes back on SQLite and a folder, is backed up there, is lost as well,
and comes back on PostgreSQL and S3, each time under the same name, with nothing but its archive.
Counted: what went wrong meanwhile, and what is not there again: feeds and what they offer to hear,
byte for byte, and what people signed up for and uploaded before a backup began.
"""

import hashlib
import json
import random
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import feedparser
import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Confirmation, Recording
from app.db.session import open_database
from app.demo import load_demo_course
from app.settings import Settings
from feeds.tokens import FeedToken
from media.location import S3Location
from tests.bench.figures import Measure, none, say
from tests.bench.houses import Parts, parts_for
from tests.bench.life import Life, Polls, SignUps, Uploads, going_on, went_wrong
from tests.bench.town import People, Town, a_town, count_uploaded
from tests.parts.rgw import S3Server, environ_of, url_of
from tests.parts.server import Installation, installation

BENCH = "drill"
PASSPHRASE = "seven seas and a half"
WORDS = "words"
POLLERS = 2
# So that there is something of theirs in each backup.
BEFORE_SECONDS = 5
# So many feeds are read before and after.
READ = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What listeners got, as digests: the feed of each token, the recording at each address."""

    feeds: Mapping[FeedToken, str]
    recordings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was there before the backup began from which the house comes back."""

    sign_ups: Sequence[str]
    uploads: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One backup: how long, how much."""

    seconds: float
    archive: Path
    rows: int
    objects: int
    megabytes: float
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """One return: seconds until the restore was done, and until the first feed was answered."""

    restored: float
    answering: float
    feeds_lost: int
    recordings_lost: int
    sign_ups_lost: int
    uploads_lost: int


def run(*, is_quick: bool) -> list[Measure]:
    """Lose a town on parts of our own, and the house that it became."""
    settled = 5_000 if is_quick else 100_000
    people = People(settled=settled, due_a_second=0, seconds=0)
    with parts_for("drill") as own:
        say(f"drill: {settled:,} subscriptions …")
        with a_town(own.url, own.folder, own.s3_server, own.mail_server, people) as town:
            _record(town, own.s3_server)
            (own.folder / WORDS).write_text(PASSPHRASE)
            town.start()
            return _drill(town, own)


def _drill(town: Town, own: Parts) -> list[Measure]:
    heard = _listen(town)
    assert heard.recordings
    lives = [
        *(Polls(town, every=0.01) for _ in range(POLLERS)),
        sign_ups := SignUps(town, every=0.2),
        uploads := Uploads(town, own.folder / "sounds", every=1),
    ]
    with going_on(*lives):
        time.sleep(BEFORE_SECONDS)
        first = _back_up(town.webs[0], own.folder / "nights")
        known = Known(sign_ups=list(sign_ups.taken), uploads=uploads.done)
        assert known.sign_ups
        second = _back_up(town.webs[0], own.folder / "nights")
    say("drill: PostgreSQL and S3 are lost …")
    _lose(town, own)
    with _small(town, own, second.archive) as small:
        small_back = _come_back(town, small, second.archive, heard, known)
        third = _back_up(small, own.folder / "small-nights")
    say("drill: SQLite and the folder are lost …")
    shutil.rmtree(small.folder)
    with _large(town, own, third.archive) as large:
        large_back = _come_back(town, large, third.archive, heard, known)
        fourth = _back_up(large, own.folder / "large-nights")
    nights = (first, second, third, fourth)
    return [
        _night("backup of PostgreSQL and S3 under load", first),
        _night("the next one, with what is new", second),
        _night("backup of SQLite and a folder", third),
        *_disturbed(lives, tried_again=sign_ups.tried_again),
        none(BENCH, "recordings missing in a backup", sum(night.missing for night in nights)),
        *_returned("on SQLite and a folder", small_back, heard, known),
        *_returned("on PostgreSQL and S3 again", large_back, heard, known),
    ]


def _record(town: Town, s3_server: S3Server) -> None:
    """Let the lessons of the course have real recordings in the store."""
    lessons = load_demo_course().lessons
    with town.database.writing() as session:
        for recording, lesson in zip(session.scalars(select(Recording)), lessons, strict=True):
            sound = lesson.audio.read_bytes()
            kept = s3_server.client.put_object(
                Bucket=_bucket_of(town), Key=recording.object_key, Body=sound
            )
            recording.size_bytes, recording.etag = len(sound), kept["ETag"]


def _bucket_of(town: Town) -> str:
    location = Settings.from_env(town.webs[0].environ).store
    assert isinstance(location, S3Location)
    return location.bucket


def _listen(town: Town, tokens: list[FeedToken] | None = None) -> Heard:
    """Read feeds, and all that one of them offers to hear."""
    tokens = tokens or random.sample(town.tokens, min(READ, len(town.tokens)))
    with town.nginx.client(follow_redirects=True) as client:
        feeds = {token: _digest(client, f"/f/{token}.xml") for token in tokens}
        entries = feedparser.parse(client.get(f"/f/{tokens[0]}.xml").content).entries
        addresses = [str(entry.enclosures[0].href) for entry in entries]
        return Heard(
            feeds=feeds, recordings={address: _digest(client, address) for address in addresses}
        )


def _digest(client: httpx.Client, address: str) -> str:
    """SHA-256 of what lies at an address; empty when nothing does."""
    answer = client.get(address)
    return hashlib.sha256(answer.content).hexdigest() if answer.status_code == HTTPStatus.OK else ""


def _back_up(house: Installation, kept: Path) -> Night:
    """Back up as an operator does every night, recordings too."""
    words = kept.with_name(WORDS)
    begun = time.monotonic()
    said = house.run(
        "backup", str(kept), "--with-objects", "--passphrase-file", str(words), "--json"
    )
    seconds, made = time.monotonic() - begun, json.loads(said)
    say(f"drill: backed up {made['rows']:,} rows in {seconds:.1f} s")
    return Night(
        seconds=seconds,
        archive=Path(made["archive"]),
        rows=made["rows"],
        objects=made["objects"],
        megabytes=made["archive_bytes"] / 1e6,
        missing=len(made["missing"]),
    )


def _lose(town: Town, own: Parts) -> None:
    """Stop the town, and take away what it leant on."""
    town.stop()
    town.database.close()
    own.postgres.run("DROP DATABASE drill WITH (FORCE)")
    bucket, client = _bucket_of(town), own.s3_server.client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page["Contents"]:
            client.delete_object(Bucket=bucket, Key=each["Key"])


def _keys_in(archive: Path, folder: Path) -> dict[str, str]:
    """The settings that an archive hands to whoever knows the passphrase."""
    words = folder / WORDS
    anywhere = Installation(folder=folder / "anywhere")
    said = anywhere.run("restore", str(archive), "--passphrase-file", str(words), "--print-keys")
    return dict(line.split("=", 1) for line in said.splitlines())


def _small(town: Town, own: Parts, archive: Path) -> AbstractContextManager[Installation]:
    return _elsewhere(town, own.folder / "small", _keys_in(archive, own.folder))


def _large(town: Town, own: Parts, archive: Path) -> AbstractContextManager[Installation]:
    own.postgres.run("CREATE DATABASE drill_again")
    bucket = own.s3_server.make_bucket()
    environ = {
        **_keys_in(archive, own.folder),
        **environ_of(bucket),
        "CADANS_STORE": f"{url_of(bucket)}&public_endpoint={town.nginx.store_url}",
        "CADANS_DATABASE_URL": own.url.replace("/drill?", "/drill_again?"),
    }
    return _elsewhere(town, own.folder / "large", environ)


@contextmanager
def _elsewhere(town: Town, folder: Path, environ: dict[str, str]) -> Iterator[Installation]:
    """Another machine under the name of the town, and with its mail server."""
    same = {
        "CADANS_BASE_URL": town.nginx.url,
        "CADANS_TRUSTED_PROXIES": "127.0.0.1",
        "CADANS_MAIL": town.mail_server.url,
    }
    with installation(folder, {**same, **environ}) as house:
        house.port = town.webs[0].port
        yield house


def _come_back(town: Town, house: Installation, archive: Path, heard: Heard, known: Known) -> Back:
    begun = time.monotonic()
    house.run("restore", str(archive))
    restored = time.monotonic() - begun
    house.serve()
    tokens = list(heard.feeds)
    with town.nginx.client() as client:
        client.get(f"/f/{tokens[0]}.xml").raise_for_status()
    answering = time.monotonic() - begun
    again = _listen(town, tokens)
    with _tables_of(house) as session:
        waiting = set(session.scalars(select(Confirmation.email)))
        uploaded = count_uploaded(session)
    return Back(
        restored=restored,
        answering=answering,
        feeds_lost=_differing(heard.feeds, again.feeds),
        recordings_lost=_differing(heard.recordings, again.recordings),
        sign_ups_lost=len(set(known.sign_ups) - waiting),
        uploads_lost=max(known.uploads - uploaded, 0),
    )


def _differing(before: Mapping[Any, str], after: Mapping[Any, str]) -> int:
    """How many are not as they were; what was not there before is a fault of the drill."""
    return sum(not digest or after.get(key) != digest for key, digest in before.items())


@contextmanager
def _tables_of(house: Installation) -> Iterator[Session]:
    environ = {"CADANS_VAR": str(house.folder / "var"), **house.environ}
    database = open_database(Settings.from_env(environ).database_url)
    try:
        with database.reading() as session:
            yield session
    finally:
        database.close()


def _night(name: str, night: Night) -> Measure:
    return Measure(
        bench=BENCH,
        name=name,
        value=night.seconds,
        unit="s",
        facts={
            "rows": night.rows,
            "recordings": night.objects,
            "archive_mb": round(night.megabytes),
        },
    )


def _disturbed(lives: Sequence[Life], tried_again: int) -> list[Measure]:
    """What went wrong for people while a backup was made; nobody should have to try again."""
    failed = went_wrong(lives) + tried_again
    tried = sum(each.done for each in lives) + failed
    return [none(BENCH, f"of {tried:,} polls, sign-ups and uploads meanwhile failed", failed)]


def _returned(where: str, back: Back, heard: Heard, known: Known) -> list[Measure]:
    feeds, recordings = len(heard.feeds), len(heard.recordings)
    return [
        Measure(
            bench=BENCH,
            name=f"{where}: first feed after",
            value=back.answering,
            unit="s",
            facts={"restored": round(back.restored, 1)},
        ),
        none(BENCH, f"{where}: of {feeds:,} feeds other bytes", back.feeds_lost),
        none(BENCH, f"{where}: of {recordings} recordings other bytes", back.recordings_lost),
        none(BENCH, f"{where}: of {len(known.sign_ups):,} sign-ups lost", back.sign_ups_lost),
        none(BENCH, f"{where}: of {known.uploads} uploads lost", back.uploads_lost),
    ]
