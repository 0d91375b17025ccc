"""Put the faces of the house together: pages, the API, and feeds and audio in front of them."""

from pathlib import Path

from flask import Flask

from app.house import House
from app.version import __version__
from app.web import access, babel, errors, floods, outages, proxies, requests, security, watch
from app.web.faces import BLUEPRINTS, put_delivery_in_front

HERE = Path(__file__).parent.parent


def build_app(house: House) -> Flask:
    """Put the pages together over an open house."""
    app = Flask(
        "app",
        template_folder=str(HERE / "templates"),
        static_folder=str(HERE / "static"),
    )
    app.extensions["cadans"] = house
    requests.set_up(app)
    outages.set_up(app)
    security.set_up(app, house.settings)
    floods.set_up(app)
    babel.set_up(app)
    errors.set_up(app)
    app.jinja_env.globals.update(
        source_url=house.settings.source_url, version=__version__, base_url=house.settings.base_url
    )
    watch.set_up(app, house)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    proxies.set_up(app, house.settings.trusted_proxies)
    put_delivery_in_front(app, house)
    return app


def build_watch_app(house: House) -> Flask:
    """Put together only what those ask who watch a house: for a worker, which has no pages."""
    app = Flask("app", static_folder=None)
    app.extensions["cadans"] = house
    requests.set_up(app)
    app.before_request(access.stand_guard)
    watch.set_up(app, house)
    app.register_blueprint(watch.watch)
    return app
