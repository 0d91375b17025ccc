"""The doctor on disks: room where data lie, and each disk once."""

import shutil
import tempfile
from pathlib import Path

import pytest

from app.doctor.house_disk import look_at_disks
from app.doctor.report import Grade
from app.settings import Settings


@pytest.mark.parametrize(
    ("part_of_what_is_free", "grade"), [(0.1, Grade.OK), (0.75, Grade.WARN), (2, Grade.FAIL)]
)
def test_room_is_judged_by_what_must_be_free(
    settings: Settings, tmp_path: Path, part_of_what_is_free: float, grade: Grade
) -> None:
    least = int(shutil.disk_usage(tmp_path).free * part_of_what_is_free)
    found = look_at_disks(settings, least)[0]
    assert found.grade is grade
    assert f"are free for {tmp_path}" in found.message
    assert "CADANS_VAR" in found.remedy


def test_disk_is_said_once_however_much_of_ours_lies_on_it(settings: Settings) -> None:
    disks = {settings.var.parent.stat().st_dev, Path(tempfile.gettempdir()).stat().st_dev}
    assert len(look_at_disks(settings, 1)) == len(disks)
