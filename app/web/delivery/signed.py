"""Addresses in the store, each signed once for all who ask within a moment.

To sign costs more than all the rest of a redirect (210 µs), and says nothing of who asked. When a
lesson unlocks, thousands are sent to the same recording.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from media.keys import ObjectKey

# An address is handed out until this part of its life is over.
SHARE: Final = 100
# A few megabytes. Beyond that all are forgotten, and signed anew when they are asked for.
MOST_KEPT: Final = 10_000

Sign = Callable[[ObjectKey, str], str | None]
"""Signs an address for a key and a content type; None: listeners cannot reach the store."""


class _Kept(NamedTuple):
    address: str | None
    until: datetime


class SignedAddresses:
    """Remembers what `sign` answered. That two threads sign the same key at once does no harm."""

    def __init__(self, sign: Sign, lifetime: timedelta) -> None:
        self._sign = sign
        self._kept_for = lifetime / SHARE
        self._kept: dict[ObjectKey, _Kept] = {}

    def get(self, key: ObjectKey, content_type: str, *, now: datetime) -> str | None:
        """Answer an address of this object, nearly all of whose life is to come."""
        kept = self._kept.get(key)
        if kept is not None and now < kept.until:
            return kept.address
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        address = self._sign(key, content_type)
        self._kept[key] = _Kept(address, now + self._kept_for)
        return address
