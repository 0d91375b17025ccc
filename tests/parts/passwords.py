"""Passwords and passphrases cost little here; what tests start keeps them as strong as ever."""

from collections.abc import Iterator, Mapping

import pytest
from argon2 import PasswordHasher

from app.backup import sealing
from app.services import passwords


@pytest.fixture(scope="session", autouse=True)
def strong_passwords() -> Iterator[PasswordHasher]:
    """Let hashes cost next to nothing; answer what makes them everywhere else."""
    strong = passwords._HASHER  # noqa: SLF001 (nobody else may reach for it)
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", quick)
        yield strong


@pytest.fixture(scope="session", autouse=True)
def strong_seals() -> Iterator[Mapping[str, int]]:
    """Let a seal cost next to nothing; answer what it costs everywhere else."""
    strong = sealing.COST
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "COST", {"n": 2**4, "r": 8, "p": 1})
        yield strong
