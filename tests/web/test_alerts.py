"""The rules that are shipped for Prometheus speak of figures that exist, and say what to do."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import create_app
from tests.parts.figures import BEARER, MakeWatched

ROOT = Path(__file__).parents[2]
RULES = ROOT / "scripts" / "deploy" / "prometheus" / "cadans.rules.yml"
METRIC = re.compile(r"\b(cadans_[a-z_]+)")


def rules() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_alert_watches_figures_that_the_house_has(
    environ: dict[str, str], make_watched: MakeWatched
) -> None:
    house = make_watched(environ)
    answer = create_app(house.settings, house).test_client().get("/metrics", headers=BEARER)
    # Without a value yet, they are still named with their kind.
    there = set(re.findall(r"^# TYPE (\w+) ", answer.text, re.MULTILINE))
    there |= {f"{name}_bucket" for name in there}

    for rule in rules():
        named = set(METRIC.findall(rule["expr"]))
        assert named or rule["expr"].startswith("up{"), rule["alert"]
        assert named <= there | house.figures.names, rule["alert"]


def test_every_alert_says_what_is_so_what_to_do_and_how_soon() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "look"}, rule["alert"]
        assert rule["annotations"].keys() == {"summary", "action"}, rule["alert"]


def test_prometheus_reads_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool comes with Prometheus: apt-get install prometheus")
    done = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
