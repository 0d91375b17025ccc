"""What a view reaches for: the open house of the application that answers."""

from datetime import datetime
from typing import cast

from flask import current_app, g

from app.house import House


def house() -> House:
    """Answer the house behind this request."""
    return cast("House", current_app.extensions["cadans"])


def now() -> datetime:
    """Answer the instant of this request: the same one however often it is asked."""
    if "now" not in g:
        g.now = house().clock()
    return cast("datetime", g.now)
