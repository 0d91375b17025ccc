"""Feeds and audio: a lean WSGI face of its own in front of the pages.

No session, no cookie, no framework: one prepared query, and an answer that podcast apps understand.
Nothing here writes to a log what stands in an address.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import structlog
from sqlalchemy.exc import DBAPIError

from app.db.asking import StandingReader
from app.db.standing import DatabaseUnreachable
from app.house import House
from app.services.feeds import ServedCourses
from app.web import outages
from app.web.delivery import answers
from app.web.delivery.answered import Answered
from app.web.delivery.audio import AudioDoor
from app.web.delivery.counting import FetchCounter
from app.web.delivery.door import Door, Parts
from app.web.delivery.feed import FeedDoor
from app.web.delivery.memory import StandingMemory
from app.web.delivery.signed import SignedAddresses
from app.web.delivery.store_watch import StoreWatch
from app.web.request_ids import request_id_of
from media.errors import MediaError
from media.keys import ObjectKey
from media.location import FolderLocation

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Delivery"]

log = structlog.get_logger()

_PREFIX_CHARS: Final = len("/f/")


class Delivery:
    """Answers `/f/…` and `/a/…`; everything else is for the application behind it."""

    def __init__(self, app: "WSGIApplication", house: House) -> None:
        self._app = app
        self._reader = StandingReader(house.database.engine)
        self._counter = FetchCounter(house.database)
        parts = Parts(
            house=house,
            reader=self._reader,
            courses=ServedCourses(house.database, house.settings.base_url),
            counter=self._counter,
            memory=StandingMemory(),
            store_watch=StoreWatch(None if _is_local(house) else house.store),
            signed=_signed_by(house),
        )
        self._doors: dict[str, Door] = {"/f/": FeedDoor(parts), "/a/": AudioDoor(parts)}
        # None: nobody may ask how often, so nobody counts.
        self._answered = Answered(house.figures, _answer) if house.figures.is_shared else None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer, or pass on."""
        prefix = environ["PATH_INFO"][:_PREFIX_CHARS]
        door = self._doors.get(prefix)
        if door is None:
            environ[outages.FLAG] = self._reader.is_down()
            return self._app(environ, start_response)
        if self._answered is None:
            status, headers, body = _answer(door, environ)
        else:
            status, headers, body = self._answered.answer(door, prefix, environ)
        start_response(status, headers)
        # A HEAD opens nothing, so there is nothing to close either.
        return () if environ["REQUEST_METHOD"] == "HEAD" else body

    def flush(self) -> None:
        """Write down now what was counted."""
        self._counter.flush()
        if self._answered is not None:
            self._answered.add_up()

    def close(self) -> None:
        """Write down what was counted and close the connections."""
        self._counter.close()
        if self._answered is not None:
            self._answered.close()
        self._reader.close()


def _signed_by(house: House) -> SignedAddresses:
    lifetime = house.settings.presign_seconds
    seconds = int(lifetime.total_seconds())

    def sign(key: ObjectKey, content_type: str) -> str | None:
        return house.store.presign_get(key, seconds=seconds, content_type=content_type)

    return SignedAddresses(sign, lifetime)


def _is_local(house: House) -> bool:
    return isinstance(house.settings.store, FolderLocation)


def _answer(door: Door, environ: "WSGIEnvironment") -> answers.Answer:
    """Let no error out: a podcast app gets a line of text and knows when to come back."""
    try:
        return door.answer(environ)
    except (DatabaseUnreachable, DBAPIError) as error:
        # Not the driver's own words: they may quote what was asked.
        why = type(error).__name__
        log.error("database_unreachable", error=why, request=request_id_of(environ))  # noqa: TRY400
        return answers.unavailable(request_id_of(environ))
    except MediaError as error:
        log.error("store_failed", reason=str(error), request=request_id_of(environ))  # noqa: TRY400 (its message says it all)
        return answers.unavailable(request_id_of(environ))
    except Exception:
        log.exception("delivery_failed", door=type(door).__name__, request=request_id_of(environ))
        return answers.broken(request_id_of(environ))
