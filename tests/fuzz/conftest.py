"""The house of tests/web, besieged."""

from tests.web.conftest import make_visit, visit

__all__ = ["make_visit", "visit"]
