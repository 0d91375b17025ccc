"""What the processes of a house count, for Prometheus; the only module that imports its client.

Each process counts into files of its own in one folder, and whoever is asked adds them up. A
process takes a place there and goes on with what an earlier holder of it had counted, so that
neither a restart nor a kill makes a sum smaller, and files do not pile up.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector

from app.errors import CadansError
from app.version import __version__

# Seconds. Half of all polls take under a millisecond, a store far away half a second.
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
JOB_BUCKETS: Final = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0)
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
# More processes than this on one machine share nothing but a mistake.
PLACES: Final = 256
# Of a file of the client (prometheus_client/mmap_dict.py).
HEADER_BYTES: Final = 8


class FiguresFolderUnusable(CadansError):
    """The folder for figures cannot be written, or holds what is none."""

    def __init__(
        self, folder: Path, reason: str, remedy: str = "let this user own CADANS_VAR"
    ) -> None:
        super().__init__(
            f"{folder} cannot be used ({reason}): {remedy}, or remove CADANS_METRICS_TOKEN."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A figure as it stands now: a value for each combination of what `labels` names."""

    name: str
    about: str
    labels: Sequence[str] = ()
    values: Mapping[Sequence[str], float] = field(default_factory=dict)
    # It only grows: the name says so by its end, `_total`.
    is_counter: bool = False


class Figures:
    """Counts in memory, or in the folder that `open_figures` prepared. Safe for many threads."""

    def __init__(self, folder: Path | None = None, place: IO[str] | None = None) -> None:
        self._folder = folder
        # Open as long as we count: that is what holds the place.
        self._place = place
        self._registry = CollectorRegistry()
        # No label is called `job` or `instance`: Prometheus gives those to what it asks.
        self._polls = self._counter("polls", "Answers to polls of feeds", "app", "status")
        self._audio = self._counter("audio", "Answers to requests for audio", "app", "status")
        self._requests = self._counter("requests", "Answers of pages and API", "room", "status")
        self._mails = self._counter("mails", "Tries to send a mail", "template", "outcome")
        self._jobs = self._counter("job_steps", "Steps of jobs", "name", "outcome")
        self._store_errors = self._counter("store_errors", "Failed calls", "operation", "error")
        self._database_errors = self._counter("database_errors", "Failed statements", "error")
        self._delivery_time = self._timer("delivery", "Feeds and audio, one request in 16", "kind")
        self._request_time = self._timer("request", "Answers of pages and API", "room")
        self._store_time = self._timer("store", "Calls of the store", "operation")
        self._database_time = self._timer("database", "Statements outside of polls")
        self._job_time = self._timer("job_step", "Steps of jobs", "name", buckets=JOB_BUCKETS)

    @property
    def is_shared(self) -> bool:
        """Whether somebody can ask for them."""
        return self._folder is not None

    @property
    def names(self) -> frozenset[str]:
        """Every name under which something is counted, whether something was or not."""
        return frozenset(
            f"{metric.name}{end}"
            for metric in self._registry.collect()
            for end in (("_total",) if metric.type == "counter" else ("_bucket", "_sum", "_count"))
        )

    def answered_feed(self, app: str, status: str, times: int) -> None:
        """Count answers to polls."""
        self._polls.labels(app, status).inc(times)

    def answered_audio(self, app: str, status: str, times: int) -> None:
        """Count answers to requests for audio, transcripts and chapters."""
        self._audio.labels(app, status).inc(times)

    def delivery_took(self, kind: str, seconds: float) -> None:
        """Note how long one request of a feed, or for audio up to its first byte, took."""
        self._delivery_time.labels(kind).observe(seconds)

    def answered(self, room: str, status: int, seconds: float) -> None:
        """Count one answer of a page or of the API."""
        self._requests.labels(room, str(status)).inc()
        self._request_time.labels(room).observe(seconds)

    def tried_mail(self, template: str, outcome: str) -> None:
        """Count one try to send a mail."""
        self._mails.labels(template, outcome).inc()

    def statement_took(self, seconds: float) -> None:
        """Note how long the database took for one statement."""
        self._database_time.observe(seconds)

    def statement_failed(self, error: str) -> None:
        """Count a statement that the database refused, or did not answer."""
        self._database_errors.labels(error).inc()

    def store_took(self, operation: str, seconds: float) -> None:
        """Note how long one call of the store took."""
        self._store_time.labels(operation).observe(seconds)

    def store_failed(self, operation: str, error: str) -> None:
        """Count a call of the store that failed."""
        self._store_errors.labels(operation, error).inc()

    def job_stepped(self, name: str, outcome: str, seconds: float) -> None:
        """Count one step of a job: worked, idle or failed."""
        self._jobs.labels(name, outcome).inc()
        self._job_time.labels(name).observe(seconds)

    def close(self) -> None:
        """Leave the place to another process."""
        if self._place is not None:
            self._place.close()

    def render(self, readings: Sequence[Reading]) -> bytes:
        """Answer what all processes counted, and the readings, as Prometheus reads it."""
        registry = CollectorRegistry()
        registry.register(_Readings([_build(), *readings]))
        if self._folder is None:
            return generate_latest(self._registry) + generate_latest(registry)
        MultiProcessCollector(registry, path=str(self._folder))  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"cadans_{name}", about, labels, registry=self._registry)

    def _timer(
        self, name: str, about: str, *labels: str, buckets: Sequence[float] = BUCKETS
    ) -> Histogram:
        return Histogram(
            f"cadans_{name}_seconds", about, labels, registry=self._registry, buckets=buckets
        )


def open_figures(folder: Path) -> Figures:
    """Count into this folder from now on, together with every other process that does.

    Raises:
        FiguresFolderUnusable: it cannot be written, or something else lies there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _refuse_what_is_none(folder)
        number, place = _take_place(folder)
    except OSError as error:
        raise FiguresFolderUnusable(folder, type(error).__name__) from error
    # The client wants to be told by the environment, and takes its number from a function.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)  # noqa: TID251 (set, not read)
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: number)  # type: ignore[no-untyped-call]  # (its documented seam, written for uWSGI)
    return Figures(folder, place)


def _refuse_what_is_none(folder: Path) -> None:
    """The client reads every file that ends like one of its own, and fails on another."""
    for path in folder.glob("*.db"):
        if not path.stem.rpartition("_")[2].isdecimal():
            raise FiguresFolderUnusable(
                folder, f"{path.name} is no file of figures", "put it somewhere else"
            )


def _take_place(folder: Path) -> tuple[int, IO[str]]:
    """Answer the first place that no living process holds, and what holds it for us."""
    for number in range(PLACES):
        with suppress(PermissionError):
            place = (folder / f"place-{number}").open("a+", encoding="utf-8")
            if _hold(place):
                _tidy(folder, number)
                return number, place
            place.close()
    raise OSError("no place is left")


def _hold(place: IO[str]) -> bool:
    try:
        fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tidy(folder: Path, number: int) -> None:
    """Throw away what a loss of power left broken, here and where nobody counts.

    What another release counted stays: a sum that shrinks looks like one that began anew.
    """
    for path in folder.glob("*.db"):
        its_number = int(path.stem.rpartition("_")[2])
        if (its_number == number or _is_free(folder, its_number)) and not _can_be_read(path):
            path.unlink()


def _is_free(folder: Path, number: int) -> bool:
    """Whether nobody counts there; of a place that is another user's we cannot say so."""
    try:
        with (folder / f"place-{number}").open("a+", encoding="utf-8") as place:
            return _hold(place)
    except PermissionError:
        return False


def _can_be_read(path: Path) -> bool:
    """Whether it is a whole file of the client: how far it goes, then names, which are JSON."""
    with path.open("rb") as file:
        end = int.from_bytes(file.read(4), sys.byteorder, signed=True)
    if end != 0 and not HEADER_BYTES <= end <= path.stat().st_size:
        return False
    try:
        for name, *_ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
            json.loads(name)
    except Exception:  # noqa: BLE001 (whatever stands there, it is none)
        return False
    return True


class _Readings:
    """Hands readings to the client in its own form."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for reading in self._readings:
            kind: Any = CounterMetricFamily if reading.is_counter else GaugeMetricFamily
            family = kind(f"cadans_{reading.name}", reading.about, labels=reading.labels)
            for labels, value in reading.values.items():
                family.add_metric(labels, value)
            yield family


def _build() -> Reading:
    return Reading(
        name="build_info",
        about="Which release answers",
        labels=("version",),
        values={(__version__,): 1.0},
    )
