"""Cadans: self-hosted audio courses and podcasts with a private feed for every listener."""

from flask import Flask

from app.house import House
from app.settings import Settings
from app.version import __version__
from app.web import build_app
from app.wiring import open_house

__all__ = ["__version__", "create_app"]


def create_app(settings: Settings, house: House | None = None) -> Flask:
    """Build the web application over `house`, which is opened from the settings when none is given.

    The delivery face (feeds and audio) stands in front of Flask, inside `app.wsgi_app`.
    """
    return build_app(house or open_house(settings))
