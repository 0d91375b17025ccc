"""The bytes of the store on their way into an archive, and out of it again."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, select

from app.backup.archive import ArchiveReader, ArchiveWriter, bounded
from app.backup.errors import ArchiveDamaged, BackupError, RestoreError
from app.backup.manifest import KeptObject, Manifest, Objects
from app.backup.tally import Tally, sha256_of
from app.db.models import Course, Recording, SpokenTurn
from media.errors import ObjectNotFound
from media.folder import FolderStore
from media.keys import ObjectKey, parse_object_key
from media.location import FolderLocation
from media.store import ObjectStore, StoredObject

# The folder of objects beside archives that share them.
FOLDER: Final = "objects"


def entry_of(key: str) -> str:
    """Answer the entry of an archive that holds an object."""
    return f"{FOLDER}/{key}"


def keys_in(connection: Connection) -> list[ObjectKey]:
    """Answer the key of every object that a row names, in order."""
    columns = (Recording.object_key, SpokenTurn.object_key, Course.cover_key)
    found = {key for column in columns for key in connection.scalars(select(column)) if key}
    return [parse_object_key(key) for key in sorted(found)]


def beside(archive: Path) -> FolderStore:
    """Answer the store of objects that lies beside an archive."""
    return FolderStore(FolderLocation(path=archive.parent / FOLDER))


def make_folder(archive: Path) -> None:
    """Make the folder of objects beside an archive, unless it is there.

    Raises:
        BackupError: something else lies there, or it cannot be made.
    """
    folder = archive.parent / FOLDER
    try:
        folder.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise BackupError(f"{folder} cannot be made: {error.strerror}") from error


class Keeper:
    """Brings objects where an archive keeps them; says for each what the archive says of it."""

    def __init__(
        self,
        store: ObjectStore,
        writer: ArchiveWriter,
        objects_are: Objects,
        *,
        shared: ObjectStore,
        known: Mapping[str, KeptObject],
    ) -> None:
        """`shared` is the store beside the archive, `known` what earlier archives say of it."""
        self._store, self._writer, self._objects_are = store, writer, objects_are
        self._shared, self._known = shared, known

    def keep(self, key: ObjectKey) -> KeptObject | None:
        """Keep one object; None: it is gone from the store.

        Raises:
            BackupError: it could not be read whole, or not be written.
            MediaError: the store does not answer.
        """
        try:
            found = self._store.stat(key)
            if self._objects_are is Objects.IN_STORE:
                return _kept(found, None)
            if self._objects_are is Objects.BESIDE and (digest := self._digest_beside(found)):
                return _kept(found, digest)
            return _kept(found, self._copy(found))
        except ObjectNotFound:
            return None

    def _copy(self, found: StoredObject) -> str:
        with self._store.open(found.key) as chunks:
            tally = Tally(chunks)
            if self._objects_are is Objects.INSIDE:
                self._writer.add(entry_of(found.key), tally)
            else:
                self._shared.put(found.key, tally, found.content_type)
                self._read_back(found.key, tally.sha256)
        if tally.size_bytes != found.size_bytes:
            raise BackupError(f"the store broke off while {found.key} was read: try again")
        return tally.sha256

    def _read_back(self, key: ObjectKey, sha256: str) -> None:
        if digest_of(self._shared, key) != sha256:
            self._shared.delete(key)
            raise BackupError(f"{entry_of(key)} is not what was written: mistrust this disk")

    def _digest_beside(self, found: StoredObject) -> str | None:
        """Answer the digest of what lies beside already; None: it does not, or not whole."""
        try:
            there = self._shared.stat(found.key)
        except ObjectNotFound:
            return None
        if there.size_bytes != found.size_bytes:
            return None
        earlier = self._known.get(found.key)
        return earlier.sha256 if earlier else digest_of(self._shared, found.key)


class Bringer:
    """Brings the objects of an archive into a store."""

    def __init__(self, reader: ArchiveReader, store: ObjectStore) -> None:
        self._reader, self._store = reader, store
        self._shared = beside(reader.path)

    @property
    def _manifest(self) -> Manifest:
        return self._reader.manifest

    def check(self, kept: KeptObject) -> None:
        """See that an object can be had, as it was written.

        Raises:
            ArchiveDamaged: it cannot.
            RestoreError: the archive leaves it in the store, and there it is not.
        """
        if self._manifest.objects_are is Objects.IN_STORE:
            self._check_in_store(kept)
        elif sha256_of(self._chunks(kept)) != kept.sha256:
            raise ArchiveDamaged(f"the object {kept.key} is not what was written")

    def bring(self, kept: KeptObject) -> StoredObject:
        """Put an object into the store, unless it lies there already; answer how it lies there.

        Raises:
            RestoreError: something else lies under its key.
        """
        key = parse_object_key(kept.key)
        try:
            found = self._store.stat(key)
        except ObjectNotFound:
            return self._store.put(key, self._chunks(kept), kept.content_type)
        if kept.sha256 is not None and digest_of(self._store, key) != kept.sha256:
            raise RestoreError(f"another object lies under {key} here: choose an empty store")
        return found

    def _check_in_store(self, kept: KeptObject) -> None:
        try:
            found = self._store.stat(parse_object_key(kept.key))
        except ObjectNotFound:
            found = None
        if found is None or found.size_bytes != kept.size_bytes:
            raise RestoreError(
                f"the archive leaves {kept.key} in the store, and here it is not: use the same"
                " bucket, or make a backup with --with-objects"
            )

    def _chunks(self, kept: KeptObject) -> Iterator[bytes]:
        if self._manifest.objects_are is Objects.INSIDE:
            name = entry_of(kept.key)
            yield from bounded(self._reader.chunks(name), kept.size_bytes, name)
            return
        try:
            with self._shared.open(parse_object_key(kept.key)) as chunks:
                yield from chunks
        except ObjectNotFound:
            raise ArchiveDamaged(
                f"{entry_of(kept.key)} is missing beside the archive: keep them together"
            ) from None


def digest_of(store: ObjectStore, key: ObjectKey) -> str:
    """Read an object; answer its SHA-256 in hex."""
    with store.open(key) as chunks:
        return sha256_of(chunks)


def _kept(found: StoredObject, sha256: str | None) -> KeptObject:
    return KeptObject(
        key=found.key,
        size_bytes=found.size_bytes,
        content_type=found.content_type,
        etag=found.etag,
        sha256=sha256,
    )
