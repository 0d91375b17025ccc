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
from app.traces import open_traces
from media.folder import FolderStore
from media.location import FolderLocation
from media.store import Store


def open_house(settings: Settings, *, is_counting: bool = False) -> House:
    """Open every part that the settings name; nothing connects before it is used.

    `is_counting`: what it does is counted where `/metrics` finds it, and told to collectors, if the
    settings name them.

    Raises:
        FiguresFolderUnusable: where figures lie cannot be written.
        ExtraMissing: a setting asks for what is not installed.
    """
    offset = settings.demo_clock
    house = House(
        settings=settings,
        database=open_database(settings.database_url),
        store=open_store(settings.store),
        clock=clock_ahead(offset) if offset else system_clock,
        mail=open_transport(settings.mail),
    )
    return count_in(house) if is_counting else house


def count_in(house: House) -> House:
    """Answer the house with what it asks of its parts counted and timed, if its settings say so.

    Figures are those of all processes together, in VAR.
    """
    settings = house.settings
    traces = open_traces(settings.otlp_endpoint)
    figures = open_figures(settings.var / "figures") if settings.metrics_token else house.figures
    if not settings.metrics_token and not settings.otlp_endpoint:
        return house

    def took(seconds: float) -> None:
        figures.statement_took(seconds)
        traces.note_part("database", seconds)

    time_statements(house.database.engine, took=took, failed=figures.statement_failed)
    store = time_store(house.store, figures, traces)
    return replace(house, figures=figures, traces=traces, store=store)


def open_store(location: StoreLocation) -> Store:
    """Open the store that the settings name."""
    if isinstance(location, FolderLocation):
        return FolderStore(location)
    # A sixth of all that is loaded, which a house with a folder never needs.
    from media.s3 import S3Store  # noqa: PLC0415

    return S3Store(location)
