"""Installations that several journeys share: each group of tests runs in one process."""

from collections.abc import Iterator

import pytest

from tests.parts.server import Installation, demo


@pytest.fixture(scope="session")
def demo_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The demo course as `scripts/run` serves it; nobody moves its clock."""
    with demo(tmp_path_factory.mktemp("demo")) as here:
        yield here
