"""What a file is, by its first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.audio import AudioFormat
from media.sniff import sniff


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"", AudioFormat.EMPTY),
        (b"RIFF\0\0\0\0WAVEfmt ", AudioFormat.WAV),
        (b"FORM\0\0\0\0AIFFCOMM", AudioFormat.AIFF),
        (b"fLaC\0\0", AudioFormat.FLAC),
        (b"OggS\0\0", AudioFormat.OGG),
        (b"\0\0\0\x20ftypM4A ", AudioFormat.M4A),
        (b"\xff\xfb\x90\x64", AudioFormat.MP3),
        (b"\xff\xfd\x90\x64", AudioFormat.MP2),
        (b"\xff\xf1\x50\x80", AudioFormat.AAC),
        (b"\xff\xd8\xff\xe0", AudioFormat.IMAGE),
        (b"%PDF-1.7", AudioFormat.PDF),
        (b"PK\x03\x04", AudioFormat.ARCHIVE),
        (b"\x1aE\xdf\xa3", AudioFormat.VIDEO),
        (b"\n <!doctype html>", AudioFormat.HTML),
        (b"\xef\xbb\xbf<html>", AudioFormat.HTML),
        (b"<?xml version='1.0'?><Error>", AudioFormat.HTML),
        (b'<?xml version="1.0"?>\n<project xmlns="audacity">', AudioFormat.PROJECT),
        (b"SQLite format 3\0", AudioFormat.PROJECT),
        (b"#EXTM3U\n", AudioFormat.PLAYLIST),
        (b"ffconcat version 1.0\nfile 'x'", AudioFormat.PLAYLIST),
        (b"[playlist]\nFile1=x", AudioFormat.PLAYLIST),
        (b"https://example.org/a.mp3", AudioFormat.PLAYLIST),
        (b"Beste luisteraar,", AudioFormat.TEXT),
        (b"\0\0\0\0\0\0\0\0", None),
    ],
)
def test_first_bytes_tell_the_kind(head: bytes, found: AudioFormat | None) -> None:
    assert sniff(head) is found


@given(head=st.binary(max_size=64))
def test_sniffing_never_raises(head: bytes) -> None:
    assert sniff(head) in {None, *AudioFormat}
