"""Verdicts without a server: what is said, on which stream, and how it ends."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts.audio_files import AudioFiles
from tests.parts.missing import missing
from tests.upload.conftest import SCRIPT, Command, MakeFolder, write_list

BAD = {
    "half.mp3": "cut-off",
    "glued.mp3": "glued",
    "noise.mp3": "damaged",
    "page.mp3": "not-sound",
    "empty.mp3": "empty",
    "random.mp3": "not-audio",
    "playlist.mp3": "not-sound",
    "wav-named.mp3": "disguised",
    "m4a-named.mp3": "wrong-ending",
    "lesson.flac": "wrong-format",
    "silent.mp3": "silent",
    "half-plain.m4a": "cut-off-unknown",
}


@pytest.mark.parametrize(("name", "code"), BAD.items())
def test_a_bad_file_is_refused_for_what_is_wrong_with_it(
    command: Command, make_folder: MakeFolder, name: str, code: str
) -> None:
    done = command.run(make_folder({name: name}), "--course", "x", "--dry-run", "--json")

    (line,) = done.lines
    assert (line["verdict"], line["findings"][0]["code"], done.exit_code) == ("refuse", code, 1)


def test_nothing_but_the_objects_stands_on_standard_output(
    command: Command, make_folder: MakeFolder
) -> None:
    folder = make_folder({"10.mp3": "cbr.mp3", "9.mp3": "empty.mp3"})
    (folder / "readme.txt").write_text("no audio")

    done = command.run(folder, "--course", "x", "--dry-run", "--json")

    assert [line["file"] for line in done.lines] == ["9.mp3", "10.mp3"]
    assert {*done.lines[0]} == {"file", "verdict", "duration_seconds", "findings"}
    assert {*done.lines[0]["findings"][0]} == {"code", "severity", "message"}


def test_a_good_file_ends_with_0_and_its_heard_length(
    command: Command, make_folder: MakeFolder
) -> None:
    folder = make_folder({"1.mp3": "vbr-without-header.mp3"})

    done = command.run(folder, "--course", "x", "--dry-run", "--json")

    assert done.exit_code == 0, done.errors
    assert done.lines[0]["verdict"] == "warn"
    assert done.lines[0]["duration_seconds"] == pytest.approx(60, abs=0.2)


def test_the_length_of_what_cannot_be_heard_is_null(
    command: Command, make_folder: MakeFolder
) -> None:
    done = command.run(make_folder({"1.mp3": "page.mp3"}), "--course", "x", "--dry-run", "--json")

    assert done.lines[0]["duration_seconds"] is None


def test_what_is_no_audio_is_named_aside_and_hidden_files_are_not(
    command: Command, make_folder: MakeFolder
) -> None:
    folder = make_folder({"1.mp3": "cbr.mp3"})
    (folder / "cover.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / ".DS_Store").write_bytes(b"x")
    write_list(folder, ("file",), ("1.mp3",))

    done = command.run(folder, "--course", "x", "--dry-run", "--json")

    assert "cover.jpg" in done.errors
    assert ".DS_Store" not in done.errors
    assert "lessons.csv" not in done.errors


def test_audio_without_an_ending_is_found_by_what_is_in_it(
    command: Command, make_folder: MakeFolder
) -> None:
    folder = make_folder({"opname": "cbr.mp3"})

    assert [
        line["verdict"]
        for line in command.run(folder, "--course", "x", "--dry-run", "--json").lines
    ] == ["warn"]


def test_an_unknown_column_ends_with_2_and_names_the_allowed_ones(
    command: Command, make_folder: MakeFolder
) -> None:
    folder = make_folder({"1.mp3": "cbr.mp3"})
    write_list(folder, ("file", "titel"), ("1.mp3", "x"))

    done = command.run(folder, "--course", "x", "--dry-run", "--json")

    assert (done.exit_code, done.output) == (2, "")
    assert "titel" in done.errors
    assert "file, title, notes, publish" in done.errors


@pytest.mark.parametrize(
    "words",
    [("missing", "--course", "x"), (".",), (".", "--course", "x", "--server", "ftp://x"), ()],
    ids=["folder", "course", "server", "all"],
)
def test_wrong_arguments_end_with_2(command: Command, words: tuple[str, ...]) -> None:
    done = command.run(*words)

    assert (done.exit_code, done.output) == (2, "")


def test_a_folder_without_audio_ends_with_2(command: Command, tmp_path: Path) -> None:
    done = command.run(tmp_path, "--course", "x", "--dry-run")

    assert (done.exit_code, done.output) == (2, "")


def test_sending_without_a_token_ends_with_2_before_anything_else(
    command: Command, make_folder: MakeFolder
) -> None:
    done = command.run(make_folder({"1.mp3": "cbr.mp3"}), "--course", "x")

    assert (done.exit_code, done.output) == (2, "")
    assert "cadans token create" in done.errors


def test_a_dry_run_opens_no_connection(make_folder: MakeFolder) -> None:
    """In a network namespace of its own there is nobody to talk to, not even loopback."""
    unshare = shutil.which("unshare") or missing("unshare", "util-linux")
    folder = make_folder({"1.mp3": "cbr.mp3"})
    alone = [unshare, "--net", sys.executable, str(SCRIPT), str(folder), "--course", "x"]

    done = subprocess.run([*alone, "--dry-run"], capture_output=True, check=False, timeout=60)

    assert done.returncode == 0, done.stderr


def test_it_speaks_dutch_where_the_terminal_does(command: Command, make_folder: MakeFolder) -> None:
    folder = make_folder({"1.mp3": "empty.mp3"})

    done = command.run(folder, "--course", "x", "--dry-run", "--json", LANG="nl_NL.UTF-8")

    assert done.lines[0]["findings"][0]["message"].startswith("Dit bestand is leeg.")


def test_a_language_that_is_asked_for_wins(command: Command, make_folder: MakeFolder) -> None:
    folder = make_folder({"1.mp3": "empty.mp3"})
    words = (folder, "--course", "x", "--dry-run", "--json", "--language", "en")

    done = command.run(*words, LANG="nl_NL.UTF-8")

    assert done.lines[0]["findings"][0]["message"].startswith("This file is empty.")


def test_a_title_that_stands_twice_is_said_of_the_second(
    command: Command, tmp_path: Path, audio_files: AudioFiles
) -> None:
    for name in ("1.mp3", "2.mp3"):
        shutil.copy(audio_files["tagged.mp3"], tmp_path / name)

    first, second = command.run(tmp_path, "--course", "x", "--dry-run", "--json").lines

    assert "title-clash" not in {each["code"] for each in first["findings"]}
    assert "title-clash" in {each["code"] for each in second["findings"]}
