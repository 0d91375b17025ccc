"""Makes an archive of a house that goes on working."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Table

from app.backup import rows, sealing
from app.backup.archive import ArchiveReader, ArchiveWriter, name_of
from app.backup.contents import Keeper, beside, entry_of, keys_in, make_folder
from app.backup.errors import ArchiveDamaged, BackupError
from app.backup.manifest import KeptObject, KeptTable, Manifest, Objects
from app.backup.progress import Progress, each_told
from app.backup.tally import Tally
from app.db import schema
from app.house import House
from app.version import __version__

SUFFIX: Final = ".zip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made. `missing`: keys that rows name, of which the store had no object."""

    path: Path
    manifest: Manifest
    missing: tuple[str, ...]


def path_for(target: Path, house: House) -> Path:
    """Answer the archive that a target means: itself, or one named after this instant in it."""
    if target.suffix == SUFFIX:
        return target
    return target / f"cadans-{house.clock():%Y%m%dT%H%M%SZ}{SUFFIX}"


def back_up(
    house: House, path: Path, *, objects_are: Objects, passphrase: str | None, progress: Progress
) -> Made:
    """Make the archive `path`, and see that it can be read back.

    The tables are those of one instant, whatever happens meanwhile. Objects never change under
    their key, so those that lie beside earlier archives are not copied again.

    Raises:
        BackupError: the tables are not of this release, the archive is there already, or the disk
            does not take it; nothing is left behind.
        MediaError: the store does not answer.
    """
    _refuse_other_tables(house)
    with ArchiveWriter(path) as writer:
        if objects_are is Objects.BESIDE:
            make_folder(path)
        created_at = house.clock()
        with rows.snapshot(house.database) as connection:
            tables = _write_tables(connection, writer, progress)
            keys = keys_in(connection)
        keeper = Keeper(house.store, writer, objects_are, shared=beside(path), known=_known(path))
        with progress.part("objects", len(keys)) as advance:
            found = {key: keeper.keep(key) for key in each_told(keys, advance)}
        manifest = Manifest(
            release=__version__,
            created_at=created_at,
            base_url=house.settings.base_url,
            revision=schema.newest_revision(),
            keys=sealing.keep(sealing.keys_of(house.settings), passphrase),
            tables=tables,
            objects_are=objects_are,
            objects=tuple(each for each in found.values() if each),
        )
        writer.finish(manifest)
    _check(path, progress)
    missing = tuple(key for key, each in found.items() if each is None)
    return Made(path=path, manifest=manifest, missing=missing)


def _refuse_other_tables(house: House) -> None:
    if not schema.is_own(house.database):
        raise BackupError(
            "the tables are not those of this release: run `cadans db upgrade`, or back up with the"
            " later release that they are of"
        )


def _write_tables(
    connection: Connection, writer: ArchiveWriter, progress: Progress
) -> tuple[KeptTable, ...]:
    tables = rows.kept_tables()
    with progress.part("tables", len(tables)) as advance:
        return tuple(_write_table(connection, each, writer) for each in each_told(tables, advance))


def _write_table(connection: Connection, table: Table, writer: ArchiveWriter) -> KeptTable:
    lines = Tally(rows.lines_of(connection, table))
    writer.add(name_of(table.name), lines, is_text=True)
    return KeptTable(
        name=table.name,
        columns=tuple(column.name for column in table.columns),
        rows=lines.count,
        sha256=lines.sha256,
    )


def _known(path: Path) -> Mapping[str, KeptObject]:
    """Answer what the newest archive beside this one says of the objects that they share."""
    for other in sorted(path.parent.glob(f"*{SUFFIX}"), reverse=True):
        try:
            with ArchiveReader(other) as reader:
                if reader.manifest.objects_are is Objects.BESIDE:
                    return {each.key: each for each in reader.manifest.objects if each.sha256}
        except ArchiveDamaged:
            continue
    return {}


def _check(path: Path, progress: Progress) -> None:
    """Read everything back that was written; an archive that cannot be read is taken away.

    What lies beside it was read back when it came; `cadans restore --dry-run` reads it again.
    """
    try:
        with ArchiveReader(path) as reader:
            entries = _entries_of(reader.manifest)
            with progress.part("check", len(entries)) as advance:
                for name, sha256 in each_told(entries, advance):
                    reader.check(name, sha256)
    except ArchiveDamaged as error:
        path.unlink(missing_ok=True)
        raise BackupError(f"{error}; the disk under {path.parent} cannot be trusted") from error


def _entries_of(manifest: Manifest) -> list[tuple[str, str]]:
    """Answer every entry of an archive, with its digest."""
    entries = [(name_of(table.name), table.sha256) for table in manifest.tables]
    if manifest.objects_are is Objects.INSIDE:
        entries += [(entry_of(each.key), each.sha256) for each in manifest.objects if each.sha256]
    return entries
