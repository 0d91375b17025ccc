"""What happens when a part is not on this machine."""

import os
from typing import NoReturn

import pytest


def is_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing(part: str, packages: str) -> NoReturn:
    """Skip, and say how to get the part; where everything must run, fail instead."""
    words = f"{part} is not on this machine: apt-get install -y --no-install-recommends {packages}"
    if is_ci():
        pytest.fail(words)
    pytest.skip(words)
