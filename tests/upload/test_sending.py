"""The command against a real server, with each store."""

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.parts.server import free_port
from tests.upload.conftest import Command, MakeFolder, Teacher, write_list

pytestmark = pytest.mark.slow

LARGE_BYTES = 100_000_000
HER_UPLOAD = """
    SELECT uploads.public_id FROM uploads JOIN accounts ON accounts.id = uploads.account_id
    WHERE accounts.email = ?
"""
TWO = {"10 - Later.mp3": "vbr.mp3", "2 - Eerst.mp3": "cbr.mp3"}


def test_a_folder_becomes_lessons_in_natural_order(
    teacher: Teacher, make_folder: MakeFolder
) -> None:
    done = teacher.upload(make_folder(TWO), "--course", "groei", "--create")

    assert done.exit_code == 0, done.errors
    assert teacher.titles("groei") == ["Eerst", "Later"]


def test_a_second_run_changes_nothing(teacher: Teacher, make_folder: MakeFolder) -> None:
    folder = make_folder(TWO)
    teacher.upload(folder, "--course", "groei", "--create")
    wait_until_heard(teacher, "groei")
    before = teacher.lessons("groei")

    done = teacher.upload(folder, "--course", "groei", "--create")

    assert done.exit_code == 0, done.errors
    assert teacher.lessons("groei") == before


def test_a_second_run_before_anything_was_heard_changes_nothing(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    folder = make_folder(TWO)
    teacher_here.upload(folder, "--course", "groei", "--create")

    teacher_here.upload(folder, "--course", "groei")

    numbers = [each["recording"]["number"] for each in teacher_here.lessons("groei")]
    assert numbers == [1, 1]


def test_what_ctrl_c_left_is_not_sent_again(teacher: Teacher, make_folder: MakeFolder) -> None:
    folder = make_folder({"1.mp3": "cbr.mp3"})
    lengthen(folder / "1.mp3", LARGE_BYTES)
    process = teacher.command.start(folder, "--course", "groei", "--create")
    upload = wait_for_parts(teacher, process)

    stopped = teacher.command.interrupt(process)
    before = teacher.get(f"/uploads/{upload}")["arrived"]
    assert (stopped.exit_code, len(before) > 0) == (130, True), stopped.errors
    assert "same command again" in stopped.errors
    assert teacher.lessons("groei") == []
    again = teacher.upload(folder, "--course", "groei")

    assert again.exit_code == 0, again.errors
    assert teacher.get(f"/uploads/{upload}")["state"] == "done"
    assert teacher.titles("groei") == ["1"]


def test_a_list_beside_the_audio_gives_order_titles_notes_and_publishes(
    teacher: Teacher, make_folder: MakeFolder
) -> None:
    folder = make_folder(TWO)
    write_list(
        folder,
        ("file", "title", "notes", "publish"),
        ("10 - Later.mp3", "Het begin", "Welkom", "ja"),
        ("2 - Eerst.mp3", "", "", "nee"),
    )

    done = teacher.upload(folder, "--course", "groei", "--create")

    assert done.exit_code == 0, done.errors
    found = [(each["title"], each["notes"], each["state"]) for each in teacher.lessons("groei")]
    assert found == [("Het begin", "Welkom", "published"), ("Eerst", "", "draft")]


def test_another_title_in_the_list_renames_the_lesson(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    folder = make_folder({"1.mp3": "cbr.mp3"})
    teacher_here.upload(folder, "--course", "groei", "--create")
    wait_until_heard(teacher_here, "groei")
    write_list(folder, ("file", "title"), ("1.mp3", "Nieuwe naam"))

    teacher_here.upload(folder, "--course", "groei")

    assert teacher_here.titles("groei") == ["Nieuwe naam"]


def test_other_audio_under_a_known_title_becomes_the_next_recording(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    teacher_here.upload(make_folder({"Les.mp3": "cbr.mp3"}), "--course", "groei", "--create")

    done = teacher_here.upload(make_folder({"Les.mp3": "vbr.mp3"}), "--course", "groei")

    assert done.exit_code == 0, done.errors
    (lesson,) = teacher_here.lessons("groei")
    assert lesson["recording"]["number"] == 2


def test_a_file_added_in_the_middle_gets_its_place(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    names = {"1 Een.mp3": "cbr.mp3", "3 Drie.mp3": "vbr.mp3"}
    teacher_here.upload(make_folder(names), "--course", "groei", "--create")

    teacher_here.upload(make_folder({"2 Twee.mp3": "mono.mp3"}), "--course", "groei")

    assert teacher_here.titles("groei") == ["Een", "Twee", "Drie"]


def test_what_is_refused_stays_here_and_the_rest_is_sent(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    folder = make_folder({"1 goed.mp3": "cbr.mp3", "2 half.mp3": "half.mp3"})

    done = teacher_here.upload(folder, "--course", "groei", "--create")

    assert done.exit_code == 1
    assert teacher_here.titles("groei") == ["Goed"]


def test_nothing_is_made_when_everything_is_refused(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    done = teacher_here.upload(make_folder({"a.mp3": "page.mp3"}), "--course", "x", "--create")

    assert done.exit_code == 1
    assert teacher_here.get("/courses") == {"items": []}


def test_json_prints_one_object_per_file_also_when_it_sends(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    done = teacher_here.upload(make_folder(TWO), "--course", "groei", "--create", "--json")

    assert [line["file"] for line in done.lines] == ["2 - Eerst.mp3", "10 - Later.mp3"]


def test_a_course_that_is_not_there_is_said(teacher_here: Teacher, make_folder: MakeFolder) -> None:
    done = teacher_here.upload(make_folder(TWO), "--course", "nergens")

    assert (done.exit_code, done.output) == (3, "")
    assert "--create" in done.errors


def test_a_wrong_token_is_said(teacher_here: Teacher, make_folder: MakeFolder) -> None:
    done = teacher_here.upload(make_folder(TWO), "--course", "x", "--token", "cadans_" + "0" * 64)

    assert (done.exit_code, done.output) == (3, "")
    assert "does not accept the token" in done.errors


def test_a_token_of_one_course_may_not_make_another(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    folder = make_folder({"1.mp3": "cbr.mp3"})
    teacher_here.upload(folder, "--course", "groei", "--create")
    token = teacher_here.here.run("token", "create", teacher_here.email, "--course", "groei")

    done = teacher_here.upload(folder, "--course", "nog", "--create", "--token", token.strip())

    assert done.exit_code == 3
    assert "does not let this token" in done.errors


def test_a_server_that_is_away_is_said(command: Command, make_folder: MakeFolder) -> None:
    server = f"http://127.0.0.1:{free_port()}"

    done = command.run(make_folder(TWO), "--course", "x", "--server", server, "--token", "t")

    assert (done.exit_code, done.output) == (3, "")
    assert "does not answer" in done.errors


def test_a_server_that_goes_away_in_the_middle_is_said_and_leaves_no_lesson(
    teacher_here: Teacher, make_folder: MakeFolder
) -> None:
    folder = make_folder({"1.mp3": "cbr.mp3"})
    lengthen(folder / "1.mp3", LARGE_BYTES)
    process = teacher_here.command.start(folder, "--course", "groei", "--create")
    wait_for_parts(teacher_here, process)

    teacher_here.here.stop()
    process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=60)

    assert process.returncode == 3, errors
    assert "does not answer" in errors
    teacher_here.here.serve()
    assert teacher_here.lessons("groei") == []


def wait_until_heard(teacher: Teacher, slug: str) -> None:
    give_up_at = time.monotonic() + 60
    while any(
        each["recording"]["state"] in {"waiting", "analysing"} for each in teacher.lessons(slug)
    ):
        assert time.monotonic() < give_up_at
        time.sleep(0.3)


def wait_for_parts(teacher: Teacher, process: subprocess.Popen[str]) -> str:
    """Hold the command once some parts have arrived, not all; answer the upload's id.

    It is held while we look: on a quick machine the whole file is sent within one look.
    """
    give_up_at = time.monotonic() + 90
    while time.monotonic() < give_up_at:
        process.send_signal(signal.SIGSTOP)
        with sqlite3.connect(teacher.here.folder / "var" / "cadans.sqlite3") as database:
            row = database.execute(HER_UPLOAD, (teacher.email,)).fetchone()
        database.close()
        if row and len(teacher.get(f"/uploads/{row[0]}")["arrived"]) >= 2:
            return str(row[0])
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
    raise AssertionError


def lengthen(path: Path, size_bytes: int) -> None:
    """Put an empty ID3 tag of this size in front: slow to send, quick to hear."""
    # ID3v2.4.0 §3.1: seven bits a byte
    size = bytes(size_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x04\x00\x00" + size + bytes(size_bytes) + path.read_bytes())
