"""Where fixtures come from: one module per real part; and which tests begin first."""

import gc
from pathlib import Path
from typing import Final

import pytest
from flask import Flask

from tests.parts import statements
from tests.parts.rules import BuiltWhenAsked
from tests.parts.templates import CompiledOnce

pytest_plugins = [
    "tests.parts.audio_files",
    "tests.parts.browser",
    "tests.parts.clients",
    "tests.parts.dns",
    "tests.parts.forked",
    "tests.parts.house",
    "tests.parts.figures",
    "tests.parts.imap",
    "tests.parts.log",
    "tests.parts.passwords",
    "tests.parts.postgres",
    "tests.parts.receivers",
    "tests.parts.rgw",
    "tests.parts.smtp",
    "tests.parts.sns",
    "tests.parts.strangers",
]

TESTS: Final = Path(__file__).parent
LONG_FIRST: Final = ("e2e", "apps", "upload", "db", "contract", "audio")
"""Folders whose files take long. A file stays in one process: one that began last would keep that
process at work while the others have nothing left to do."""

# Nearly every test has a database of its own, and of a page an application.
statements.share()
Flask.jinja_options = {"bytecode_cache": CompiledOnce()}
Flask.url_rule_class = BuiltWhenAsked


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order of chance within each folder."""
    items.sort(key=lambda item: _turn(item.path))


def pytest_collection_finish() -> None:
    """Let the collector not look again and again through what stays: all tests, and all modules."""
    gc.collect()
    gc.freeze()


def _turn(path: Path) -> int:
    folder = path.relative_to(TESTS).parts[0]
    return LONG_FIRST.index(folder) if folder in LONG_FIRST else len(LONG_FIRST)
