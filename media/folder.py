"""A store on a folder: one plain file per object, so that any web server can send them.

Beside the objects lies `.cadans`: `about/<key>.json` with what a file cannot say of itself, and
`uploads/<id>/` with the parts of uploads and of objects that are being put. An object is there when
its file is; whatever else a crash leaves behind is an open upload.
"""

import contextlib
import mimetypes
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from media.disk import Disk
from media.errors import ObjectNotFound, UploadNotFound
from media.keys import DownloadName, ObjectKey, is_object_key, parse_object_key
from media.location import FolderLocation
from media.store import (
    ListedObject,
    OpenObject,
    OpenUpload,
    Part,
    StoredObject,
    UploadId,
    check_part_number,
    check_parts,
    check_seconds,
    check_slice,
)
from media.workbench import About, Workbench, find_about, render_etag, write_about


class _Objects:
    """The half of the store that `media.store.ObjectStore` asks for."""

    def __init__(self, location: FolderLocation) -> None:
        self._disk = Disk(location.path)
        self._hidden = self._disk.root / ".cadans"
        self._bench = Workbench(self._disk, self._hidden / "uploads")

    def put(self, key: ObjectKey, chunks: Iterable[bytes], content_type: str) -> StoredObject:
        """Store the chunks as one object."""
        self._path(key)
        upload_id = self._bench.begin(key, content_type)
        try:
            return self._store(key, upload_id, chunks)
        finally:
            self._bench.discard(upload_id)

    def stat(self, key: ObjectKey) -> StoredObject:
        """Size, ETag and content type."""
        with self._disk.translated(ObjectNotFound(key)):
            facts = self._path(key).stat()
        about = find_about(self._disk, self._about_path(key)) or _guess_about(key, facts)
        return _stored(about, facts.st_size)

    def open(self, key: ObjectKey, *, start: int = 0, length: int | None = None) -> OpenObject:
        """Read `length` bytes from `start` on."""
        check_slice(start, length)
        with self._disk.translated(ObjectNotFound(key)):
            file = self._path(key).open("rb")
            file.seek(start)
        return OpenObject(self._disk.read(file, length), file.close)

    def delete(self, key: ObjectKey) -> None:
        """Make sure that no object lies under the key."""
        with self._disk.translated():
            self._disk.root.stat()
            self._path(key).unlink(missing_ok=True)
            self._about_path(key).unlink(missing_ok=True)

    def list(self, prefix: str = "") -> Iterator[ListedObject]:
        """Every object whose key begins with `prefix`, ordered by key."""
        with self._disk.translated():
            # `a-b/…` comes before `a/…`, as it does in every list of keys.
            courses = sorted(f"{path.name}/" for path in self._disk.root.iterdir())
        for course in courses:
            if course.startswith(prefix[: len(course)]) and not course.startswith("."):
                yield from self._list_course(course, prefix)

    def presign_get(
        self,
        key: ObjectKey,
        *,
        seconds: int,
        content_type: str,  # noqa: ARG002  the protocol's
        download_name: DownloadName | None = None,  # noqa: ARG002  the protocol's
    ) -> None:
        """None: the bytes come through us."""
        parse_object_key(key)
        check_seconds(seconds)

    def check(self) -> None:
        """Return when the folder is there and can be written."""
        self._disk.make_folder(self._hidden)
        self._disk.write(self._hidden / "checked", [])

    def _path(self, key: ObjectKey) -> Path:
        return self._disk.path(parse_object_key(key))

    def _about_path(self, key: ObjectKey) -> Path:
        return self._hidden / "about" / f"{key}.json"

    def _store(self, key: ObjectKey, upload_id: UploadId, chunks: Iterable[bytes]) -> StoredObject:
        """Gather the bytes, say what they are, then put them in their place in one rename."""
        content_type = self._bench.get(key, upload_id).content_type
        path, about_path = self._path(key), self._about_path(key)
        with self._bench.gathered(key, upload_id, chunks) as (whole, written):
            about = About(key=key, content_type=content_type, etag=render_etag(written.digest))
            self._disk.make_folder(path.parent)
            self._disk.make_folder(about_path.parent)
            write_about(self._disk, about_path, about)
            self._disk.rename(whole, path)
        return _stored(about, written.size_bytes)

    def _list_course(self, course: str, prefix: str) -> Iterator[ListedObject]:
        folder = self._disk.root / course
        if folder.is_symlink() or not folder.is_dir():
            return
        with self._disk.translated():
            paths = sorted(folder.iterdir())
        for path in paths:
            if not path.is_symlink() and (course + path.name).startswith(prefix):
                yield from _listed(course + path.name, path)


class FolderStore(_Objects):
    """Objects in a folder, which is made if it is not there. `media.store` has the promises."""

    def begin_upload(self, key: ObjectKey, content_type: str) -> UploadId:
        """Begin to upload the object of this key."""
        self._path(key)
        return self._bench.begin(key, content_type)

    def presign_part(
        self,
        key: ObjectKey,
        upload_id: UploadId,  # noqa: ARG002  the protocol's
        number: int,
        *,
        seconds: int,
    ) -> None:
        """None: parts come through us."""
        parse_object_key(key)
        check_part_number(number)
        check_seconds(seconds)

    def put_part(
        self, key: ObjectKey, upload_id: UploadId, number: int, chunks: Iterable[bytes]
    ) -> Part:
        """Store one part."""
        parse_object_key(key)
        check_part_number(number)
        return self._bench.write_part(key, upload_id, number, chunks)

    def parts(self, key: ObjectKey, upload_id: UploadId) -> list[Part]:
        """The parts that have arrived whole, by number."""
        return self._bench.parts(parse_object_key(key), upload_id)

    def complete_upload(
        self, key: ObjectKey, upload_id: UploadId, parts: Sequence[Part]
    ) -> StoredObject:
        """Make the object out of these parts."""
        try:
            arrived = self.parts(key, upload_id)
        except UploadNotFound as error:
            return self._completed(key, error)
        check_parts(key, parts, arrived)
        stored = self._store(key, upload_id, self._bench.join(upload_id, parts))
        self._bench.discard(upload_id)
        return stored

    def abort_upload(self, key: ObjectKey, upload_id: UploadId) -> None:
        """Throw the parts away."""
        with contextlib.suppress(UploadNotFound):
            self._bench.get(parse_object_key(key), upload_id)
            self._bench.discard(upload_id)

    def open_uploads(self) -> Iterator[OpenUpload]:
        """Every upload that is neither completed nor aborted."""
        return self._bench.open_uploads()

    def _completed(self, key: ObjectKey, error: UploadNotFound) -> StoredObject:
        """The object, where the upload is gone because it was completed before."""
        try:
            return self.stat(key)
        except ObjectNotFound:
            raise error from None


def _listed(name: str, path: Path) -> Iterator[ListedObject]:
    with contextlib.suppress(FileNotFoundError):  # deleted since
        facts = path.stat()
        if is_object_key(name) and stat.S_ISREG(facts.st_mode):
            stored_at = datetime.fromtimestamp(facts.st_mtime, UTC)
            key = ObjectKey(name)
            yield ListedObject(key=key, size_bytes=facts.st_size, stored_at=stored_at)


def _stored(about: About, size_bytes: int) -> StoredObject:
    return StoredObject(
        key=ObjectKey(about.key),
        size_bytes=size_bytes,
        etag=about.etag,
        content_type=about.content_type,
    )


def _guess_about(key: ObjectKey, facts: os.stat_result) -> About:
    """For a file that somebody copied in without what belongs to it."""
    content_type = mimetypes.guess_type(key)[0] or "application/octet-stream"
    etag = f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'
    return About(key=key, content_type=content_type, etag=etag)
