"""The one place where settings become parts."""

from dataclasses import replace

from app.clock import clock_ahead, system_clock
from app.db.session import open_database
from app.db.timing import time_statements
from app.figures import open_figures
from app.house import House
from app.mail.transport import open_transport
from app.setting_values import StoreLocation
from app.settings import Settings
from app.timed_store import time_store
from media.folder import FolderStore
from media.location import FolderLocation
from media.s3 import S3Store
from media.store import Store


def open_house(settings: Settings, *, is_counting: bool = False) -> House:
    """Open every part that the settings name; nothing connects before it is used.

    `is_counting`: what it does is counted where `/metrics` finds it, if the settings open that.

    Raises:
        FiguresFolderUnusable: where that lies cannot be written.
    """
    if settings.database_url.startswith("sqlite"):
        # what lies there by default
        settings.var.mkdir(parents=True, exist_ok=True, mode=0o700)
    offset = settings.demo_clock
    house = House(
        settings=settings,
        database=open_database(settings.database_url),
        store=open_store(settings.store),
        clock=clock_ahead(offset) if offset else system_clock,
        mail=open_transport(settings.mail),
    )
    return count_in(house) if is_counting and settings.metrics_token else house


def count_in(house: House) -> House:
    """Answer the house with everything it asks of its parts counted, for all processes to see."""
    figures = open_figures(house.settings.var / "figures")
    time_statements(
        house.database.engine, took=figures.statement_took, failed=figures.statement_failed
    )
    return replace(house, figures=figures, store=time_store(house.store, figures))


def open_store(location: StoreLocation) -> Store:
    """Open the store that the settings name."""
    return FolderStore(location) if isinstance(location, FolderLocation) else S3Store(location)
