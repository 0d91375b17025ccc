"""Passwords cost little in this process; servers that tests start keep them as people's do."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from app.services import passwords


@pytest.fixture(scope="session", autouse=True)
def strong_passwords() -> Iterator[PasswordHasher]:
    """Let hashes cost next to nothing; answer what makes them everywhere else."""
    strong = passwords._HASHER  # noqa: SLF001 (nobody else may reach for it)
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", quick)
        yield strong
