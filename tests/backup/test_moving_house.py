"""A house goes into an archive and comes out elsewhere: tables, store, keys and addresses."""

import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.backup import rows
from app.backup.archive import ArchiveReader
from app.backup.errors import ArchiveDamaged, BackupError, RestoreError
from app.backup.making import Made, back_up
from app.backup.manifest import Objects
from app.backup.restoring import Restored, check, restore
from app.db import migrate
from app.db.models import Lesson, PauseSpan, PendingPlan, Recording, Subscription, Upload
from app.house import House
from app.jobs.unlocks import record_unlocks
from app.kinds import EndReason, UploadState
from app.settings import Settings
from media.folder import FolderStore
from media.keys import ObjectKey
from tests.builders import START, a_course, a_listener, a_subscription, an_account
from tests.parts.house import MakeHouse, SettableClock
from tests.parts.postgres import Postgres, lay_tables
from tests.parts.rgw import S3Server, set_credentials, url_of
from tests.web.conftest import WEEK, store_sound, token_of

PASSPHRASE = "seven seas and a half"
SOUND = bytes(range(256)) * 400


class Quiet:
    """Shows nothing, but counts what it is told of."""

    def __init__(self) -> None:
        self.done: dict[str, tuple[int, int]] = {}

    @contextmanager
    def part(self, name: str, total: int) -> Iterator[Callable[[], object]]:
        self.done[name] = (0, total)

        def advance() -> None:
            self.done[name] = (self.done[name][0] + 1, total)

        yield advance


@dataclass(kw_only=True)
class Movers:
    """Makes houses, and carries one into another."""

    make_house: MakeHouse
    folder: Path
    request: pytest.FixtureRequest

    def house(self, name: str, database: str, store: str, **more: str) -> House:
        """A house whose tables are laid; the keys are its own unless `more` says otherwise."""
        var = self.folder / name
        environ = {"CADANS_VAR": str(var), **more}
        if database == "postgres":
            postgres: Postgres = self.request.getfixturevalue("postgres")
            context = postgres.fresh()
            environ["CADANS_DATABASE_URL"] = context.__enter__()
            self.request.addfinalizer(lambda: context.__exit__(None, None, None))
        if store == "s3":
            server: S3Server = self.request.getfixturevalue("s3_server")
            set_credentials(self.request.getfixturevalue("monkeypatch"))
            environ["CADANS_STORE"] = url_of(server.make_bucket())
        if database == "postgres" or store == "s3":
            environ.setdefault("CADANS_FEED_KEYS", f"1:{secrets.token_hex(32)}")
            environ.setdefault("CADANS_SECRET_KEYS", secrets.token_hex(32))
        if database == "sqlite":
            lay_tables(self.request.getfixturevalue("migrated_sqlite"), var)
        return self.make_house(Settings.from_env(environ))

    def back_up(
        self,
        house: House,
        name: str = "all.zip",
        *,
        objects_are: Objects = Objects.INSIDE,
        passphrase: str | None = PASSPHRASE,
    ) -> Made:
        return back_up(
            house,
            self.folder / "kept" / name,
            objects_are=objects_are,
            passphrase=passphrase,
            progress=Quiet(),
        )


@pytest.fixture
def movers(make_house: MakeHouse, tmp_path: Path, request: pytest.FixtureRequest) -> Movers:
    return Movers(make_house=make_house, folder=tmp_path, request=request)


@pytest.fixture
def old(movers: Movers, clock: SettableClock) -> House:
    house = movers.house("old", "sqlite", "folder")
    furnish(house, clock)
    return house


def furnish(house: House, clock: SettableClock) -> None:
    """Two listeners, one of whom began anew; unlocks, a pause, a change that waits, an upload."""
    clock.instant = START + WEEK
    with house.database.writing() as session:
        course = a_course(session)
        ben = a_listener(session, name="Zoë 'Ben' ☂")
        was = a_subscription(session, course, ben, ended_at=START, end_reason=EndReason.RESTARTED)
        was.successor_id = a_subscription(session, course, ben).id
        other = a_subscription(session, course)
        session.add(PauseSpan(subscription_id=other.id, starts_on=date(2027, 1, 1)))
        session.add(
            PendingPlan(course_id=course.id, changes=[{"é": 1}], listeners=1, created_at=START)
        )
        for recording in session.scalars(select(Recording)):
            store_sound(house, recording, SOUND)
            recording.sha256 = secrets.token_bytes(32)
    record_unlocks(house)


def tables_of(house: House) -> dict[str, list[Any]]:
    """What every table holds, whichever database; but under which ETag a store gives an object."""
    found: dict[str, list[Any]] = {}
    with rows.snapshot(house.database) as connection:
        for table in rows.kept_tables():
            names = [column.name for column in table.columns]
            lines = [json.loads(line) for line in rows.lines_of(connection, table)]
            found[table.name] = [
                {**dict(zip(names, line, strict=True)), "etag": None} for line in lines
            ]
    return found


def bring(made: Made, house: House, passphrase: str | None = PASSPHRASE) -> Restored:
    with ArchiveReader(made.path) as reader:
        return restore(house, reader, passphrase=passphrase, progress=Quiet())


def keys_of(house: House) -> dict[str, str]:
    secret = house.settings.feed_keys.secrets[1].hex()
    return {
        "CADANS_FEED_KEYS": f"1:{secret}",
        "CADANS_SECRET_KEYS": ",".join(house.settings.secret_keys),
    }


@pytest.mark.postgres
@pytest.mark.s3
@pytest.mark.parametrize(
    ("there", "here"),
    [
        (("sqlite", "folder"), ("sqlite", "folder")),
        (("sqlite", "folder"), ("postgres", "s3")),
        (("postgres", "s3"), ("sqlite", "folder")),
        (("postgres", "folder"), ("postgres", "folder")),
    ],
)
def test_a_house_moves_whole(
    movers: Movers, clock: SettableClock, there: tuple[str, str], here: tuple[str, str]
) -> None:
    old = movers.house("old", *there)
    furnish(old, clock)
    made = movers.back_up(old)
    new = movers.house("new", *here, **keys_of(old))
    bring(made, new)
    assert tables_of(new) == tables_of(old)
    with new.database.writing() as session:
        for recording in session.scalars(select(Recording)):
            key = ObjectKey(recording.object_key)
            assert recording.etag == new.store.stat(key).etag
            with new.store.open(key) as chunks:
                assert b"".join(chunks) == SOUND
        # The next one gets a number of her own.
        assert a_listener(session).id > 2
        for number in session.scalars(select(Subscription.id)):
            with old.database.reading() as before:
                assert token_of(new, session, number) == token_of(old, before, number)


def test_a_house_of_its_own_keys_gets_those_of_the_archive(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    new = movers.house("new", "sqlite", "folder")
    assert bring(made, new).keys_written
    again = Settings.from_env({"CADANS_VAR": str(new.settings.var)})
    assert again.feed_keys == old.settings.feed_keys
    assert again.secret_keys == old.settings.secret_keys
    assert {path.stat().st_mode & 0o777 for path in new.settings.key_folder.glob("*_keys")} == {
        0o600
    }


def test_keys_of_the_settings_are_not_changed_and_others_are_refused(
    movers: Movers, old: House
) -> None:
    made = movers.back_up(old)
    new = movers.house("new", "sqlite", "folder", CADANS_FEED_KEYS=f"1:{'ab' * 32}")
    with pytest.raises(RestoreError, match="--print-keys"):
        bring(made, new)
    assert rows.is_empty(new.database)


def test_archive_without_keys_comes_only_where_they_are(movers: Movers, old: House) -> None:
    made = movers.back_up(old, passphrase=None)
    assert made.manifest.keys.sealed is None
    with pytest.raises(RestoreError, match="CADANS_FEED_KEYS"):
        bring(made, movers.house("new", "sqlite", "folder"), passphrase=None)
    bring(made, movers.house("knows", "sqlite", "folder", **keys_of(old)), passphrase=None)


def test_wrong_passphrase_opens_nothing(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    new = movers.house("new", "sqlite", "folder")
    with pytest.raises(RestoreError, match="passphrase"):
        bring(made, new, passphrase="seven seas and a whole")
    assert rows.is_empty(new.database)


def test_no_key_and_no_token_lies_in_an_archive_in_the_open(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    secret = old.settings.feed_keys.secrets[1].hex().encode()
    with ArchiveReader(made.path) as reader:
        document = b"".join(
            chunk
            for name in ("manifest.json", *(f"tables/{each}.jsonl" for each in tables_of(old)))
            for chunk in reader.chunks(name)
        )
    assert secret not in document
    assert old.settings.secret_keys[0].encode() not in document
    assert made.path.stat().st_mode & 0o777 == 0o600


def test_a_house_that_is_lived_in_is_not_overwritten(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    before = tables_of(old)
    with pytest.raises(RestoreError, match="already"):
        bring(made, old)
    assert tables_of(old) == before


def test_archive_is_not_overwritten(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    before = made.path.read_bytes()
    with pytest.raises(BackupError, match="already"):
        movers.back_up(old)
    assert made.path.read_bytes() == before


def test_objects_lie_once_beside_archives_that_share_them(movers: Movers, old: House) -> None:
    first = movers.back_up(old, "1.zip", objects_are=Objects.BESIDE)
    beside = {path: path.stat().st_mtime_ns for path in objects_in(first.path)}
    with old.database.writing() as session:
        lesson = session.scalars(select(Lesson)).first()
        assert lesson is not None
        recording = session.get_one(Recording, lesson.recording_id)
        recording.object_key = "1/cafe.mp3"
        store_sound(old, recording, SOUND + b"!")
    second = movers.back_up(old, "2.zip", objects_are=Objects.BESIDE)
    later = {path: path.stat().st_mtime_ns for path in objects_in(second.path)}
    assert later.items() >= beside.items()
    assert len(later) == len(beside) + 1
    assert first.path.stat().st_size < len(SOUND)
    new = movers.house("new", "sqlite", "folder")
    bring(second, new)
    assert tables_of(new) == tables_of(old)


def test_object_that_a_bad_disk_spoils_beside_the_archive_is_found_out(
    movers: Movers, old: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = FolderStore.put

    def spoil(store: FolderStore, key: ObjectKey, chunks: Iterable[bytes], kind: str) -> object:
        stored = put(store, key, chunks, kind)
        damage(movers.folder / "kept" / "objects" / key, SOUND[:256])
        return stored

    monkeypatch.setattr(FolderStore, "put", spoil)
    with pytest.raises(BackupError, match="mistrust this disk"):
        movers.back_up(old, objects_are=Objects.BESIDE)
    assert not list((movers.folder / "kept").glob("*.zip"))
    assert not objects_in(movers.folder / "kept" / "all.zip")


def test_file_in_the_place_of_the_objects_is_told(movers: Movers, old: House) -> None:
    (movers.folder / "kept").mkdir()
    (movers.folder / "kept" / "objects").write_text("mine")
    with pytest.raises(BackupError, match="cannot be made"):
        movers.back_up(old, objects_are=Objects.BESIDE)
    assert (movers.folder / "kept" / "objects").read_text() == "mine"


def objects_in(archive: Path) -> list[Path]:
    return list(archive.parent.glob("objects/*/*.mp3"))


def test_objects_that_stay_in_the_store_must_be_there(movers: Movers, old: House) -> None:
    made = movers.back_up(old, objects_are=Objects.IN_STORE)
    assert made.manifest.objects
    with pytest.raises(RestoreError, match="--with-objects"):
        bring(made, movers.house("new", "sqlite", "folder"))
    store = f"folder:{old.settings.var / 'store'}"
    same = movers.house("same", "sqlite", "folder", CADANS_STORE=store)
    bring(made, same)
    assert tables_of(same) == tables_of(old)


def test_what_the_store_lost_is_told_and_the_rest_kept(movers: Movers, old: House) -> None:
    with old.database.reading() as session:
        key = session.scalars(select(Recording.object_key)).first()
    assert key is not None
    old.store.delete(ObjectKey(key))
    made = movers.back_up(old)
    assert made.missing == (key,)
    assert len(made.manifest.objects) == 3


def damage(path: Path, at: bytes) -> None:
    document = path.read_bytes()
    place = document.index(at) + 100
    path.write_bytes(document[:place] + bytes([document[place] ^ 1]) + document[place + 1 :])


def test_damaged_archive_is_found_out_before_anything_is_changed(
    movers: Movers, old: House
) -> None:
    made = movers.back_up(old)
    damage(made.path, SOUND[:256])
    new = movers.house("new", "sqlite", "folder")
    with pytest.raises(ArchiveDamaged):
        bring(made, new)
    assert rows.is_empty(new.database)
    assert list(new.store.list()) == []


@pytest.mark.parametrize("length", [0, 10, 5_000])
def test_archive_that_was_cut_off_is_no_archive(movers: Movers, old: House, length: int) -> None:
    made = movers.back_up(old)
    made.path.write_bytes(made.path.read_bytes()[:length])
    with pytest.raises(ArchiveDamaged):
        ArchiveReader(made.path)


def test_progress_reaches_its_end(movers: Movers, old: House) -> None:
    made, shown = movers.back_up(old), Quiet()
    with ArchiveReader(made.path) as reader:
        restore(
            movers.house("new", "sqlite", "folder"), reader, passphrase=PASSPHRASE, progress=shown
        )
    tables = len(made.manifest.tables)
    assert shown.done == {"check": (4, 4), "objects": (4, 4), "tables": (tables, tables)}


def test_dry_run_changes_nothing(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    new = movers.house("new", "sqlite", "folder")
    keys = new.settings.feed_keys
    with ArchiveReader(made.path) as reader:
        outcome = check(new, reader, passphrase=PASSPHRASE, progress=Quiet())
    assert outcome.keys_written
    assert rows.is_empty(new.database)
    assert list(new.store.list()) == []
    assert Settings.from_env({"CADANS_VAR": str(new.settings.var)}).feed_keys == keys


def test_restoring_that_broke_off_is_run_again(
    movers: Movers, old: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = movers.back_up(old)
    new = movers.house("new", "sqlite", "folder")
    with monkeypatch.context() as patch:
        patch.setattr(rows.Rows, "settle", fail)
        with pytest.raises(OSError, match="unplugged"):
            bring(made, new)
    assert rows.is_empty(new.database)
    # Another process reads the keys that came.
    again = movers.make_house(Settings.from_env({"CADANS_VAR": str(new.settings.var)}))
    bring(made, again)
    assert tables_of(again) == tables_of(old)


def fail(*_args: object) -> None:
    message = "unplugged"
    raise OSError(message)


def test_backup_that_breaks_off_leaves_nothing(
    movers: Movers, old: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.backup.making.keys_in", fail)
    with pytest.raises(OSError, match="unplugged"):
        movers.back_up(old)
    assert list((movers.folder / "kept").iterdir()) == []


def test_another_object_under_the_same_key_stays(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    new = movers.house("new", "sqlite", "folder")
    key = ObjectKey(made.manifest.objects[0].key)
    new.store.put(key, [b"mine"], "audio/mpeg")
    with pytest.raises(RestoreError, match="empty store"):
        bring(made, new)
    with new.store.open(key) as chunks:
        assert b"".join(chunks) == b"mine"


def test_upload_on_its_way_begins_anew(movers: Movers, old: House) -> None:
    with old.database.writing() as session:
        account = an_account(session)
        course_id = session.scalar(select(Lesson.course_id)) or 0
        session.add(
            Upload(
                public_id="u1",
                course_id=course_id,
                account_id=account.id,
                object_key="1/beef.mp3",
                store_upload_id="gone",
                file_name="les.mp3",
                content_type="audio/mpeg",
                size_bytes=1,
                part_bytes=1,
                created_at=START,
                expires_at=START + WEEK,
            )
        )
    new = movers.house("new", "sqlite", "folder")
    bring(movers.back_up(old), new)
    with new.database.reading() as session:
        assert session.scalar(select(Upload.state)) is UploadState.ABORTED


def test_archive_of_an_older_release_comes_to_the_tables_of_this_one(
    movers: Movers, old: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tables are laid as they were, filled, and brought up to date."""
    before = tables_of(old)
    made = movers.back_up(old)
    steps: list[str] = []
    upgrade = migrate.upgrade

    def note(database: object, revision: str = "head") -> None:
        steps.append(revision)
        upgrade(database, revision)  # type: ignore[arg-type]  # (the same one)

    monkeypatch.setattr(migrate, "upgrade", note)
    new = movers.house("new", "sqlite", "folder")
    bring(made, new)
    assert steps == [made.manifest.revision, "head"]
    assert tables_of(new) == before


def test_archive_of_a_later_release_is_refused(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    new = movers.house("new", "sqlite", "folder")
    with ArchiveReader(made.path) as reader:
        reader.manifest = replace(reader.manifest, revision="9999", release="9.9")
        with pytest.raises(RestoreError, match=r"release 9\.9"):
            restore(new, reader, passphrase=PASSPHRASE, progress=Quiet())


def test_what_was_promised_to_be_gone_with_its_day_is_not_kept(movers: Movers, old: House) -> None:
    made = movers.back_up(old)
    names = {table.name for table in made.manifest.tables}
    assert not names & {"daily_salts", "fetch_networks", "limit_counts", "jobs"}
    assert {"listeners", "feed_addresses", "erased_addresses", "outbox", "unlocks"} <= names
