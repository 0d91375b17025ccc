"""What stands on the terminal: verdicts and plan for people, one object per line for programs."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from app.upload.judge import Judged
from app.upload.plan import Deed
from app.upload.send import Outcome, Tell
from app.upload.words import Words
from media.findings import Verdict
from media.words import sentence


class Screen:
    """Says things: verdicts on standard output, everything else on standard error."""

    def __init__(self, words: Words, *, is_json: bool) -> None:
        self.words = words
        self._is_json = is_json
        self._console = Console(stderr=True, highlight=False)

    def note(self, text: str) -> None:
        """Say something on the side."""
        click.echo(text, err=True)

    def verdict(self, judged: Judged) -> None:
        """Say what was found about a file."""
        if self._is_json:
            line = json.dumps(judged.as_json(self.words.language), ensure_ascii=False)
            click.echo(line)
            return
        length = _clock(judged.duration) if judged.duration else "-"
        click.echo(f"{judged.file.name}  {length}  {self._verdict(judged.verdict)}")
        for finding in judged.findings:
            click.echo(f"    {sentence(finding, self.words.language)}")

    def outcome(self, outcome: Outcome) -> None:
        """Say what became of a file."""
        if outcome.refusal:
            text = self.words.gettext("{file}: refused by the server. {why}")
            self.note(text.format(file=outcome.file, why=" ".join(outcome.refusal)))
            return
        self.note(f"{outcome.file}: {self._deed(outcome.deed)}")

    @contextmanager
    def sending(self) -> Iterator[Tell]:
        """Show a bar for each file that goes out."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        bars: dict[str, TaskID] = {}
        with Progress(*columns, console=self._console) as progress:

            def tell(file: str, size_bytes: int, sent_bytes: int) -> None:
                if file not in bars:
                    bars[file] = progress.add_task(file, total=size_bytes)
                progress.update(bars[file], completed=sent_bytes)

            yield tell

    def sum_up(self, verdicts: Sequence[Verdict]) -> None:
        """Say how it stands with all of them."""
        good = sum(verdict is not Verdict.REFUSE for verdict in verdicts)
        refused = len(verdicts) - good
        fine = self.words.ngettext("{count} file is fine", "{count} files are fine", good)
        bad = self.words.ngettext("{count} is refused", "{count} are refused", refused)
        self.note(f"{fine.format(count=good)}, {bad.format(count=refused)}.")

    def _verdict(self, verdict: Verdict) -> str:
        return {
            Verdict.ACCEPT: self.words.gettext("fine"),
            Verdict.WARN: self.words.gettext("fine, with a remark"),
            Verdict.REFUSE: self.words.gettext("refused"),
        }[verdict]

    def _deed(self, deed: Deed) -> str:
        return {
            Deed.KEEP: self.words.gettext("the course has it already"),
            Deed.REPLACE: self.words.gettext("sent, as the new recording of its lesson"),
            Deed.ADD: self.words.gettext("sent, as a new lesson in draft"),
        }[deed]


def _clock(length: timedelta) -> str:
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
