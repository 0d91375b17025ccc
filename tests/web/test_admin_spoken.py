"""The room of the spoken turns."""

import pytest
from flask import Flask

from app.db.models import SpokenTurn
from app.house import House
from app.kinds import Role
from app.services import spoken
from app.spoken import shown, texts
from feeds.messages import TurnKind
from tests.parts.audio_files import AudioFiles
from tests.web.rooms import Rooms, rooms_of, send_files

PAUSED = "/spoken/paused"


@pytest.fixture
def rooms(app: Flask, house: House) -> Rooms:
    return rooms_of(app, house, role=Role.EDITOR, lessons=1)


def send(rooms: Rooms, name: str, content: bytes) -> int:
    return send_files(rooms, PAUSED, "audio-paused", {name: content}).status_code


def own(house: House, rooms: Rooms) -> SpokenTurn | None:
    with house.database.reading() as session:
        return spoken.in_use(spoken.own_of(session, rooms.course.id)).get(TurnKind.PAUSED)


def test_every_turn_stands_there_with_its_words_and_a_player(rooms: Rooms) -> None:
    page = rooms.get("/spoken").text
    for kind in TurnKind:
        assert texts("nl")[kind].splitlines()[0] in page
        assert f"/spoken/{kind.value}/audio" in page


def test_ours_is_heard_until_there_is_another(rooms: Rooms) -> None:
    ours = shown(TurnKind.PAUSED, "nl").read()
    whole = rooms.get(f"{PAUSED}/audio")
    part = rooms.get(f"{PAUSED}/audio", headers={"Range": "bytes=0-1"})
    assert (whole.data, whole.content_type) == (ours, "audio/mpeg")
    assert (part.status_code, part.data) == (206, ours[:2])


def test_own_recording_is_taken_heard_and_named(
    house: House, rooms: Rooms, audio_files: AudioFiles
) -> None:
    content = audio_files["short.mp3"].read_bytes()
    assert send(rooms, "pauze van Ada.mp3", content) == 303
    page = rooms.get("/spoken").text
    assert "pauze van Ada.mp3" in page
    assert rooms.get(f"{PAUSED}/audio").data == content
    assert own(house, rooms) is not None


def test_ours_comes_back_with_one_button(
    house: House, rooms: Rooms, audio_files: AudioFiles
) -> None:
    send(rooms, "pauze.mp3", audio_files["short.mp3"].read_bytes())
    assert rooms.post(f"{PAUSED}/ours").status_code == 303
    assert own(house, rooms) is None
    assert texts("nl")[TurnKind.PAUSED].splitlines()[0] in rooms.get("/spoken").text


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("long.mp3", "It lasts 70 seconds, and may last 60."),
        ("half.mp3", "looks cut off"),
        ("page.mp3", "This file cannot be used."),
        ("empty.mp3", "This file cannot be used."),
    ],
)
def test_file_that_is_not_taken_says_why_and_changes_nothing(
    house: House, rooms: Rooms, audio_files: AudioFiles, file: str, words: str
) -> None:
    content = audio_files[file].read_bytes()
    response = send_files(rooms, PAUSED, "audio-paused", {file: content})
    assert response.status_code == 422
    assert words in response.text
    assert own(house, rooms) is None


def test_file_that_is_too_large_is_refused_before_it_is_read(house: House, rooms: Rooms) -> None:
    content = bytes(spoken.MOST_BYTES + 10)
    response = send_files(rooms, PAUSED, "audio-paused", {"groot.mp3": content})
    assert (response.status_code, own(house, rooms)) == (422, None)
    assert send(rooms, "groter.mp3", bytes(spoken.MOST_BYTES + 200_000)) == 413


def test_form_without_a_file_asks_for_one(rooms: Rooms) -> None:
    response = rooms.post(PAUSED)
    assert (response.status_code, "Choose a file first." in response.text) == (422, True)


def test_unknown_turn_is_not_found(rooms: Rooms) -> None:
    assert rooms.get("/spoken/party/audio").status_code == 404
