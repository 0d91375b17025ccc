"""Which faces the house has: the list of blueprints, and the delivery face in front of them all."""

from flask import Blueprint, Flask

from app.house import House
from app.web.admin import admin, uploading
from app.web.api import api
from app.web.calls import calls
from app.web.delivery import Delivery
from app.web.dev import dev
from app.web.hooks import hooks
from app.web.my import my
from app.web.public import public
from app.web.rights import rights
from app.web.watch import watch

BLUEPRINTS: tuple[Blueprint, ...] = (
    watch,
    public,
    rights,
    my,
    dev,
    api,
    hooks,
    calls,
    admin,
    uploading,
)


def put_delivery_in_front(app: Flask, house: House) -> None:
    """Let feeds and audio be answered before Flask wakes up."""
    app.wsgi_app = Delivery(app.wsgi_app, house)  # type: ignore[method-assign]  # (Flask's documented seam)
