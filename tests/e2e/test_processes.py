"""What becomes of the web processes when the one that started them is gone."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.parts.server import installation

PATIENCE_SECONDS = 20


@pytest.mark.slow
def test_no_web_process_outlives_a_server_that_was_killed(tmp_path: Path) -> None:
    with installation(tmp_path / "house") as here:
        here.run("db", "upgrade")
        here.serve()
        [server] = here.processes
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert _stops_answering(here.url)


def _stops_answering(url: str) -> bool:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            return True
    return False
