"""Measure polls, unlocks and edits of a plan on this machine, and say whether the targets are met.

The load comes from this machine too. `kills` is no measure of speed: it ends workers with kill -9
and counts what was told twice or never; by default it is left out.
"""

import argparse
import shutil
import sys

from tests.bench import edits, kills, polls, unlocks
from tests.bench.figures import Measure, tell

BENCHES = ("polls", "unlocks", "edits")


def main() -> int:
    """Run the command."""
    arguments = _parser().parse_args()
    wanted = arguments.bench or BENCHES
    if "polls" in wanted and not shutil.which("wrk"):
        print("The load generator is missing: apt-get install -y wrk", file=sys.stderr)  # noqa: T201
        return 1
    measures = [each for bench in wanted for each in _run(bench, arguments)]
    tell(measures, is_json=arguments.json)
    return 0 if all(each.is_met for each in measures) else 1


def _run(bench: str, arguments: argparse.Namespace) -> list[Measure]:
    databases = [arguments.only] if arguments.only else ["sqlite", "postgres"]
    if bench == "polls":
        return polls.run(databases, is_quick=arguments.quick, threads=arguments.threads)
    if bench == "edits":
        return edits.run(databases, is_quick=arguments.quick)
    if bench == "kills":
        return kills.run(seconds=arguments.seconds)
    return unlocks.run(is_quick=arguments.quick)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "bench", nargs="*", choices=[*BENCHES, "kills", []], help="which; default all but kills"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="less of everything: a first look")
    parser.add_argument(
        "--only", choices=["sqlite", "postgres"], help="one database alone (polls, edits)"
    )
    parser.add_argument(
        "--threads", type=int, default=16, help="blocking threads of each web process (polls)"
    )
    parser.add_argument(
        "--seconds", type=int, default=120, help="how long workers are killed (kills)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
