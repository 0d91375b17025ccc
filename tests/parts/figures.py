"""What Prometheus would read, and houses that count for it."""

import os
from collections.abc import Callable, Iterator

import pytest
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families

from app.house import House
from app.settings import Settings
from app.wiring import count_in
from tests.parts.house import MakeHouse

TOKEN = "f" * 32
BEARER = {"Authorization": f"Bearer {TOKEN}"}

Samples = dict[str, float]
MakeWatched = Callable[[dict[str, str]], House]


def samples(text: str) -> Samples:
    """Every figure by its name and labels: `cadans_polls_total{app="x",status="200"}`."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@pytest.fixture
def make_watched(make_house: MakeHouse) -> Iterator[MakeWatched]:
    """A house that counts as `cadans serve` does; afterwards this process counts as before."""
    kind, folder = values.ValueClass, os.environ.get("PROMETHEUS_MULTIPROC_DIR")

    def make(environ: dict[str, str]) -> House:
        settings = Settings.from_env({**environ, "CADANS_METRICS_TOKEN": TOKEN})
        return count_in(make_house(settings))

    yield make
    values.ValueClass = kind
    if folder is None:
        os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)
