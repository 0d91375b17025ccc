import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.services import passwords


def test_many_at_once_do_not_take_the_memory_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, most, turn = [0], [0], threading.Lock()

    class Hasher:
        def verify(self, kept: str, password: str) -> bool:
            with turn:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.02)
            with turn:
                inside[0] -= 1
            return kept == password

    monkeypatch.setattr(passwords, "_HASHER", Hasher())
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: passwords.is_right("5", str(n)), range(8)))

    assert found == [n == 5 for n in range(8)]
    assert most[0] <= passwords.AT_ONCE
