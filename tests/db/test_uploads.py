"""Files on their way, on both databases: begun, resumed, joined, judged, swept."""

import hashlib
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db import queue
from app.db.models import Course, Lesson, Recording, Upload
from app.errors import InvalidInput, TitleTaken, UploadNotFound, UploadTooBig
from app.house import House
from app.jobs import analysis, sweep
from app.kinds import LessonState, RecordingState, UploadState
from app.services import arrivals, lessons, publishing, recordings, uploads
from app.services.wanted_files import Known, Wanted
from media.errors import UploadIncomplete
from media.findings import Verdict
from media.keys import new_object_key
from tests.parts.audio_files import AudioFiles
from tests.parts.house import SettableClock, environ_on
from tests.web.api import Made, an_owner

CHUNK = 10_000


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **environ_on(database_url, tmp_path),
        "CADANS_MAX_UPLOAD": "20 MB",
    }


@pytest.fixture
def owner(house: House) -> Made:
    return an_owner(house)


class Sender:
    """Somebody who sends files to one course."""

    def __init__(self, house: House, owner: Made) -> None:
        self.house, self.owner = house, owner

    def wanted(self, content: bytes, name: str = "les.mp3", **more: object) -> Wanted:
        known: dict[str, object] = {
            "course_id": self.owner.course.id,
            "account_id": self.owner.account.id,
            "file_name": name,
            "size_bytes": len(content),
            "client_sha256": hashlib.sha256(content).digest(),
        }
        return Wanted(**(known | more))  # type: ignore[arg-type]  # (a test says what it changes)

    def begin(self, content: bytes, name: str = "les.mp3", **more: object) -> Upload:
        begun = uploads.begin(
            self.house, self.wanted(content, name, **more), now=self.house.clock()
        )
        assert isinstance(begun, Upload)
        return begun

    def send(self, content: bytes, name: str = "les.mp3", **more: object) -> Upload:
        upload = self.begin(content, name, **more)
        for number in range(1, uploads.part_count(upload) + 1):
            start = (number - 1) * upload.part_bytes
            part = content[start : start + uploads.part_size(upload, number)]
            chunks = (part[at : at + CHUNK] for at in range(0, len(part), CHUNK))
            uploads.put_part(self.house, upload, number, chunks)
        return upload

    def complete(self, upload: Upload, title: str | None = None) -> arrivals.Completed:
        return arrivals.complete(self.house, upload, now=self.house.clock(), title=title)

    def arrive(self, content: bytes, name: str = "les.mp3", **more: object) -> arrivals.Completed:
        return self.complete(self.send(content, name, **more))

    def count(self, table: type[Lesson | Recording]) -> int:
        with self.house.database.reading() as session:
            return session.scalars(select(func.count()).select_from(table)).one()

    def recording(self, completed: arrivals.Completed) -> Recording:
        assert completed.recording_id is not None
        with self.house.database.reading() as session:
            return recordings.get(session, completed.recording_id)

    def objects(self) -> list[str]:
        return [found.key for found in self.house.store.list()]


@pytest.fixture
def sender(house: House, owner: Made) -> Sender:
    return Sender(house, owner)


@pytest.fixture
def good(audio_files: AudioFiles) -> bytes:
    return audio_files["cbr.mp3"].read_bytes()


def test_a_file_becomes_a_lesson_in_draft_whose_recording_waits(
    sender: Sender, good: bytes
) -> None:
    completed = sender.arrive(good, "03 Samen.mp3")

    recording = sender.recording(completed)
    with sender.house.database.reading() as session:
        lesson = session.get_one(Lesson, completed.lesson_id)
    assert (lesson.title, lesson.state, lesson.recording_id) == ("Samen", LessonState.DRAFT, None)
    assert (recording.number, recording.state) == (1, RecordingState.WAITING)
    assert recording.sha256 is None


def test_a_heard_recording_is_ready_and_its_lessons_own(sender: Sender, good: bytes) -> None:
    completed = sender.arrive(good)

    analysis.run(sender.house)

    recording = sender.recording(completed)
    with sender.house.database.reading() as session:
        lesson = session.get_one(Lesson, completed.lesson_id)
    assert (recording.state, lesson.recording_id) == (RecordingState.READY, recording.id)
    assert recording.sha256 == hashlib.sha256(good).digest()


def test_what_headers_hide_is_refused_once_it_was_heard(
    sender: Sender, audio_files: AudioFiles
) -> None:
    completed = sender.arrive(audio_files["noise.mp3"].read_bytes())
    assert completed.verdict is not Verdict.REFUSE

    analysis.run(sender.house)

    assert sender.recording(completed).state is RecordingState.REFUSED


@pytest.mark.parametrize("name", ["half.mp3", "page.mp3", "random.mp3", "wav-named.mp3"])
def test_what_a_first_look_refuses_leaves_nothing_behind(
    sender: Sender, audio_files: AudioFiles, name: str
) -> None:
    completed = sender.arrive(audio_files[name].read_bytes())

    assert (completed.verdict, completed.recording_id) == (Verdict.REFUSE, None)
    assert (sender.count(Lesson), sender.count(Recording), sender.objects()) == (0, 0, [])
    assert list(sender.house.store.open_uploads()) == []


def test_a_digest_that_is_not_the_files_refuses_it(sender: Sender, good: bytes) -> None:
    completed = sender.arrive(good, client_sha256=bytes(32))

    analysis.run(sender.house)

    recording = sender.recording(completed)
    assert [each["code"] for each in recording.findings] == ["changed-on-the-way"]


def test_the_same_file_is_not_wanted_twice(sender: Sender, good: bytes) -> None:
    completed = sender.arrive(good)
    expected = Known(lesson_id=completed.lesson_id or 0, recording_id=completed.recording_id or 0)
    wanted = sender.wanted(good)

    before = uploads.begin(sender.house, wanted, now=sender.house.clock())
    analysis.run(sender.house)
    after = uploads.begin(sender.house, wanted, now=sender.house.clock())

    assert (before, after) == (expected, expected)


def test_a_lied_digest_finds_nobody_elses_file(sender: Sender, house: House, good: bytes) -> None:
    """Another course has the file; to know its digest opens nothing."""
    Sender(house, an_owner(house)).arrive(good)
    analysis.run(house)

    assert sender.begin(good).state is UploadState.OPEN


def test_the_same_file_sent_twice_at_once_makes_one_lesson(sender: Sender, good: bytes) -> None:
    first = sender.send(good)
    # As when both were begun before either was written down.
    second = sender.send(good, "same.mp3")

    assert sender.complete(first).lesson_id == sender.complete(second).lesson_id
    assert (sender.count(Lesson), len(sender.objects())) == (1, 1)


def test_completing_twice_answers_the_same(sender: Sender, good: bytes) -> None:
    upload = sender.send(good)
    first = sender.complete(upload)

    assert sender.complete(upload) == first
    assert sender.count(Recording) == 1


def test_a_crash_between_object_and_row_is_mended_by_completing_again(
    sender: Sender, good: bytes
) -> None:
    upload = sender.send(good)
    store, parts = sender.house.store, uploads.arrived(sender.house, upload)
    store.complete_upload(upload.object_key, upload.store_upload_id, parts)  # type: ignore[arg-type]

    assert sender.complete(upload).recording_id is not None


def test_begun_again_it_goes_on_where_it_was(sender: Sender) -> None:
    content = bytes(uploads.PART_BYTES + 5)
    upload = sender.begin(content)
    uploads.put_part(sender.house, upload, 2, [bytes(5)])

    again = sender.begin(content)

    assert again.id == upload.id
    assert [part.number for part in uploads.arrived(sender.house, again)] == [2]


def test_missing_parts_leave_it_open(sender: Sender) -> None:
    upload = sender.begin(bytes(uploads.PART_BYTES + 5))
    uploads.put_part(sender.house, upload, 2, [bytes(5)])

    with pytest.raises(UploadIncomplete):
        sender.complete(upload)

    assert [part.number for part in uploads.arrived(sender.house, upload)] == [2]


@pytest.mark.parametrize("size", [4, 6, 0])
def test_a_part_of_another_size_is_not_kept(sender: Sender, size: int) -> None:
    upload = sender.begin(bytes(5))

    with pytest.raises(InvalidInput):
        uploads.put_part(sender.house, upload, 1, [bytes(size)])

    assert uploads.arrived(sender.house, upload) == ()


@pytest.mark.parametrize("number", [0, 2])
def test_a_part_that_the_file_does_not_have_is_refused(sender: Sender, number: int) -> None:
    with pytest.raises(InvalidInput):
        uploads.put_part(sender.house, sender.begin(bytes(5)), number, [bytes(5)])


def test_a_file_may_have_the_largest_size_and_not_a_byte_more(sender: Sender) -> None:
    assert sender.begin(b"", size_bytes=20_000_000).size_bytes == 20_000_000
    with pytest.raises(UploadTooBig):
        sender.begin(b"", size_bytes=20_000_001)


@pytest.mark.parametrize(
    "name", ["les.wav", "les", "../les.mp3", "a\\b.mp3", "a\0.mp3", "a\n.mp3", "x" * 252 + ".mp3"]
)
def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(
    sender: Sender, name: str
) -> None:
    with pytest.raises(InvalidInput):
        sender.begin(b"x", name)


def test_an_aborted_one_takes_no_more_parts(sender: Sender, good: bytes) -> None:
    upload = sender.send(good)

    uploads.abort(sender.house, upload)

    with sender.house.database.reading() as session:
        gone = uploads.get(session, upload.public_id, account_id=upload.account_id)
    with pytest.raises(UploadNotFound):
        sender.complete(gone)


def test_a_title_that_is_taken_leaves_the_upload_open(sender: Sender, good: bytes) -> None:
    with sender.house.database.writing() as session:
        fields = lessons.LessonFields(title="Een")
        lessons.create(session, sender.owner.course.id, fields, now=sender.house.clock())
    upload = sender.send(good)

    with pytest.raises(TitleTaken):
        sender.complete(upload, title="EEN")

    assert sender.complete(upload, title="Twee").lesson_id is not None


def test_a_suggested_title_that_is_taken_gets_a_number(
    sender: Sender, good: bytes, audio_files: AudioFiles
) -> None:
    sender.arrive(good)
    second = sender.arrive(audio_files["vbr.mp3"].read_bytes())

    with sender.house.database.reading() as session:
        assert session.get_one(Lesson, second.lesson_id).title == "Les (2)"


def test_new_audio_of_a_published_lesson_shows_once_it_was_heard(
    sender: Sender, good: bytes, audio_files: AudioFiles
) -> None:
    lesson_id = sender.arrive(good).lesson_id or 0
    analysis.run(sender.house)
    course_id = sender.owner.course.id
    with sender.house.database.writing() as session:
        lesson = lessons.get(session, course_id, lesson_id)
        publishing.publish(session, lesson, now=sender.house.clock())
    revision = _course(sender).revision

    newer = sender.arrive(audio_files["vbr.mp3"].read_bytes(), lesson_id=lesson_id)
    assert _course(sender).revision == revision
    analysis.run(sender.house)

    with sender.house.database.reading() as session:
        shown = session.get_one(Lesson, lesson_id).recording_id
    assert (shown, sender.recording(newer).number) == (newer.recording_id, 2)
    assert _course(sender).revision == revision + 1


def test_a_recording_whose_worker_died_is_found_again(
    sender: Sender, good: bytes, clock: SettableClock
) -> None:
    completed = sender.arrive(good)
    with sender.house.database.writing() as session:
        recordings.claim(session, now=clock())

    clock.advance(recordings.LEASE - timedelta(seconds=1))
    assert analysis.run(sender.house) == 0
    clock.advance(timedelta(seconds=1))
    assert analysis.run(sender.house) == 1

    assert sender.recording(completed).state is RecordingState.READY


def test_a_recording_stays_claimed_however_long_it_is_heard(
    sender: Sender, good: bytes, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed = sender.arrive(good)
    monkeypatch.setattr(recordings, "LEASE", timedelta(seconds=0.3))
    claimed_until = clock() + recordings.LEASE

    def hear_for_long(house: House, recording_id: int) -> None:
        del recording_id
        clock.advance(timedelta(minutes=1))
        give_up_at = time.monotonic() + 30
        while sender.recording(completed).leased_until == claimed_until:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        assert analysis.run(house) == 0, "nobody else may take it"

    monkeypatch.setattr(recordings, "analyse", hear_for_long)
    assert analysis.run(sender.house) == 1


def test_a_recording_that_arrives_wakes_the_worker(sender: Sender, good: bytes) -> None:
    sender.arrive(good)
    with sender.house.database.reading() as session:
        assert [job.name for job in queue.listed(session)] == [recordings.ANALYSIS]


def test_a_recording_that_kills_its_workers_is_refused(
    sender: Sender, good: bytes, clock: SettableClock
) -> None:
    completed = sender.arrive(good)
    for _ in range(recordings.MOST_ATTEMPTS):
        with sender.house.database.writing() as session:
            recordings.claim(session, now=clock())
        clock.advance(recordings.LEASE)

    analysis.run(sender.house)

    recording = sender.recording(completed)
    assert (recording.state, recording.findings[0]["code"]) == (
        RecordingState.REFUSED,
        "check-stopped",
    )


def test_a_recording_waits_on_while_its_object_cannot_be_read(
    sender: Sender, good: bytes, clock: SettableClock
) -> None:
    """As often as it likes: that is not the recording's fault."""
    completed = sender.arrive(good)
    path = sender.house.settings.var / "store" / sender.recording(completed).object_key
    away = path.rename(path.with_suffix(".away"))
    for _ in range(recordings.MOST_ATTEMPTS + 1):
        assert analysis.run(sender.house) == 1
        clock.advance(recordings.REST)

    away.rename(path)
    analysis.run(sender.house)

    assert sender.recording(completed).state is RecordingState.READY


def test_an_upload_lives_seven_days_to_the_second(
    sender: Sender, good: bytes, clock: SettableClock
) -> None:
    sender.send(good)

    clock.advance(uploads.LIFETIME - timedelta(seconds=1))
    assert uploads.expire(sender.house, now=clock()) == 0
    clock.advance(timedelta(seconds=1))

    assert uploads.expire(sender.house, now=clock()) == 1
    assert list(sender.house.store.open_uploads()) == []


def test_only_what_no_row_knows_is_swept(sender: Sender, good: bytes) -> None:
    completed = sender.arrive(good)
    under_way = sender.send(bytes(9))
    orphan = new_object_key("1", "mp3")
    stored = sender.house.store.put(orphan, [b"x"], "audio/mpeg")
    parts = sender.house.store.begin_upload(new_object_key("1", "mp3"), "audio/mpeg")
    later = _later(sender.house)

    swept = sweep.sweep_objects(sender.house, before=later)
    aborted = sweep.sweep_uploads(sender.house, before=later)

    assert (swept, aborted, stored.key, bool(parts)) == (1, 1, orphan, True)
    assert sender.objects() == [sender.recording(completed).object_key]
    assert len(uploads.arrived(sender.house, under_way)) == 1


def test_what_was_stored_just_now_is_not_swept(sender: Sender) -> None:
    sender.house.store.put(new_object_key("1", "mp3"), [b"x"], "audio/mpeg")

    sweep.run(sender.house)

    assert len(sender.objects()) == 1


def _course(sender: Sender) -> Course:
    with sender.house.database.reading() as session:
        return session.get_one(Course, sender.owner.course.id)


def _later(house: House) -> datetime:
    newest = max(found.stored_at for found in house.store.list())
    return newest + timedelta(minutes=1)
