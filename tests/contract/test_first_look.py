"""A first verdict on a recording in a store, without fetching the recording."""

from typing import Any, cast

import pytest

from media.audio import AudioFormat
from media.keys import ObjectKey
from media.probe import probe
from media.store import RangedFile, Store, read_chunks
from tests.parts.audio_files import AudioFiles

MOST = 0.02


@pytest.mark.slow
def test_first_look_at_a_quarter_of_an_hour_reads_under_two_percent(
    store: Store, key: ObjectKey, audio_files: AudioFiles
) -> None:
    with audio_files["quarter.mp3"].open("rb") as sound:
        stored = store.put(key, read_chunks(sound), "audio/mpeg")
    with RangedFile(store, key) as file:
        # RawIOBase reads whole what it is asked for, so that it does for a BinaryIO
        facts = probe(cast("Any", file), "les.mp3", stored.size_bytes)
        read_bytes, requests = file.bytes_read, file.requests
    print(f"{read_bytes} of {stored.size_bytes} bytes in {requests} requests")  # noqa: T201
    assert facts.format is AudioFormat.MP3
    assert facts.is_readable
    assert 0 < read_bytes < MOST * stored.size_bytes
    assert requests <= 10
