"""Ten minutes through nginx: 100,000 subscriptions on PostgreSQL, and life goes on all the while.

People sign up, lessons fall due, mails go out, a teacher uploads. Polls come at the pace of that
many apps that each poll every quarter of an hour, twice over, over TLS. Before the clock starts
they come as fast as they can, until a process remembers as much as it may. Memory is what the
processes hold for themselves (proc(5): Pss), and flat when the last minute is like the first.
"""

import secrets
import statistics
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import Measure, none, say
from tests.bench.houses import parts_for
from tests.bench.life import Life, SignUps, Uploads, going_on, went_wrong
from tests.bench.town import People, Town, a_town

BENCH = "sustained"
HERE = Path(__file__).parent
CONNECTIONS = 64
LOOK_SECONDS = 2.0
P99_MS = 50
# Python's allocator gives back in lumps.
MOST_GROWTH = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of it."""

    subscriptions: int
    seconds: int
    warm_seconds: int
    due_a_second: int

    @property
    def polls_a_second(self) -> float:
        """Each app every quarter of an hour, twice over."""
        return 2 * self.subscriptions / (15 * 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the load generator saw."""

    per_second: float
    median_ms: float
    p99_ms: float
    worst_ms: float
    failures: int


@dataclass(kw_only=True)
class Memory:
    """Megabytes of all processes of ours together, over time."""

    samples: list[tuple[float, float]] = field(default_factory=list)

    def mean(self, since: float, until: float) -> float:
        return statistics.fmean(size for at, size in self.samples if since <= at <= until)


class SteadyFailed(Exception):
    """The load generator said nothing that means anything."""


def run(*, is_quick: bool) -> list[Measure]:
    """Measure on parts of our own."""
    plan = (
        Plan(subscriptions=20_000, seconds=60, warm_seconds=15, due_a_second=2)
        if is_quick
        else Plan(subscriptions=100_000, seconds=600, warm_seconds=60, due_a_second=5)
    )
    # Lessons fall due from the start, so longer than the clock runs.
    people = People(
        settled=plan.subscriptions, due_a_second=plan.due_a_second, seconds=2 * plan.seconds
    )
    with parts_for("sustained") as own:
        say(f"sustained: {plan.subscriptions:,} subscriptions …")
        with a_town(own.url, own.folder, own.s3_server, own.mail_server, people) as town:
            town.start()
            return _measure(town, own.folder, plan)


def _measure(town: Town, folder: Path, plan: Plan) -> list[Measure]:
    feeds = folder / "feeds"
    say(f"sustained: as fast as it goes for {plan.warm_seconds} seconds …")
    _warm_up(town, feeds, plan.warm_seconds)
    lives = (SignUps(town, every=1), Uploads(town, folder / "sounds", every=15))
    say(f"sustained: {plan.polls_a_second:.0f} polls a second for {plan.seconds} seconds …")
    with going_on(*lives), _remembering(town) as memory:
        begun = time.monotonic()
        found = _steady(town, feeds, plan)
        ended = time.monotonic()
    minute = min(60.0, (ended - begun) / 3)
    first, last = memory.mean(begun, begun + minute), memory.mean(ended - minute, ended)
    return _measures(plan, found, (first, last), lives)


def _measures(
    plan: Plan, found: Found, memory: tuple[float, float], lives: Iterable[Life]
) -> list[Measure]:
    first, last = memory
    what = f"{plan.subscriptions:,} subscriptions, {plan.seconds} s"
    failed = went_wrong(lives)
    return [
        Measure(
            bench=BENCH,
            name=f"{what}: 99th percentile of polls",
            value=found.p99_ms,
            unit="ms",
            target=P99_MS,
            is_at_most=True,
            facts={
                "polls_per_second": round(found.per_second),
                "median_ms": found.median_ms,
                "worst_ms": found.worst_ms,
            },
        ),
        Measure(
            bench=BENCH,
            name=f"{what}: memory of the last minute",
            value=last / first,
            unit="x the first",
            target=MOST_GROWTH,
            is_at_most=True,
            facts={"first_mb": round(first), "last_mb": round(last)},
        ),
        none(BENCH, "polls that failed", found.failures),
        none(BENCH, f"of {sum(each.done for each in lives):,} sign-ups and uploads failed", failed),
    ]


def _warm_up(town: Town, feeds: Path, seconds: int) -> None:
    """Poll as fast as it goes, after writing `<token> <ETag>` lines: all feeds are alike here."""
    with town.nginx.client() as client:
        etags = {client.get(f"/f/{token}.xml").headers["ETag"] for token in town.tokens[:20]}
    [etag] = etags
    feeds.write_text("".join(f"{token} {etag}\n" for token in town.tokens))
    _wrk(town, seconds, "poll.lua", str(feeds), "poll")


def _steady(town: Town, feeds: Path, plan: Plan) -> Found:
    mean_ms = 1000 * CONNECTIONS / plan.polls_a_second
    words = _wrk(town, plan.seconds, "steady.lua", str(feeds), f"{mean_ms:.0f}")
    per_second, median, p99, worst, failures = words
    return Found(
        per_second=float(per_second),
        median_ms=float(median),
        p99_ms=float(p99),
        worst_ms=float(worst),
        failures=int(failures),
    )


def _wrk(town: Town, seconds: int, script: str, *words: str) -> list[str]:
    """Answer what the script said at its end."""
    command = ["wrk", "-t", "2", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "10s"]
    command += ["-s", str(HERE / script), town.nginx.url, "--", *words]
    done = subprocess.run(
        [*command, str(secrets.randbelow(10**6))], capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        if line.startswith(("STEADY ", "BENCH ")):
            return line.split()[1:]
    raise SteadyFailed(done.stdout + done.stderr)


@contextmanager
def _remembering(town: Town) -> Iterator[Memory]:
    memory, stop = Memory(), threading.Event()

    def look() -> None:
        while not stop.wait(LOOK_SECONDS):
            memory.samples.append((time.monotonic(), sum(map(_megabytes, town.pids))))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield memory
    finally:
        stop.set()
        thread.join()


def _megabytes(pid: int) -> float:
    """What a process holds, its share of what several hold included; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
