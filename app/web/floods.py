"""How often each kind of caller may change something, counted in the database (`services.limits`).

These are for what no person does: a script gone wild, somebody who tries things out. What hurts
people sooner (mail to strangers, guessed passwords) has a tighter limit where it is done. A test
holds both against every route.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final

from flask import Flask, current_app, request

from app.errors import TooManyRequests
from app.policy import Access
from app.services import limits
from app.services.limits import Limit
from app.web import access
from app.web.admin.face import account
from app.web.api.face import bearer
from app.web.current import house, now
from app.web.links import network
from app.web.my.face import reader

HOUR: Final = timedelta(hours=1)
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

# None: a provider tells us of every mail that came back, thousands after one evening; what it does
# not sign is counted (`hooks.REFUSALS`). Doctor, monitors and demo only read.
OF_KIND: Final[Mapping[Access, Limit | None]] = MappingProxyType(
    {
        # Per network: an office or a class behind one address signs up together.
        Access.ANYONE: Limit(name="forms", times=600, window=HOUR),
        Access.LINK: Limit(name="links", times=600, window=HOUR),
        Access.LISTENER: Limit(name="listener", times=300, window=HOUR),
        # An upload asks twice per part of 8 MiB.
        Access.ACCOUNT: Limit(name="account", times=20_000, window=HOUR),
        Access.COURSE: Limit(name="account", times=20_000, window=HOUR),
        Access.SCRIPT: Limit(name="script", times=50_000, window=HOUR),
        Access.PROVIDER: None,
        Access.DOCTOR: None,
        Access.MONITOR: None,
        Access.DEMO: None,
    }
)
# What needs another number than its kind.
OF_VIEW: Final[Mapping[str, Limit]] = MappingProxyType(
    {
        # One POST of a mail program (RFC 8058): a big provider sends those of all its people.
        "my.unsubscribe": Limit(name="unsubscribe", times=20_000, window=HOUR),
        # A browser says where she is every five seconds, on each device (`positions.MIN_GAP`).
        "my.save_position": Limit(name="position", times=10_000, window=HOUR),
    }
)
# Reading that costs more than a page: everything that is kept of her, made anew.
COSTLY: Final[Mapping[str, Limit]] = MappingProxyType(
    dict.fromkeys(
        ("my.export_page", "my.export_json", "my.export_zip"),
        Limit(name="export", times=60, window=HOUR),
    )
)
_WHO: Final[Mapping[Access, Callable[[], str]]] = MappingProxyType(
    {
        Access.LISTENER: lambda: str(reader().listener.id),
        Access.ACCOUNT: lambda: str(account().id),
        Access.COURSE: lambda: str(account().id),
        Access.SCRIPT: lambda: str(bearer().token_id),
    }
)


def set_up(app: Flask) -> None:
    """Count behind the gates, before the view."""
    app.before_request(_count)


def limit_of(endpoint: str, kind: Access, method: str) -> Limit | None:
    """Answer how often this may be asked; None: as often as anybody likes."""
    if method in READING:
        return COSTLY.get(endpoint)
    return OF_VIEW.get(endpoint) or OF_KIND[kind]


def who(kind: Access) -> str:
    """Answer whose tries are counted together: a person's, a token's, else a network's."""
    return _WHO.get(kind, network)()


def _count() -> None:
    kind = access.access_of(current_app, request.endpoint) if request.endpoint else None
    limit = limit_of(str(request.endpoint), kind, request.method) if kind else None
    if limit is None or kind is None:
        return
    with house().database.writing() as session:
        is_fine = limits.is_within(session, limit, who(kind), now=now())
    if not is_fine:
        raise TooManyRequests(limit.window)
