"""Cadans: self-hosted audio courses and podcasts with a private feed for every listener."""

import gc
from typing import TYPE_CHECKING

from app.version import __version__

if TYPE_CHECKING:
    from flask import Flask

    from app.house import House
    from app.settings import Settings

# What a request makes goes by itself when it is answered; the collector is there for cycles. At its
# usual 700 it looks ten times a second through all that waits to be counted, 4 % of a poll, and
# while the program is loaded through all that is there for good, a fifth of a start (measured).
gc.set_threshold(20_000, 20, 20)

__all__ = ["__version__", "create_app"]


def create_app(settings: "Settings", house: "House | None" = None) -> "Flask":
    """Build the web application over `house`, which is opened from the settings when none is given.

    The delivery face (feeds and audio) stands in front of Flask, inside `app.wsgi_app`.
    """
    # Every command imports this package; few of them show pages.
    from app.web.building import build_app  # noqa: PLC0415
    from app.wiring import open_house  # noqa: PLC0415

    return build_app(house or open_house(settings))
