"""What a process remembers of polls is bounded, in number and in bytes."""

import tracemalloc
from datetime import UTC, datetime, timedelta

from app.db.standing import Standing
from app.web.delivery.memory import (
    GENERATION,
    LONGEST,
    MOST_IN_A_GENERATION,
    StandingMemory,
)

NOW = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)
MOST_BYTES = 60_000_000


def a_standing(number: int) -> Standing:
    """As PostgreSQL gives one: every text an object of its own."""
    fields: dict[str, int | str | None] = {
        **dict.fromkeys(Standing._fields),
        "subscription_id": 100_000 + number,
        "course_id": 1,
        "public_id": f"0f8fad5b-d9cb-469f-a165-{number:012}",
        "started_at": f"2026-05-04 06:00:00.{number:06}+00",
        "revised_at": f"2026-05-04 06:00:01.{number:06}+00",
        "next_unlock_at": f"2026-06-08 06:00:00.{number:06}+00",
        "zone": bytes.decode(b"Europe/Amsterdam"),
        "unlocks": ",".join(f"2026-05-{day:02} 06:00:00.{number:06}+00 {day}" for day in range(4)),
    }
    return Standing(**fields)  # type: ignore[arg-type]  # (by name, as they come)


def an_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_never_more_than_two_generations_are_remembered() -> None:
    memory = StandingMemory(most=10)
    for number in range(1_000):
        memory.keep(an_id(number), a_standing(number), NOW)
    assert sum(memory.recall(an_id(number), NOW) is not None for number in range(1_000)) == 10
    later = NOW + GENERATION
    for number in range(500, 1_000):
        memory.keep(an_id(number), a_standing(number), later)
    known = [number for number in range(1_000) if memory.recall(an_id(number), later)]
    assert known == [*range(10), *range(500, 510)]


def test_what_was_read_last_is_what_is_known() -> None:
    memory = StandingMemory(most=1)
    memory.keep(an_id(1), a_standing(1), NOW)
    changed = a_standing(1)._replace(revision=2)
    memory.keep(an_id(1), changed, NOW + timedelta(minutes=1))
    found = memory.recall(an_id(1), NOW + timedelta(minutes=1))
    assert found is not None
    assert found.standing == changed

    memory.keep(an_id(2), a_standing(2), NOW + GENERATION)
    # No room for her any more, and what is known of her is old.
    memory.keep(an_id(1), changed._replace(revision=3), NOW + GENERATION)
    assert memory.recall(an_id(1), NOW + GENERATION) is None


def test_memory_that_is_full_takes_sixty_megabytes_at_most() -> None:
    share = 20
    tracemalloc.start()
    memory = StandingMemory(most=MOST_IN_A_GENERATION // share)
    for number in range(4 * MOST_IN_A_GENERATION // share):
        memory.keep(an_id(number), a_standing(number), NOW + timedelta(seconds=number))
    taken, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken * share < MOST_BYTES


def test_what_was_remembered_is_forgotten_when_it_is_told_and_when_it_is_old() -> None:
    memory = StandingMemory()
    memory.keep(an_id(1), a_standing(1), NOW)
    memory.keep(an_id(2), a_standing(2), NOW)
    memory.forget(an_id(1))
    assert memory.recall(an_id(1), NOW) is None
    assert memory.recall(an_id(2), NOW + LONGEST - timedelta(seconds=1))
    assert memory.recall(an_id(2), NOW + LONGEST) is None


def test_address_that_is_retired_is_not_remembered_and_what_was_known_of_it_goes() -> None:
    memory = StandingMemory()
    memory.keep(an_id(1), a_standing(1), NOW)
    memory.keep(an_id(1), a_standing(1)._replace(retired_at="2026-06-01 06:00:00+00"), NOW)
    assert memory.recall(an_id(1), NOW) is None
