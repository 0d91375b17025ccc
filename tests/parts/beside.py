"""The house of a demo, opened beside its running server: what a page would do, without the page."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.house import House
from app.settings import Settings
from app.wiring import open_house
from tests.parts.server import Installation


@contextmanager
def open_beside(here: Installation, day: int = 0) -> Iterator[House]:
    """The same tables, store, keys and clock; `day`: how far ahead the server runs."""
    environ = {
        "CADANS_VAR": str(here.folder / "var"),
        "CADANS_BIND": f"127.0.0.1:{here.port}",
        "CADANS_DEMO": "1",
        "CADANS_DEMO_CLOCK": f"+{day}d",
    }
    house = open_house(Settings.from_env(environ))
    try:
        yield house
    finally:
        house.close()
