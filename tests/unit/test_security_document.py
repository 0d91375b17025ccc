"""The threat model in SECURITY.md: each threat names tests, and each of those is there."""

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)`::(test_\w+)")


def rows() -> list[list[str]]:
    """The cells of each row of the table."""
    lines = [line for line in (HERE / "SECURITY.md").read_text().splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_threat_says_who_what_how_and_which_tests() -> None:
    assert len(rows()) > 25
    for row in rows():
        assert len(row) == 4, row
        assert NAMED.findall(row[3]), f"no test is named for: {row[1]}"


@pytest.mark.parametrize(
    ("file", "name"), sorted({named for row in rows() for named in NAMED.findall(row[3])})
)
def test_every_test_that_the_threat_model_names_is_there(file: str, name: str) -> None:
    assert name in names_in(HERE / file)
