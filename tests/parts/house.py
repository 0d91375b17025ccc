"""A house for one test: real tables, a real folder store, a mailbox on disk, a clock it can set."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.db.session import Database, open_database
from app.house import House
from app.mail.transport import open_transport
from app.settings import Settings
from app.wiring import open_store

# A Monday morning in Amsterdam, well away from any change of clocks.
MONDAY = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)


MakeHouse = Callable[[Settings], House]


class SettableClock:
    """Stands still until a test moves it."""

    def __init__(self, instant: datetime = MONDAY) -> None:
        self.instant = instant

    def __call__(self) -> datetime:
        return self.instant

    def advance(self, by: timedelta) -> None:
        self.instant += by


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def environ(sqlite_url: str, tmp_path: Path) -> dict[str, str]:
    """What `settings` are read from; a test may change it before it asks for them."""
    return {"CADANS_VAR": str(tmp_path / "var"), "CADANS_DATABASE_URL": sqlite_url}


def environ_on(database_url: str, tmp_path: Path) -> dict[str, str]:
    """What `settings` are read from on either database: only beside SQLite are keys made."""
    return {
        "CADANS_VAR": str(tmp_path / "var"),
        "CADANS_DATABASE_URL": database_url,
        "CADANS_FEED_KEYS": "1:" + "ab" * 32,
        "CADANS_SECRET_KEYS": "s" * 64,
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    return Settings.from_env(environ)


@pytest.fixture
def make_house(clock: SettableClock) -> Iterator[Callable[[Settings], House]]:
    houses: list[House] = []

    def make(settings: Settings) -> House:
        database: Database = open_database(settings.database_url)
        house = House(
            settings=settings,
            database=database,
            store=open_store(settings.store),
            clock=clock,
            mail=open_transport(settings.mail),
        )
        houses.append(house)
        return house

    yield make
    for house in houses:
        house.close()


@pytest.fixture
def house(settings: Settings, make_house: Callable[[Settings], House]) -> House:
    return make_house(settings)


@pytest.fixture
def app(house: House) -> Flask:
    """The whole application; forms need no CSRF token here."""
    app = create_app(house.settings, house)
    app.config.update(TESTING=False, WTF_CSRF_ENABLED=False)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
