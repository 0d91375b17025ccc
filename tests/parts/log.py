"""What the house writes into its log, read back as a collector of logs would."""

import io
import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog

from app.faults import Report
from app.log import set_up_logging


@dataclass(frozen=True)
class Log:
    """Everything that was written."""

    stream: io.StringIO

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.events if each["event"] == event]


@pytest.fixture
def open_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Log]]:
    """Set the log up as a start does; afterwards it is as it was before."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level

    def set_up(is_json: bool, report: Report | None = None) -> Log:  # noqa: FBT001 (the question)
        log = Log(io.StringIO())
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", log.stream)
            set_up_logging(is_json=is_json, report=report)
        return log

    yield set_up
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    threading.excepthook = hook


@pytest.fixture
def json_log(open_log: Callable[..., Log]) -> Log:
    """The log as `CADANS_LOG=json` has it."""
    return open_log(True)


@pytest.fixture
def people_log(open_log: Callable[..., Log]) -> Log:
    """The log as it is without that setting."""
    return open_log(False)
