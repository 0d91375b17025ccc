"""What Prometheus would read, and houses that count for it."""

from collections.abc import Callable, Iterator

import pytest
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict
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
def make_watched(make_house: MakeHouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeWatched]:
    """A house that counts as `cadans serve` does; afterwards this process counts as before."""
    houses: list[House] = []
    files: list[MmapedDict] = []

    def open_file(name: str) -> MmapedDict:
        files.append(MmapedDict(name))  # type: ignore[no-untyped-call]
        return files[-1]

    def make(environ: dict[str, str]) -> House:
        settings = Settings.from_env({**environ, "CADANS_METRICS_TOKEN": TOKEN})
        houses.append(count_in(make_house(settings)))
        return houses[-1]

    # Set back to what they are now, whatever counting in a folder makes of them.
    monkeypatch.setattr(values, "ValueClass", values.ValueClass)
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    # A process ends with its files open; here they are closed.
    monkeypatch.setattr(values, "MmapedDict", open_file)
    yield make
    for house in houses:
        house.close()
    for file in files:
        file.close()  # type: ignore[no-untyped-call]
