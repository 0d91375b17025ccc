"""Bytes that pass by, counted: how many, how many pieces, and their digest."""

import hashlib
from collections.abc import Iterable, Iterator


class Tally:
    """Hands pieces on; what it says of them is true once the last one came."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self._digest = hashlib.sha256()
        self.count = 0
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._digest.update(piece)
            self.count += 1
            self.size_bytes += len(piece)
            yield piece

    @property
    def sha256(self) -> str:
        """The digest, in hex."""
        return self._digest.hexdigest()


def sha256_of(pieces: Iterable[bytes]) -> str:
    """Take all pieces; answer their digest in hex."""
    tally = Tally(pieces)
    for _ in tally:
        pass
    return tally.sha256
