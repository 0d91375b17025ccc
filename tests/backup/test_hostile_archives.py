"""An archive that somebody else had in hand fills no memory and no disk, and leaves no folder."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.backup import archive, restoring, rows, sealing
from app.backup.archive import MANIFEST, ArchiveReader
from app.backup.errors import ArchiveDamaged, RestoreError
from app.backup.making import back_up
from app.backup.manifest import KeptKeys, Objects
from app.backup.restoring import restore
from app.backup.sealing import unseal
from app.backup.tally import sha256_of
from app.house import House
from app.settings import Settings
from media.keys import new_object_key
from tests.backup.test_moving_house import PASSPHRASE, Quiet
from tests.builders import a_course
from tests.parts.house import MakeHouse
from tests.parts.postgres import lay_tables

Change = Callable[[dict[str, Any]], object]
COVER = b"a cover " * 1000


@pytest.fixture
def made(house: House, tmp_path: Path) -> Path:
    """The archive of a house with a course and its cover."""
    with house.database.writing() as session:
        course = a_course(session, lessons=0)
        course.cover_key = new_object_key(course.id, "jpg")
        house.store.put(course.cover_key, [COVER], "image/jpeg")
    path = tmp_path / "kept" / "all.zip"
    back_up(house, path, objects_are=Objects.INSIDE, passphrase=PASSPHRASE, progress=Quiet())
    return path


@pytest.fixture
def new(make_house: MakeHouse, tmp_path: Path, migrated_sqlite: Path) -> House:
    """Where it is to be brought to."""
    var = tmp_path / "new"
    lay_tables(migrated_sqlite, var)
    return make_house(Settings.from_env({"CADANS_VAR": str(var)}))


def forge(path: Path, change: Change, entries: Mapping[str, bytes] | None = None) -> None:
    """Change what an archive says of itself, and what is in it."""
    with zipfile.ZipFile(path) as source:
        kept = {name: source.read(name) for name in source.namelist()} | dict(entries or {})
    manifest = json.loads(kept[MANIFEST])
    change(manifest)
    kept[MANIFEST] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in kept.items():
            target.writestr(name, content)


def bring(path: Path, house: House) -> None:
    with ArchiveReader(path) as reader:
        restore(house, reader, passphrase=PASSPHRASE, progress=Quiet())


def assert_refused(path: Path, house: House, words: str) -> None:
    with pytest.raises(RestoreError, match=words):
        bring(path, house)
    assert rows.is_empty(house.database)
    assert list(house.store.list()) == []


def test_manifest_that_unpacks_to_gigabytes_is_not_read(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MOST_MANIFEST_BYTES", 100_000)
    forge(made, lambda manifest: manifest.update(release="x" * 200_000))

    with pytest.raises(ArchiveDamaged, match=r"manifest\.json in the archive is larger"):
        ArchiveReader(made)


def test_object_that_unpacks_to_more_than_it_says_is_not_read(made: Path, new: House) -> None:
    with zipfile.ZipFile(made) as source:
        name = next(name for name in source.namelist() if name.startswith("objects/"))
    forge(made, lambda _: None, {name: bytes(10_000_000)})

    assert_refused(made, new, "larger than it may be")


def test_row_that_never_ends_is_not_read(
    made: Path, new: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "MOST_ROW_BYTES", 100_000)
    monkeypatch.setattr(ArchiveReader, "check", lambda *_: None)
    forge(made, lambda _: None, {"tables/courses.jsonl": b"[" + b" " * 300_000})

    with pytest.raises(ArchiveDamaged, match="a row of courses is larger"):
        bring(made, new)


def test_rows_beyond_those_that_were_announced_are_not_read(made: Path, new: House) -> None:
    with zipfile.ZipFile(made) as source:
        content = source.read("tables/former_slugs.jsonl")
    assert content == b""
    line = json.dumps(["slug", 1, "2026-06-01T06:00:00+00:00"]).encode() + b"\n"
    lines = b"".join(line.replace(b"slug", b"slug-%d" % number) for number in range(5000))

    def announce(manifest: dict[str, Any]) -> None:
        table = next(each for each in manifest["tables"] if each["name"] == "former_slugs")
        table.update(rows=1, sha256=sha256_of([lines]))

    forge(made, announce, {"tables/former_slugs.jsonl": lines})
    with pytest.raises(ArchiveDamaged, match="of 1 rows of former_slugs 2 came"):
        bring(made, new)


@pytest.mark.parametrize("key", ["../../etc/cron.d/x", "/etc/passwd", "1/../../x", "1\\..\\x", ""])
def test_object_leaves_no_folder(made: Path, new: House, key: str) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        manifest["objects"][0]["key"] = key

    forge(made, rename, {f"objects/{key}": COVER})

    with pytest.raises(Exception, match=r"key|objects"):
        bring(made, new)
    assert not [path for path in made.parent.parent.rglob("*") if path.name in {"x", "passwd"}]


def test_a_guess_at_the_passphrase_costs_memory(
    house: House, strong_seals: Mapping[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # RFC 7914, 2: so many bytes for each guess.
    assert 128 * strong_seals["n"] * strong_seals["r"] >= 2**27
    monkeypatch.setattr(sealing, "COST", strong_seals)
    kept = sealing.keep(sealing.keys_of(house.settings), PASSPHRASE)
    assert kept.sealed is not None
    assert kept.sealed["cost"] == strong_seals
    assert unseal(kept, PASSPHRASE) == sealing.keys_of(house.settings)


@pytest.mark.parametrize(
    "cost",
    [
        {"n": 2**30, "r": 8, "p": 1},
        {"n": 2**17, "r": 2**20, "p": 1},
        {"n": 2**17, "r": 8, "p": 2**30},
        {"n": "many", "r": 8, "p": 1},
        {"n": -1, "r": -1, "p": -1},
        {},
    ],
)
def test_keys_are_not_unsealed_at_any_cost(house: House, cost: dict[str, Any]) -> None:
    kept = sealing.keep(sealing.keys_of(house.settings), PASSPHRASE)
    assert unseal(kept, PASSPHRASE) == sealing.keys_of(house.settings)

    sealed = {**(kept.sealed or {}), "cost": cost}
    forged = KeptKeys(feed=kept.feed, secret=kept.secret, sealed=sealed)
    with pytest.raises(RestoreError, match="damaged"):
        unseal(forged, PASSPHRASE)
