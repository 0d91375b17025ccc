"""What machines that watch the house ask it: does it live, is it ready, how much does it do."""

import hmac
from collections.abc import Mapping, Sequence
from typing import Final, cast

import structlog
from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request
from sqlalchemy.exc import SQLAlchemyError

from app.clock import system_clock
from app.figures import CONTENT_TYPE, Reading
from app.house import House
from app.policy import Access
from app.services import watch as watching
from app.services.readiness import Readiness
from app.version import __version__
from app.web import access
from app.web.current import house

watch = Blueprint("watch", __name__)
log = structlog.get_logger()

UNAUTHORIZED: Final = 401
UNAVAILABLE: Final = 503
RETRY_SECONDS: Final = 10
_READINESS: Final = "cadans_readiness"


def set_up(app: Flask, house: House) -> None:
    """Make what is asked, and stand at the door of what not everybody may ask."""
    app.extensions[_READINESS] = Readiness(house)
    access.add_gate(app, Access.MONITOR, _stand_guard)


@watch.get("/healthz")
@access.for_(Access.ANYONE)
def health() -> Response:
    """Say that this process lives, and whose it is; asks nothing of anybody.

    The version is no secret: every footer links to the source of this very one.
    """
    return jsonify(service="Cadans", version=__version__, status="alive")


@watch.get("/readyz")
@access.for_(Access.ANYONE)
def ready() -> Response:
    """Say whether database and store answer, and which does not."""
    troubles = _readiness().troubles()
    parts = {part: trouble or "answers" for part, trouble in troubles.items()}
    if not any(troubles.values()):
        return jsonify(status="ready", parts=parts)
    response = jsonify(status="not ready", parts=parts)
    response.status_code = UNAVAILABLE
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


@watch.get("/metrics")
@access.for_(Access.MONITOR)
def metrics() -> Response:
    """Tell Prometheus what all processes on this machine counted, and how the house stands."""
    troubles = _readiness().troubles()
    readings = [_ready(troubles), *(() if troubles["database"] else _in_tables())]
    return Response(house().figures.render(readings), content_type=CONTENT_TYPE)


def _ready(troubles: Mapping[str, str | None]) -> Reading:
    return Reading(
        name="ready",
        about="Whether a part that the house leans on answers",
        labels=("part",),
        values={(part,): 0.0 if trouble else 1.0 for part, trouble in troubles.items()},
    )


def _in_tables() -> Sequence[Reading]:
    """Answer what stands in the tables; nothing when the database is lost in the middle of it."""
    here = house()
    try:
        with here.database.reading() as session:
            return list(watching.readings(session, now=here.clock(), true_now=system_clock()))
    except SQLAlchemyError as error:
        log.warning("tables_not_read", error=type(error).__name__)
        return ()


def _readiness() -> Readiness:
    return cast("Readiness", current_app.extensions[_READINESS])


def _stand_guard() -> Response | None:
    """Without a token there is nothing here; with one it must be the right one."""
    token = house().settings.metrics_token
    if token is None:
        abort(404)
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode()):
        return None
    return Response(
        "This is for whoever has the token of CADANS_METRICS_TOKEN.\n",
        UNAUTHORIZED,
        {"WWW-Authenticate": 'Bearer realm="metrics"'},
        content_type="text/plain; charset=utf-8",
    )
