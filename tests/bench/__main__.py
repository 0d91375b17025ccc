"""Measure polls, unlocks, edits of a plan and audio here, and say whether the targets are met.

The load comes from this machine too. Left out by default: `sustained`, ten minutes of everything at
once through nginx, and what is no measure of speed but counts what was lost or came twice: `kills`
ends workers with kill -9, `many` ends every kind of process in turn, behind nginx, `outages` stops
PostgreSQL and the S3 server, and `drill` loses the whole machine and brings it back from a backup.
"""

import argparse
import shutil
import sys
from collections.abc import Callable

from tests.bench import audio, drill, edits, kills, many, outages, polls, sustained, unlocks
from tests.bench.figures import Measure, tell

BENCHES = ("polls", "unlocks", "edits", "audio")
MORE = ("drill", "kills", "many", "outages", "sustained")


def main() -> int:
    """Run the command."""
    arguments = _parser().parse_args()
    wanted = arguments.bench or BENCHES
    if {"polls", "audio", "sustained"} & set(wanted) and not shutil.which("wrk"):
        print("The load generator is missing: apt-get install -y wrk", file=sys.stderr)  # noqa: T201
        return 1
    measures = [each for bench in wanted for each in _run(bench, arguments)]
    tell(measures, is_json=arguments.json)
    return 0 if all(each.is_met for each in measures) else 1


def _run(bench: str, arguments: argparse.Namespace) -> list[Measure]:
    databases = [arguments.only] if arguments.only else ["sqlite", "postgres"]
    quick, seconds = arguments.quick, arguments.seconds
    benches: dict[str, Callable[[], list[Measure]]] = {
        "polls": lambda: polls.run(databases, is_quick=quick, threads=arguments.threads),
        "unlocks": lambda: unlocks.run(is_quick=quick),
        "edits": lambda: edits.run(databases, is_quick=quick),
        "audio": lambda: audio.run(is_quick=quick, threads=arguments.threads),
        "drill": lambda: drill.run(is_quick=quick),
        "kills": lambda: kills.run(seconds=seconds),
        "many": lambda: many.run(seconds=seconds),
        "outages": lambda: outages.run(seconds=arguments.outage),
        "sustained": lambda: sustained.run(is_quick=quick),
    }
    return benches[bench]()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "bench", nargs="*", choices=[*BENCHES, *MORE, []], help="which; default the first four"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="less of everything: a first look")
    parser.add_argument(
        "--only", choices=["sqlite", "postgres"], help="one database alone (polls, edits)"
    )
    parser.add_argument(
        "--threads", type=int, default=16, help="threads of each web process (polls, audio)"
    )
    parser.add_argument(
        "--seconds", type=int, default=120, help="how long processes are ended (kills, many)"
    )
    parser.add_argument(
        "--outage", type=int, default=30, help="seconds that a part is away (outages)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
