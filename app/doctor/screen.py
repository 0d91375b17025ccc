"""What the doctor says on the terminal: findings first, then one verdict per app."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
from rich.console import Console
from rich.markup import escape

from app.doctor.examine import Report
from app.doctor.look import Tell
from app.doctor.report import Grade

SIGNS: Final = {
    Grade.OK: ("green", "ok  "),
    Grade.NOTE: ("cyan", "note"),
    Grade.WARN: ("yellow", "warn"),
    Grade.FAIL: ("red", "FAIL"),
}


class Screen:
    """Says the report on standard output, and what is going on on standard error."""

    def __init__(self, *, is_json: bool) -> None:
        self._is_json = is_json
        self._out = Console(highlight=False, soft_wrap=True)
        self._side = Console(stderr=True, highlight=False)

    @contextmanager
    def looking(self) -> Iterator[Tell]:
        """Show what is being looked at, where somebody is watching."""
        with self._side.status("Looking at the feed") as status:
            yield lambda what: status.update(f"Looking at {escape(what)}")

    def report(self, report: Report) -> None:
        """Say everything that was found."""
        if self._is_json:
            click.echo(json.dumps(report.as_json(), ensure_ascii=False))
            return
        self._out.print(f"[bold]{escape(report.title or 'No feed')}[/bold]")
        self._out.print(
            f"{escape(report.address)}: items: {report.items},"
            f" recordings looked at: {report.listened_to}"
        )
        self._out.print("\n[bold]What every app needs[/bold]")
        for check in report.checks:
            self._line(check.grade, check.message)
            if check.remedy and check.grade is not Grade.OK:
                self._out.print(f"      {escape(check.remedy)}")
        self._out.print("\n[bold]In each app[/bold]")
        for verdict in report.verdicts:
            self._line(verdict.grade, f"{verdict.app}: {verdict.sentence}")

    def problem(self, text: str) -> None:
        """Say why there is nothing to report."""
        if self._is_json:
            click.echo(json.dumps({"problem": text}, ensure_ascii=False))
        else:
            click.echo(f"cadans doctor: {text}", err=True)

    def _line(self, grade: Grade, text: str) -> None:
        colour, sign = SIGNS[grade]
        self._out.print(f"[{colour}]{sign}[/{colour}]  {escape(text)}")
