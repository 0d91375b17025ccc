"""Brings a house out of an archive: into empty tables, of whichever database, and a store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import sqlalchemy as sa

from app import keys as key_files
from app.backup import rows, sealing
from app.backup.archive import ArchiveReader, name_of
from app.backup.contents import Bringer
from app.backup.errors import ArchiveDamaged, RestoreError
from app.backup.manifest import Manifest
from app.backup.progress import Progress, each_told
from app.backup.rows import Rows
from app.backup.sealing import Keys
from app.db import migrate, schema
from app.house import House
from media.store import StoredObject

# A row holds a transcript of 4 MB at most, and JSON writes six letters for some.
MOST_ROW_BYTES: Final = 2**26
_ADVICE: Final = (
    "put the keys of the old house into CADANS_FEED_KEYS and CADANS_SECRET_KEYS, or give the"
    " passphrase with which the archive was made"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was done. `other_address`: the archive's BASE_URL where this house has another one."""

    manifest: Manifest
    keys_written: bool
    other_address: str | None


def check(
    house: House, reader: ArchiveReader, *, passphrase: str | None, progress: Progress
) -> Restored:
    """See that the archive is whole and can come here; change nothing.

    Raises:
        RestoreError: it cannot, and why.
        ArchiveDamaged: something in it is not as it was written.
        MediaError: the store does not answer.
    """
    return _outcome(house, reader.manifest, _look(house, reader, passphrase, progress))


def restore(
    house: House, reader: ArchiveReader, *, passphrase: str | None, progress: Progress
) -> Restored:
    """Bring everything here: objects, then keys, then all rows in one transaction.

    Whatever breaks off before the rows are there can be run again; until then the house is empty.

    Raises:
        RestoreError: there is a house already, or the archive cannot come here.
        ArchiveDamaged: something in it is not as it was written.
        MediaError: the store does not answer, or is full.
    """
    manifest = reader.manifest
    fresh = _look(house, reader, passphrase, progress)
    bringer = Bringer(reader, house.store)
    with progress.part("objects", len(manifest.objects)) as advance:
        lying = [bringer.bring(each) for each in each_told(manifest.objects, advance)]
    if fresh:
        key_files.replace(house.settings.key_folder, feed=fresh.feed, secret=fresh.secret)
    _bring_rows(house, reader, lying, progress)
    return _outcome(house, manifest, fresh)


def _look(
    house: House, reader: ArchiveReader, passphrase: str | None, progress: Progress
) -> Keys | None:
    """See that the archive is whole and can come here; answer the keys that the house must get."""
    manifest = reader.manifest
    if not schema.is_known(manifest.revision):
        raise RestoreError(
            f"release {manifest.release} made this archive: install it, or a later one, to restore"
        )
    if not rows.is_empty(house.database):
        raise RestoreError("there is a house in this database already: name an empty one")
    fresh = _keys_to_write(house, manifest, passphrase)
    for table in manifest.tables:
        reader.check(name_of(table.name), table.sha256)
    bringer = Bringer(reader, house.store)
    with progress.part("check", len(manifest.objects)) as advance:
        for each in each_told(manifest.objects, advance):
            bringer.check(each)
    return fresh


def _bring_rows(
    house: House, reader: ArchiveReader, lying: Sequence[StoredObject], progress: Progress
) -> None:
    """Lay the tables as the archive knows them, fill them, and bring them to this release."""
    manifest = reader.manifest
    # They are empty, so nothing is lost by laying them anew.
    migrate.downgrade(house.database, "base")
    migrate.upgrade(house.database, manifest.revision)
    with (
        house.database.connect_for_migrating() as connection,
        progress.part("tables", len(manifest.tables)) as advance,
    ):
        into = Rows(connection)
        for table in each_told(manifest.tables, advance):
            into.put(table, islice(_lines(reader, table.name), table.rows + 1))
        into.settle()
        into.note_etags({each.key: each.etag for each in lying})
        _count(connection, manifest)
    migrate.upgrade(house.database)


def _count(connection: sa.Connection, manifest: Manifest) -> None:
    for table in manifest.tables:
        found = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(table.name)))
        if found != table.rows:
            raise ArchiveDamaged(f"of {table.rows} rows of {table.name} {found} came")


def _lines(reader: ArchiveReader, table: str) -> Iterator[bytes]:
    rest = bytearray()
    for chunk in reader.chunks(name_of(table)):
        head, newline, tail = chunk.rpartition(b"\n")
        if newline:
            yield from (bytes(rest) + head).split(b"\n")
            rest.clear()
        rest += tail
        if len(rest) > MOST_ROW_BYTES:
            raise ArchiveDamaged(f"a row of {table} is larger than any of ours")
    if rest:
        raise ArchiveDamaged(f"the last row of {table} is cut off")


def _keys_to_write(house: House, manifest: Manifest, passphrase: str | None) -> Keys | None:
    """Answer the keys that the house must get; None: it has them.

    Raises:
        RestoreError: it has others, and they are not its own to change.
    """
    here = sealing.keys_of(house.settings)
    if _fits(here, manifest):
        return None
    if passphrase is None:
        raise RestoreError(f"this house has other keys than the archive: {_ADVICE}")
    fresh = sealing.unseal(manifest.keys, passphrase)
    if not key_files.are_kept(house.settings.key_folder, feed=here.feed, secret=here.secret):
        raise RestoreError(
            "this house takes its keys from its settings, and they are not the archive's:"
            " `cadans restore ARCHIVE --print-keys` prints those to set"
        )
    return fresh


def _fits(keys: Keys, manifest: Manifest) -> bool:
    """Whether every address of the archive can be made and checked with these keys."""
    has = set(sealing.fingerprints(keys.feed)), set(sealing.fingerprints(keys.secret))
    return has[0] >= set(manifest.keys.feed) and has[1] >= set(manifest.keys.secret)


def _outcome(house: House, manifest: Manifest, fresh: Keys | None) -> Restored:
    here = house.settings.base_url
    return Restored(
        manifest=manifest,
        keys_written=fresh is not None,
        other_address=manifest.base_url if manifest.base_url != here else None,
    )
