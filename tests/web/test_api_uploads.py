from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.house import House
from app.jobs import analysis
from tests.parts.audio_files import AudioFiles
from tests.web.api import Made, Script, a_script, an_owner


@pytest.fixture
def owner(house: House) -> Made:
    return an_owner(house)


@pytest.fixture
def script(client: FlaskClient, house: House, owner: Made) -> Script:
    return a_script(client, house, owner.account)


def begin(script: Script, owner: Made, path: Path, **more: object) -> dict[str, object]:
    body = {"file_name": path.name, "size_bytes": path.stat().st_size, **more}
    answer = script.post(f"/courses/{owner.course.slug}/uploads", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json["upload"])  # type: ignore[index]


def send(script: Script, owner: Made, path: Path, **more: object) -> str:
    upload_id = str(begin(script, owner, path, **more)["id"])
    address = script.get(f"/uploads/{upload_id}/parts/1").json["url"]  # type: ignore[index]
    answer = script.call("PUT", address.removeprefix("/api/v1"), data=path.read_bytes())
    assert answer.status_code == 200, answer.text
    return upload_id


def test_a_file_becomes_a_lesson_with_its_title(
    script: Script, owner: Made, house: House, audio_files: AudioFiles
) -> None:
    upload_id = send(script, owner, audio_files["cbr.mp3"])

    answer = script.post(f"/uploads/{upload_id}/complete", {"title": "Begin", "notes": "*Hi*"})

    assert answer.json["verdict"] == "warn", answer.text  # type: ignore[index]
    assert analysis.run(house) == 1
    (lesson,) = script.get(f"/courses/{owner.course.slug}/lessons").json["items"]  # type: ignore[index]
    assert (lesson["title"], lesson["notes"], lesson["state"]) == ("Begin", "*Hi*", "draft")
    assert lesson["recording"]["state"] == "ready"
    assert lesson["recording"]["duration_seconds"] == pytest.approx(60, abs=0.1)
