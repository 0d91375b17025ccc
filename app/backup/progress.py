"""How far a backup or a restoring is, for whoever waits."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

Advance = Callable[[int], object]
"""Told of so much more that was dealt with."""


class Progress(Protocol):
    """Shows the parts of a long work, one after another."""

    def part(self, name: str, total: int | None) -> AbstractContextManager[Advance]:
        """Begin a part of so many (None: nobody knows); what it gives is told of each advance."""
        ...
