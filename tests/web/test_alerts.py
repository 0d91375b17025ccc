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
from tests.parts.missing import missing

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


# A house in which all is well: what is asked each minute, in promtool's way of writing.
WELL = {
    'up{job="cadans",instance="a"}': "1+0x200",
    'cadans_ready{job="cadans",part="database"}': "1+0x200",
    'cadans_polls_total{app="gPodder",status="304"}': "0+600x200",
    'cadans_polls_total{app="gPodder",status="503"}': "0+1x200",
    'cadans_audio_total{app="gPodder",status="206"}': "0+60x200",
    'cadans_requests_total{room="public",status="200"}': "0+60x200",
    'cadans_delivery_seconds_bucket{kind="feed",le="0.01"}': "0+37x200",
    'cadans_delivery_seconds_bucket{kind="feed",le="0.5"}': "0+37x200",
    'cadans_delivery_seconds_bucket{kind="feed",le="+Inf"}': "0+37x200",
    'cadans_store_seconds_bucket{operation="stat",le="0.1"}': "0+9x200",
    'cadans_store_seconds_bucket{operation="stat",le="5.0"}': "0+9x200",
    'cadans_store_seconds_bucket{operation="stat",le="+Inf"}': "0+9x200",
    'cadans_database_seconds_bucket{le="0.01"}': "0+99x200",
    'cadans_database_seconds_bucket{le="2.5"}': "0+99x200",
    'cadans_database_seconds_bucket{le="+Inf"}': "0+99x200",
    'cadans_store_errors_total{operation="stat",error="ObjectNotFound"}': "0+60x200",
    'cadans_database_errors_total{error="IntegrityError"}': "0+60x200",
    'cadans_unlock_overdue_seconds{job="cadans"}': "8+0x200",
    'cadans_mail_oldest_due_seconds{job="cadans"}': "3+0x200",
    'cadans_mails_total{template="unlock",outcome="sent"}': "0+20x200",
    'cadans_mails_total{template="unlock",outcome="refused"}': "0+0x200",
    'cadans_worker_silent_seconds{job="cadans"}': "20+0x200",
    'cadans_jobs{name="any",state="failed"}': "0+0x200",
    'cadans_recordings{state="waiting"}': "0 1 0+0x200",
}
# What stands otherwise where one thing is not well.
ILL = {
    "CadansDown": {'up{job="cadans",instance="a"}': "0+0x200"},
    "CadansPartLost": {'cadans_ready{job="cadans",part="database"}': "0+0x200"},
    "CadansPollsFail": {'cadans_polls_total{app="gPodder",status="503"}': "0+60x200"},
    "CadansAudioFails": {'cadans_audio_total{app="gPodder",status="503"}': "0+6x200"},
    "CadansPagesFail": {'cadans_requests_total{room="public",status="500"}': "0+6x200"},
    "CadansPollsSlow": {'cadans_delivery_seconds_bucket{kind="feed",le="0.01"}': "0+30x200"},
    "CadansPollsStopped": {
        'cadans_polls_total{app="gPodder",status="304"}': "0+600x1500 900000+0x200",
        'cadans_polls_total{app="gPodder",status="503"}': "0+0x2000",
    },
    "CadansUnlocksLate": {'cadans_unlock_overdue_seconds{job="cadans"}': "900+0x200"},
    "CadansMailLate": {'cadans_mail_oldest_due_seconds{job="cadans"}': "0+60x200"},
    "CadansMailServerLost": {
        'cadans_mails_total{template="unlock",outcome="unreachable"}': "0+1x200"
    },
    "CadansMailRefused": {'cadans_mails_total{template="unlock",outcome="refused"}': "0+9x200"},
    "CadansNoWorker": {'cadans_worker_silent_seconds{job="cadans"}': "_x200"},
    "CadansTaskFails": {'cadans_task_failures{name="mail"}': "4+0x200"},
    "CadansJobFailed": {'cadans_jobs{name="archive",state="failed"}': "1+0x200"},
    "CadansRecordingsWait": {'cadans_recordings{state="waiting"}': "1+0x200"},
    "CadansStoreFails": {
        'cadans_store_errors_total{operation="stat",error="StoreUnreachable"}': "0+9x200"
    },
    "CadansStoreSlow": {'cadans_store_seconds_bucket{operation="stat",le="0.1"}': "0+3x200"},
    "CadansDatabaseSlow": {'cadans_database_seconds_bucket{le="0.01"}': "0+50x200"},
    "CadansDatabaseFails": {'cadans_database_errors_total{error="OperationalError"}': "0+60x200"},
}


def test_every_alert_has_its_trouble_here() -> None:
    assert {rule["alert"] for rule in rules()} == set(ILL)


@pytest.mark.slow
def test_prometheus_rings_for_each_trouble_and_for_nothing_else(tmp_path: Path) -> None:
    promtool = shutil.which("promtool") or missing("Prometheus", "prometheus")
    checked = subprocess.run([promtool, "check", "rules", RULES], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    cases = [a_case(None, {}), *(a_case(alert, series) for alert, series in ILL.items())]
    path = tmp_path / "cases.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": cases}))
    done = subprocess.run([promtool, "test", "rules", path], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def a_case(alert: str | None, otherwise: dict[str, str]) -> dict[str, Any]:
    """One house after three hours, and what must ring there; None: nothing.

    What is compared with yesterday takes longer.
    """
    minutes = 1600 if alert == "CadansPollsStopped" else 190
    rings = [{"labels": f'{{alertname="{alert}"}}', "value": 1}] if alert else []
    well = {name: values.replace("x200", f"x{minutes}") for name, values in WELL.items()}
    series = {name: values for name, values in (well | otherwise).items() if "_x" not in values}
    return {
        "name": alert or "all is well",
        "interval": "1m",
        "input_series": [{"series": name, "values": text} for name, text in series.items()],
        "promql_expr_test": [
            {
                "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{minutes}m",
                "exp_samples": rings,
            }
        ],
    }
