"""Bytes come in once, bounded, with their digest."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.errors import FileTooBig
from media.receive import receive


def test_bytes_are_kept_with_digest_and_size(tmp_path: Path) -> None:
    received = receive([b"ab", b"", b"c"], tmp_path, 3)
    assert received.path.read_bytes() == b"abc"
    assert received.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert received.size_bytes == 3


def test_only_this_account_can_read_it(tmp_path: Path) -> None:
    assert receive([b"a"], tmp_path, 3).path.stat().st_mode & 0o077 == 0


def test_one_byte_too_many_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(FileTooBig):
        receive([b"ab", b"cd"], tmp_path, 3)
    assert list(tmp_path.iterdir()) == []


def test_source_that_breaks_leaves_nothing_behind(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        receive(broken(), tmp_path, 3)
    assert list(tmp_path.iterdir()) == []
