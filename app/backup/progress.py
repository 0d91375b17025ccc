"""How far a backup or a restoring is, for whoever waits."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

T = TypeVar("T")

Advance = Callable[[], object]
"""Told that one more was dealt with."""


class Progress(Protocol):
    """Shows the parts of a long work, one after another."""

    def part(self, name: str, total: int) -> AbstractContextManager[Advance]:
        """Begin a part of so many things; what it gives is told of each."""
        ...


def each_told(things: Iterable[T], advance: Advance) -> Iterator[T]:
    """Give one after another; of each that was dealt with, `advance` is told."""
    for each in things:
        yield each
        advance()
