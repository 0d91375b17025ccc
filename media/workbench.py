"""Uploads on a disk while they come in: a folder each, and what will be said of the object."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from media.disk import Disk, Written
from media.errors import MediaError, UploadNotFound
from media.keys import ObjectKey
from media.store import OpenUpload, Part, UploadId

_UPLOAD_ID: Final = re.compile(r"[0-9a-f]{32}")
_PART_NAME: Final = re.compile(r"[0-9]{5}")
# A part's file ends in the digest of its bytes: size, content and ETag arrive in one rename.
_DIGEST_BYTES: Final = hashlib.sha256().digest_size


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a file cannot say of itself. The ETag is empty while the bytes are still coming."""

    key: str
    content_type: str
    etag: str = ""


class Workbench:
    """The uploads of one store, in `folder` on its disk."""

    def __init__(self, disk: Disk, folder: Path) -> None:
        self._disk = disk
        self._folder = folder

    def begin(self, key: ObjectKey, content_type: str) -> UploadId:
        """Make room for one upload."""
        upload_id = UploadId(secrets.token_hex(16))
        folder = self._folder / upload_id
        self._disk.make_folder(folder)
        try:
            write_about(
                self._disk, folder / "about.json", About(key=key, content_type=content_type)
            )
        except MediaError:
            self.discard(upload_id)
            raise
        return upload_id

    def get(self, key: ObjectKey, upload_id: UploadId) -> About:
        """What was said when the upload began.

        Raises:
            UploadNotFound: there is none with this id, or it is for another key.
        """
        about = None
        if _UPLOAD_ID.fullmatch(upload_id):
            about = find_about(self._disk, self._folder / upload_id / "about.json")
        if about is None or about.key != key:
            raise UploadNotFound(key, upload_id)
        return about

    def discard(self, upload_id: UploadId) -> None:
        """Throw everything of the upload away; what resists is swept later."""
        shutil.rmtree(self._folder / upload_id, ignore_errors=True)

    def open_uploads(self) -> Iterator[OpenUpload]:
        """Every upload that is there."""
        self._disk.make_folder(self._folder)
        with self._disk.translated():
            folders = [path for path in self._folder.iterdir() if _UPLOAD_ID.fullmatch(path.name)]
        for folder in folders:
            path = folder / "about.json"
            about = find_about(self._disk, path)
            if about is not None:
                yield _opened(path, about)

    def write_part(
        self, key: ObjectKey, upload_id: UploadId, number: int, chunks: Iterable[bytes]
    ) -> Part:
        """Keep one part, in place of an earlier one."""
        self.get(key, upload_id)
        path = self._folder / upload_id / f"{number:05}"
        gone = UploadNotFound(key, upload_id)
        written = self._disk.write(path, chunks, with_digest=True, missing=gone)
        etag = render_etag(written.digest)
        return Part(number=number, size_bytes=written.size_bytes, etag=etag)

    def parts(self, key: ObjectKey, upload_id: UploadId) -> list[Part]:
        """The parts that are there, by number."""
        self.get(key, upload_id)
        folder = self._folder / upload_id
        with self._disk.translated(UploadNotFound(key, upload_id)):
            paths = sorted(path for path in folder.iterdir() if _PART_NAME.fullmatch(path.name))
            return [_read_part(path) for path in paths]

    @contextlib.contextmanager
    def gathered(
        self, key: ObjectKey, upload_id: UploadId, chunks: Iterable[bytes]
    ) -> Iterator[tuple[Path, Written]]:
        """The chunks as one file beside the parts, gone at the end unless it was moved away."""
        path = self._folder / upload_id / "whole"
        written = self._disk.write(path, chunks, missing=UploadNotFound(key, upload_id))
        try:
            yield path, written
        finally:
            path.unlink(missing_ok=True)

    def join(self, upload_id: UploadId, parts: Sequence[Part]) -> Iterator[bytes]:
        """The bytes of these parts, one after the other."""
        for part in parts:
            with self._disk.translated():
                file = (self._folder / upload_id / f"{part.number:05}").open("rb")
            with file:
                yield from self._disk.read(file, part.size_bytes)


def find_about(disk: Disk, path: Path) -> About | None:
    """What was kept at `path`; None when nothing was."""
    with disk.translated():
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return None
    return About(**json.loads(text))


def write_about(disk: Disk, path: Path, about: About) -> None:
    """Keep it at `path`."""
    disk.write(path, [json.dumps(asdict(about)).encode()])


def render_etag(digest: bytes) -> str:
    """A strong ETag out of the digest of the content."""
    return f'"{digest.hex()[:40]}"'


def _read_part(path: Path) -> Part:
    with path.open("rb") as file:
        size_bytes = file.seek(-_DIGEST_BYTES, os.SEEK_END)
        etag = render_etag(file.read())
    return Part(number=int(path.name), size_bytes=size_bytes, etag=etag)


def _opened(path: Path, about: About) -> OpenUpload:
    begun_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return OpenUpload(
        key=ObjectKey(about.key), upload_id=UploadId(path.parent.name), begun_at=begun_at
    )
