"""How subscriptions stood when this process last asked: for polls while the database is away."""

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from app.db.standing import Standing

# About 1 kB each (tests/unit/test_standing_memory.py holds it to that), and two generations of
# them: at most 60 MB a process.
MOST_IN_A_GENERATION: Final = 25_000
# One lasts so long. To write down each poll anew, in the place of one that said the same or of
# another's, cost a seventh of what a process answers (measured with PostgreSQL).
GENERATION: Final = timedelta(minutes=30)
# Apps poll every 15 to 60 minutes. What changed meanwhile in another process is not known here, an
# address that was taken back among it; so this is no longer than it has to be.
LONGEST: Final = timedelta(hours=1)


class Remembered(NamedTuple):
    """A standing, and when it was read."""

    standing: Standing
    at: datetime


class StandingMemory:
    """The last standings by random id, bounded in number and in age.

    Of an address that is closed or gone it keeps nothing. For many threads: whatever two of them do
    at once, an entry is whole, or not there.
    """

    def __init__(self, most: int = MOST_IN_A_GENERATION) -> None:
        self._most = most
        self._began_at = datetime.min.replace(tzinfo=UTC)
        # Plain pairs: made at every poll, and hardly ever looked at.
        self._young: dict[bytes, tuple[Standing, datetime]] = {}
        self._old: dict[bytes, tuple[Standing, datetime]] = {}

    def keep(self, random_id: bytes, standing: Standing, at: datetime) -> None:
        """Remember how an address stood; forget one that is retired, or whose course ended."""
        if standing.retired_at is not None or standing.ended_at is not None:
            self.forget(random_id)
            return
        if at - self._began_at >= GENERATION:
            self._old, self._young, self._began_at = self._young, {}, at
        young = self._young
        known = young.get(random_id)
        if known is None and len(young) >= self._most:
            # No room; and what was known before may be true no more.
            self._old.pop(random_id, None)
        else:
            # One that says the same stays where it lies.
            is_same = known is not None and known[0] == standing
            young[random_id] = (known[0] if known and is_same else standing, at)

    def forget(self, random_id: bytes) -> None:
        """Know nothing of an address any more."""
        self._young.pop(random_id, None)
        self._old.pop(random_id, None)

    def recall(self, random_id: bytes, now: datetime) -> Remembered | None:
        """Answer how an address stood; None: not known, or too long ago."""
        found = self._young.get(random_id) or self._old.get(random_id)
        if found is None or not found[1] <= now < found[1] + LONGEST:
            return None
        return Remembered(*found)
