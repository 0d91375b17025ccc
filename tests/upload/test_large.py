"""What a large file costs: the server holds none of it, a first look reads next to none."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db.models import Course, Upload
from app.house import House
from app.services import arrivals, uploads
from app.services.wanted_files import Wanted
from media.keys import ObjectKey
from media.location import S3Location
from media.s3 import S3Store
from media.store import OpenObject
from tests.parts.audio_files import AudioFiles
from tests.upload.conftest import Teacher
from tests.web.api import an_owner

SIZE = 200_000_000
MANY = 24 * 2**20
MOST_READ = 0.02

pytestmark = pytest.mark.slow


def test_200_mb_in_parts_are_never_held_by_the_server(teacher_here: Teacher) -> None:
    with httpx.Client(
        base_url=f"{teacher_here.here.url}/api/v1",
        headers={"Authorization": f"Bearer {teacher_here.token}"},
        timeout=120,
    ) as client:
        client.post("/courses", json={"title": "Groot"}).raise_for_status()
        begun = client.post(
            "/courses/groot/uploads", json={"file_name": "groot.mp3", "size_bytes": SIZE}
        )
        upload = begun.raise_for_status().json()["upload"]
        before = peak_memory(teacher_here)
        assert before > 0
        for number in range(1, upload["part_count"] + 1):
            send_part(client, upload, number)

    grown = peak_memory(teacher_here) - before
    print(f"grown by {grown / 2**20:.1f} MiB for {SIZE / 10**6:.0f} MB")  # noqa: T201
    assert grown < MANY


class CountedStore(S3Store):
    """The store itself, which also counts what is read of it."""

    read_bytes = 0

    def open(self, key: ObjectKey, *, start: int = 0, length: int | None = None) -> OpenObject:
        opened = super().open(key, start=start, length=length)
        return OpenObject(self._counted(opened), opened.close)

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.read_bytes += len(chunk)
            yield chunk


@pytest.mark.s3
def test_a_first_verdict_in_s3_reads_under_two_percent_of_a_quarter_of_an_hour(
    house: House, s3_location: S3Location, audio_files: AudioFiles
) -> None:
    store = CountedStore(s3_location)
    house = replace(house, store=store)
    owner, path = an_owner(house), audio_files["quarter.mp3"]
    upload = begun(house, owner.account.id, owner.course, path)
    with path.open("rb") as file:
        for number in range(1, uploads.part_count(upload) + 1):
            part = file.read(uploads.part_size(upload, number))
            uploads.put_part(house, upload, number, [part])

    completed = arrivals.complete(house, upload, now=house.clock())
    store.close()

    assert completed.recording_id is not None
    assert 0 < store.read_bytes < MOST_READ * path.stat().st_size


def begun(house: House, account_id: int, course: Course, path: Path) -> Upload:
    wanted = Wanted(
        course_id=course.id,
        account_id=account_id,
        file_name=path.name,
        size_bytes=path.stat().st_size,
    )
    upload = uploads.begin(house, wanted, now=house.clock())
    assert isinstance(upload, Upload)
    return upload


def send_part(client: httpx.Client, upload: dict[str, Any], number: int) -> None:
    size = min(upload["part_bytes"], SIZE - (number - 1) * upload["part_bytes"])
    answer = client.put(f"/uploads/{upload['id']}/parts/{number}", content=os.urandom(size))
    answer.raise_for_status()


def peak_memory(teacher: Teacher) -> int:
    """The most that any process of the server ever held, added up, in bytes."""
    group = os.getpgid(teacher.here.processes[0].pid)
    held = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
            is_ours = os.getpgid(int(folder.name)) == group
        except (OSError, ProcessLookupError):
            continue
        if is_ours and "VmHWM" in status:
            held += int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return held
