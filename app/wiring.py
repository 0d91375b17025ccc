"""The one place where settings become parts."""

from app.clock import clock_ahead, system_clock
from app.db.session import open_database
from app.house import House
from app.mail.transport import open_transport
from app.setting_values import StoreLocation
from app.settings import Settings
from media.folder import FolderStore
from media.location import FolderLocation
from media.s3 import S3Store
from media.store import Store


def open_house(settings: Settings) -> House:
    """Open every part that the settings name; nothing connects before it is used."""
    if settings.is_embedded:
        settings.var.mkdir(parents=True, exist_ok=True, mode=0o700)
    offset = settings.demo_clock
    return House(
        settings=settings,
        database=open_database(settings.database_url),
        store=open_store(settings.store),
        clock=clock_ahead(offset) if offset else system_clock,
        mail=open_transport(settings.mail),
    )


def open_store(location: StoreLocation) -> Store:
    """Open the store that the settings name."""
    return FolderStore(location) if isinstance(location, FolderLocation) else S3Store(location)
