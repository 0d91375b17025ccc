"""Recordings of an owner's own at the turns of a subscription, on both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db.models import Course, SpokenTurn
from app.errors import SpokenRefused, SpokenTooLong
from app.house import House
from app.jobs import sweep
from app.services import spoken
from app.services.spoken import OwnFile
from feeds.messages import TurnKind
from media.errors import FileTooBig
from media.findings import Code, Finding
from media.keys import ObjectKey
from tests.builders import a_course
from tests.parts.audio_files import AudioFiles
from tests.parts.house import SettableClock, environ_on

KIND = TurnKind.PAUSED


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    return environ_on(database_url, tmp_path)


@pytest.fixture
def course(house: House) -> Course:
    with house.database.writing() as session:
        return a_course(session, lessons=1)


def use(house: House, course: Course, content: bytes, name: str = "pauze.mp3") -> SpokenTurn:
    file = OwnFile(name=name, chunks=[content[:1000], content[1000:]])
    return spoken.replace(house, course.id, KIND, file, now=house.clock())


def in_use(house: House, course: Course) -> SpokenTurn | None:
    with house.database.reading() as session:
        return spoken.in_use(spoken.own_of(session, course.id)).get(KIND)


def objects(house: House) -> set[ObjectKey]:
    return {each.key for each in house.store.list()}


def revision_of(house: House, course: Course) -> int:
    with house.database.reading() as session:
        return session.get_one(Course, course.id).revision


def test_own_recording_takes_the_place_of_ours_and_feeds_notice(
    house: House, course: Course, audio_files: AudioFiles
) -> None:
    content = audio_files["short.mp3"].read_bytes()
    before = revision_of(house, course)
    turn = use(house, course, content)
    found = in_use(house, course)
    assert found is not None
    assert (found.id, found.number, found.size_bytes) == (turn.id, 1, len(content))
    assert revision_of(house, course) == before + 1
    with house.store.open(ObjectKey(found.object_key)) as chunks:
        assert b"".join(chunks) == content


def test_another_recording_gets_another_number_and_the_first_one_stays(
    house: House, course: Course, audio_files: AudioFiles
) -> None:
    content = audio_files["short.mp3"].read_bytes()
    first, second = use(house, course, content), use(house, course, content)
    assert (first.number, second.number) == (1, 2)
    assert {first.object_key, second.object_key} <= objects(house)


def test_ours_comes_back_and_a_later_recording_is_new(
    house: House, course: Course, audio_files: AudioFiles
) -> None:
    content = audio_files["short.mp3"].read_bytes()
    use(house, course, content)
    with house.database.writing() as session:
        spoken.put_back(session, course.id, KIND, now=house.clock())
    assert in_use(house, course) is None
    assert use(house, course, content).number == 2


def test_recording_of_more_than_a_minute_is_refused_with_its_length(
    house: House, course: Course, audio_files: AudioFiles
) -> None:
    with pytest.raises(SpokenTooLong) as caught:
        use(house, course, audio_files["long.mp3"].read_bytes())
    assert (caught.value.seconds, caught.value.most_seconds) == (70, 60)
    assert objects(house) == set()


@pytest.mark.parametrize(
    ("file", "code"), [("half.mp3", Code.CUT_OFF), ("page.mp3", Code.NOT_SOUND)]
)
def test_recording_that_no_lesson_could_have_is_refused_with_the_same_words(
    house: House, course: Course, audio_files: AudioFiles, file: str, code: Code
) -> None:
    with pytest.raises(SpokenRefused) as caught:
        use(house, course, audio_files[file].read_bytes())
    [finding] = caught.value.findings
    assert isinstance(finding, Finding)
    assert finding.code == code
    assert (objects(house), in_use(house, course)) == (set(), None)


def test_larger_file_is_left_where_it_is(house: House, course: Course) -> None:
    file = OwnFile(name="groot.mp3", chunks=(bytes(1_000_000) for _ in range(9)))
    with pytest.raises(FileTooBig):
        spoken.replace(house, course.id, KIND, file, now=house.clock())
    assert objects(house) == set()


def test_sweeper_knows_what_is_said_at_turns_and_what_was(
    house: House, course: Course, clock: SettableClock, audio_files: AudioFiles
) -> None:
    content = audio_files["short.mp3"].read_bytes()
    use(house, course, content)
    use(house, course, content)
    later = clock() + timedelta(days=3650)
    assert sweep.sweep_objects(house, before=later) == 0
    with house.database.reading() as session:
        keys = set(session.scalars(select(SpokenTurn.object_key)))
    assert objects(house) == keys
