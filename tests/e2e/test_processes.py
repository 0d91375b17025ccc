"""What becomes of the web processes when the one that started them is gone."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from tests.parts.server import ServerFailed, free_port, installation

PATIENCE_SECONDS = 20
KEYS = {"CADANS_FEED_KEYS": f"1:{'ab' * 32}", "CADANS_SECRET_KEYS": "cd" * 32}


@pytest.mark.slow
def test_no_web_process_outlives_a_server_that_was_killed(tmp_path: Path) -> None:
    with installation(tmp_path / "house") as here:
        here.make_tables()
        here.serve()
        [server] = here.processes
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert _stops_answering(here.url)


@pytest.mark.parametrize("words", [("worker",), ("account", "list")])
def test_command_that_finds_no_database_says_so_in_words(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    nobody = f"postgresql://cadans@127.0.0.1:{free_port()}/cadans"
    with installation(tmp_path / "house", {"CADANS_DATABASE_URL": nobody, **KEYS}) as here:
        with pytest.raises(ServerFailed, match="see that it runs"):
            here.run(*words)
        assert "Traceback" not in here.log


@pytest.mark.parametrize("words", [("serve",), ("db", "upgrade")])
def test_command_that_is_given_a_file_that_is_no_database_says_so_in_words(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Ada, this is no database. " * 100)
    with installation(tmp_path / "house", {"CADANS_DATABASE_URL": f"sqlite:///{letter}"}) as here:
        with pytest.raises(ServerFailed, match=r"file is not a database.*names it"):
            here.run(*words)
        assert "Traceback" not in here.log
    assert letter.read_text().startswith("Dear Ada")


@pytest.mark.parametrize("query", ["sslmode=what", "no_option=1", "connect_timeout=soon"])
def test_command_with_a_wrong_option_of_the_database_says_so_in_words(
    query: str, tmp_path: Path
) -> None:
    url = f"postgresql://cadans@127.0.0.1:{free_port()}/cadans?{query}"
    with installation(tmp_path / "house", {"CADANS_DATABASE_URL": url, **KEYS}) as here:
        with pytest.raises(ServerFailed, match=f"{query.partition('=')[0]}.*CADANS_DATABASE_URL"):
            here.run("db", "status")
        assert "Traceback" not in here.log


def _stops_answering(url: str) -> bool:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        try:
            httpx.get(url, timeout=5)
        except httpx.TransportError:
            return True
    return False
