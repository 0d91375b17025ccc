"""Figures of several real processes: added up whichever answers, kept over kills and restarts."""

import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.parts.figures import BEARER, TOKEN, Samples, samples
from tests.parts.postgres import Postgres
from tests.parts.server import WITHOUT_TLS, Installation, ServerFailed, free_port, installation

PATIENCE_SECONDS = 60
NOT_FOUND = 'cadans_polls_total{app="gPodder",status="404"}'
FORGED = f"/f/{'a' * 40}.xml"


def poll(here: Installation, times: int) -> None:
    """Each on a connection of its own, so that every process gets some."""
    for _ in range(times):
        app = {"User-Agent": "gPodder/3.11"}
        answer = httpx.get(f"{here.url}{FORGED}", headers=app, verify=WITHOUT_TLS)
        assert answer.status_code == 404


def figures(here: Installation) -> Samples:
    answer = httpx.get(f"{here.url}/metrics", headers=BEARER, timeout=20, verify=WITHOUT_TLS)
    assert answer.status_code == 200
    return samples(answer.text)


def come_to(here: Installation, name: str, enough: Callable[[float], bool]) -> float:
    """Wait until a figure is what it must be: sums are handed on twice a second."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not enough(found := figures(here).get(name, 0.0)) and time.monotonic() < give_up_at:
        time.sleep(0.2)
    return found


def web_processes(pid: int) -> list[int]:
    """The processes that a server started for the web."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    found = [int(child) for child in children]
    return [each for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


@pytest.mark.slow
def test_figures_of_all_processes_are_one_sum_that_outlives_a_kill_and_a_restart(
    tmp_path: Path,
) -> None:
    with installation(tmp_path / "house", {"CADANS_METRICS_TOKEN": TOKEN}) as here:
        here.make_tables()
        here.serve("--workers", "2")
        poll(here, 30)
        assert come_to(here, NOT_FOUND, lambda found: found == 30) == 30
        # Whoever is asked says the same: eight times, surely not by one process alone.
        assert {figures(here)[NOT_FOUND] for _ in range(8)} == {30}
        # The worker runs along in a third process.
        mail_steps = 'cadans_job_steps_total{name="mail",outcome="idle"}'
        assert come_to(here, mail_steps, lambda found: found > 0) > 0

        victim = web_processes(here.processes[0].pid)[0]
        kill(victim)
        poll(here, 1)
        assert come_to(here, NOT_FOUND, lambda found: found >= 31) >= 31

        before = figures(here)[NOT_FOUND]
        here.stop()
        here.serve()
        assert figures(here)[NOT_FOUND] >= before
        poll(here, 5)
        assert come_to(here, NOT_FOUND, lambda found: found >= before + 5) == before + 5


@pytest.mark.slow
@pytest.mark.postgres
def test_workers_of_their_own_count_into_the_same_sum(tmp_path: Path, postgres: Postgres) -> None:
    with postgres.fresh() as url:
        environ = {
            "CADANS_DATABASE_URL": url.replace("+psycopg", ""),
            "CADANS_METRICS_TOKEN": TOKEN,
            "CADANS_FEED_KEYS": f"1:{'ab' * 32}",
            "CADANS_SECRET_KEYS": "cd" * 32,
        }
        with installation(tmp_path / "house", environ) as here:
            here.serve()
            port = free_port()
            here.start("worker", metrics_bind=f"127.0.0.1:{port}")
            idle = 'cadans_job_steps_total{name="mail",outcome="idle"}'
            assert come_to(here, idle, lambda found: found > 0) > 0
            assert come_to(here, "cadans_worker_silent_seconds", lambda found: found > 0) < 60

            door = f"http://127.0.0.1:{port}"
            assert httpx.get(f"{door}/healthz").status_code == 200
            assert httpx.get(f"{door}/metrics").status_code == 401
            assert httpx.get(f"{door}/", headers=BEARER).status_code == 404
            told = samples(httpx.get(f"{door}/metrics", headers=BEARER, timeout=20).text)
            assert told[idle] > 0
            with pytest.raises(ServerFailed, match="give each worker a port of its own"):
                here.run("worker", metrics_bind=f"127.0.0.1:{port}")

            with postgres.frozen():
                parts = come_to_be_unready(here)["parts"]
                assert parts["database"].startswith("does not answer")
                assert parts["store"] == "answers"
                assert httpx.get(f"{here.url}/healthz", timeout=20).status_code == 200
                assert figures(here)['cadans_ready{part="database"}'] == 0
            assert come_to(here, 'cadans_ready{part="database"}', lambda found: found == 1) == 1


def come_to_be_unready(here: Installation) -> dict[str, Any]:
    """What is not well; an answer of a moment before is kept for two seconds."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        answer = httpx.get(f"{here.url}/readyz", timeout=10)
        if answer.status_code == 503:
            found: dict[str, Any] = answer.json()
            return found
        time.sleep(0.2)
    pytest.fail("the house says that it is ready")


def kill(pid: int) -> None:
    """Kill a process, and wait until it is gone: whoever asks it while it dies hears nothing."""
    process = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    gone, _, _ = select.select([process], [], [], PATIENCE_SECONDS)
    os.close(process)
    assert gone
