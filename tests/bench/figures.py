"""What every bench hands back, and how it is told."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One figure, and what is good enough.

    `target` None: for orientation. `is_at_most`: the target is a ceiling, else a floor.
    """

    bench: str
    name: str
    value: float
    unit: str
    target: float | None = None
    is_at_most: bool = False
    facts: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.value <= self.target if self.is_at_most else self.value >= self.target


def none(bench: str, name: str, value: int) -> Measure:
    """A count of what must not happen."""
    return Measure(bench=bench, name=name, value=value, unit="", target=0, is_at_most=True)


def tell(measures: Sequence[Measure], *, is_json: bool) -> None:
    """Print what was found."""
    if is_json:
        rows = [{**asdict(each), "met": each.is_met} for each in measures]
        print(json.dumps({"figures": rows}))  # noqa: T201
        return
    for each in measures:
        print(_line(each))  # noqa: T201


def say(line: str) -> None:
    """Say how far we are, beside the figures."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _line(each: Measure) -> str:
    words = f"{each.bench:8} {each.name:66} {each.value:10,.2f} {each.unit}"
    if each.facts:
        words += "   " + ", ".join(f"{name} {value:,}" for name, value in each.facts.items())
    if each.target is None:
        return words
    bound = "at most" if each.is_at_most else "at least"
    return f"{words}   target {bound} {each.target:,g}: {'met' if each.is_met else 'MISSED'}"
