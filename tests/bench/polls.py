"""Measure polls against a bare Flask view on the same server, in the same run.

Everything runs on this machine, the load generator (wrk) too; so only ratios mean something. Each
round measures every contender once, and a ratio is taken within its round; what is told is the
median of the rounds. Every other round goes backwards: a machine that gets slower meanwhile favours
nobody.
"""

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from app.clock import system_clock
from app.settings import Settings
from app.wiring import open_house
from tests.bench.figures import Measure, say
from tests.bench.fill import fill
from tests.parts.postgres import _as_unprivileged, _running
from tests.parts.server import free_port

HERE = Path(__file__).parent
POLL = str(HERE / "poll.lua")
FEW = "poll, 1,000 subscriptions"
PYTHON = Path(sys.executable)
KEY = "1:" + "ab" * 32
SECRET = "0" * 64
WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One thing to measure: what to ask of which server, and what is good enough."""

    name: str
    port: int
    # The rest of wrk's command line.
    script: tuple[str, ...]
    compared_with: str = "hello"
    # None: for orientation only.
    target: float | None = None
    scheme: str = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What came out for one contender."""

    name: str
    requests_per_second: float
    p99_ms: float
    ratio: float
    compared_with: str
    target: float | None

    @property
    def is_met(self) -> bool:
        return self.target is None or self.ratio >= self.target


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much to measure."""

    many: int
    few: int
    seconds: float
    rounds: int
    threads: int

    @property
    def connections(self) -> int:
        """Twice as many requests at once as the server has threads: none of those waits for one."""
        return 2 * WORKERS * self.threads


class LoadFailed(Exception):
    """The answers were not what they should be: no figure means anything."""


def run(databases: Sequence[str], *, is_quick: bool, threads: int) -> list[Measure]:
    """Measure polls on these databases."""
    plan = Plan(
        many=20_000 if is_quick else 100_000,
        few=1_000,
        seconds=2 if is_quick else 5,
        rounds=3 if is_quick else 5,
        threads=threads,
    )
    return [
        as_measure(database, figure, plan)
        for database in databases
        for figure in measure(database, plan)
    ]


def as_measure(database: str, figure: Figure, plan: Plan) -> Measure:
    """Say a figure as every bench does."""
    return Measure(
        bench="polls",
        name=f"{database}, {plan.many:,} subscriptions: {figure.name}",
        value=figure.ratio,
        unit=f"x {figure.compared_with}",
        target=figure.target,
        facts={
            "requests_per_second": round(figure.requests_per_second),
            "p99_ms": round(figure.p99_ms, 1),
        },
    )


def measure(database: str, plan: Plan) -> list[Figure]:
    """Measure everything on one database."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cadans-bench-")))
        urls = stack.enter_context(_databases(database, folder))
        files = [folder / "many.txt", folder / "few.txt"]
        environs = [_environ(folder / str(number), url) for number, url in enumerate(urls, start=1)]
        for environ, file, count in zip(environs, files, (plan.many, plan.few), strict=True):
            say(f"{database}: {count:,} subscriptions …")
            house = open_house(Settings.from_env(environ))
            fill(house, count, file, now=system_clock())
            house.close()

        def serve(target: str, environ: dict[str, str]) -> int:
            return stack.enter_context(serving(target, environ, plan.threads))

        ports = {
            "hello": serve("tests.bench.apps:hello", environs[0]),
            "many": serve("tests.bench.apps:product", environs[0]),
            "few": serve("tests.bench.apps:product", environs[1]),
            "plain": serve("tests.bench.apps:plain", environs[0]),
        }
        _check_answers(ports, files[0])
        sizes = _of_both_sizes(ports, files, plan)
        # They differ by a few percent, less than two rounds of the same do.
        longer = replace(plan, rounds=3 * plan.rounds)
        return [
            *measure_all(_contenders(ports, files[0]), plan, database),
            *measure_all(sizes, longer, f"{database}, both sizes"),
        ]


def _contenders(ports: dict[str, int], tokens: Path) -> list[Contender]:
    many = str(tokens)
    return [
        Contender(name="hello", port=ports["hello"], script=(POLL, many, "hello")),
        Contender(
            name="poll answered 304", port=ports["many"], script=(POLL, many, "poll"), target=0.6
        ),
        Contender(
            name="feed of 4 lessons", port=ports["many"], script=(POLL, many, "feed"), target=0.5
        ),
        Contender(name="feed of 4 lessons, gzip", port=ports["many"], script=(POLL, many, "gzip")),
        Contender(name="the plain way", port=ports["plain"], script=(POLL, many, "feed")),
    ]


def _of_both_sizes(ports: dict[str, int], files: list[Path], plan: Plan) -> list[Contender]:
    many, few = map(str, files)
    return [
        Contender(
            name=FEW,
            port=ports["few"],
            script=(POLL, few, "poll", str(plan.many)),
            compared_with=FEW,
        ),
        Contender(
            name="poll, all subscriptions",
            port=ports["many"],
            script=(POLL, many, "poll"),
            compared_with=FEW,
            target=0.9,
        ),
    ]


def measure_all(contenders: list[Contender], plan: Plan, what: str) -> list[Figure]:
    """Measure each contender in every round; answer the medians."""
    rates: dict[str, list[float]] = {each.name: [] for each in contenders}
    delays: dict[str, list[float]] = {each.name: [] for each in contenders}
    for each in contenders:
        _load(each, plan.connections, seconds=1)
    for number in range(plan.rounds):
        say(f"{what}: round {number + 1} of {plan.rounds} …")
        for each in contenders if number % 2 == 0 else reversed(contenders):
            rate, p99 = _load(each, plan.connections, seconds=plan.seconds)
            rates[each.name].append(rate)
            delays[each.name].append(p99)
    return [
        Figure(
            name=each.name,
            requests_per_second=statistics.median(rates[each.name]),
            p99_ms=statistics.median(delays[each.name]),
            ratio=statistics.median(
                mine / other
                for mine, other in zip(rates[each.name], rates[each.compared_with], strict=True)
            ),
            compared_with=each.compared_with,
            target=each.target,
        )
        for each in contenders
    ]


def _load(contender: Contender, connections: int, *, seconds: float) -> tuple[float, float]:
    """Load one server; answer requests a second and the 99th percentile in milliseconds."""
    script, *arguments = contender.script
    arguments.append(str(random.randrange(2**31)))  # noqa: S311 (which ones is no secret)
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--latency",
        "--timeout",
        "15s",
        "-s",
        script,
    ]
    command += [f"{contender.scheme}://127.0.0.1:{contender.port}/", "--", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    line = next(line for line in done.stdout.splitlines() if line.startswith("BENCH "))
    rate, p99, failures = line.split()[1:]
    if int(failures):
        raise LoadFailed(f"{contender.name}: {failures} requests failed")
    return float(rate), float(p99)


def _check_answers(ports: dict[str, int], tokens: Path) -> None:
    """Look before measuring: polls get 304, feeds four lessons, whichever the server."""
    lines = tokens.read_text().splitlines()
    for line in (lines[0], lines[len(lines) // 2], lines[-1]):
        token, etag = line.split(" ", 1)
        for server in ("many", "plain"):
            body = _get(ports[server], token, {})
            if body.count(b"<item>") != 4 or token.encode() not in body:
                raise LoadFailed(f"{server}: that is no feed of four lessons")
        if _get(ports["many"], token, {"If-None-Match": etag}) != b"304":
            raise LoadFailed("a poll with the feed's ETag got no 304")


def _get(port: int, token: str, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/f/{token}.xml", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            body: bytes = response.read()
            return body
    except urllib.error.HTTPError as error:
        return str(error.code).encode()


@contextmanager
def _databases(database: str, folder: Path) -> Iterator[list[str]]:
    if database == "sqlite":
        yield [f"sqlite:///{folder}/many.sqlite3", f"sqlite:///{folder}/few.sqlite3"]
        return
    cluster_folder = Path(tempfile.mkdtemp(prefix="cadans-bench-pg-"))
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    try:
        prefix = _as_unprivileged(cluster_folder)
        with _running(programs[-1].parent, cluster_folder, prefix) as cluster:
            for name in ("many", "few"):
                cluster.run(f"CREATE DATABASE {name}")
            # Over its socket, as on one machine.
            yield [
                f"postgresql+psycopg://cadans@/{name}?host={cluster_folder}&port={cluster.port}"
                for name in ("many", "few")
            ]
    finally:
        shutil.rmtree(cluster_folder, ignore_errors=True)


def _environ(folder: Path, database_url: str) -> dict[str, str]:
    return {
        "CADANS_VAR": str(folder),
        "CADANS_DATABASE_URL": database_url,
        "CADANS_FEED_KEYS": KEY,
        "CADANS_SECRET_KEYS": SECRET,
    }


@contextmanager
def serving(target: str, environ: dict[str, str], threads: int) -> Iterator[int]:
    port = free_port()
    command = [str(PYTHON.with_name("granian")), "--interface", "wsgi", "--factory"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-log"]
    # A worker may wait for ever to stop (Granian's issue 875, read 2026-11).
    command += ["--workers-kill-timeout", "10"]
    command += ["--workers", str(WORKERS), "--blocking-threads", str(threads), target]
    with subprocess.Popen(command, env={**os.environ, **environ}) as server:
        try:
            _wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise LoadFailed("a server did not start")
