"""Looks at what was just fetched for signs that an address leaked, and writes those down by day.

Where somebody is stands nowhere: a network becomes a hash of this day and this subscription, and is
thrown away with the day.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, case, delete, func, select
from sqlalchemy.orm import Session

from app.db.inserts import insert_into
from app.db.models import Fetches, FetchNetwork, LeakSignal
from app.kinds import SignalKind
from app.services import limits
from app.services.apps import DIRECTORIES, OTHER
from app.services.fetches import CLOSED, FetchKey, Tally
from app.services.leak_rules import Sign, is_sign

HASH_BYTES: Final = 8

Fetched = Sequence[tuple[FetchKey, Tally]]


def look(session: Session, written: Fetched) -> None:
    """Write down the signs in a batch of fetches that is in the tables already."""
    hers = [(key, tally) for key, tally in written if tally.client_addresses]
    if not hers:
        return
    _note_networks(session, hers)
    found = [*_reported(hers), *_directories(hers), *_counted(session, hers)]
    _write(session, [each for each in found if is_sign(each[1].kind, each[1].amount)])


def forget_networks(session: Session, *, now: datetime) -> int:
    """Throw away the networks of days that are over (UTC); answer how many rows went."""
    today = now.astimezone(UTC).date()
    gone: Any = session.execute(delete(FetchNetwork).where(FetchNetwork.seen_on < today))
    return int(gone.rowcount)


def _note_networks(session: Session, hers: Fetched) -> None:
    keys = limits.DayKeys(session)
    rows = {
        (key.subscription_id, key.fetched_on, _hash(keys, key, address, tally.last_at))
        for key, tally in hers
        for address in tally.client_addresses
    }
    # In one order everywhere: two processes never wait for each other.
    values = [
        {"subscription_id": number, "seen_on": day, "sha256": digest}
        for number, day, digest in sorted(rows)
    ]
    session.execute(insert_into(session, FetchNetwork).on_conflict_do_nothing(), values)


def _hash(keys: limits.DayKeys, key: FetchKey, address: str, at: datetime) -> bytes:
    text = f"fetch network\0{key.subscription_id}\0{limits.network_of(address)}"
    return keys.of(text, at=at)[:HASH_BYTES]


def _reported(hers: Fetched) -> Iterable[tuple[int, Sign]]:
    for key, tally in hers:
        yield (
            key.subscription_id,
            Sign(
                kind=SignalKind.SUBSCRIBERS,
                seen_on=key.fetched_on,
                amount=tally.subscribers,
                names=key.app,
            ),
        )


def _directories(hers: Fetched) -> Iterable[tuple[int, Sign]]:
    for key, _ in hers:
        if key.app in DIRECTORIES:
            yield (
                key.subscription_id,
                Sign(kind=SignalKind.DIRECTORY, seen_on=key.fetched_on, amount=1, names=key.app),
            )


def _counted(session: Session, hers: Fetched) -> Iterable[tuple[int, Sign]]:
    """Count the apps and networks of the days in the batch; found by index, a subscription each."""
    ids = {key.subscription_id for key, _ in hers}
    days = {key.fetched_on for key, _ in hers}
    apps = (
        select(Fetches.subscription_id, Fetches.fetched_on, func.count(Fetches.app.distinct()))
        .where(
            Fetches.subscription_id.in_(ids),
            Fetches.fetched_on.in_(days),
            Fetches.resource != CLOSED,
            Fetches.app != OTHER,
        )
        .group_by(Fetches.subscription_id, Fetches.fetched_on)
    )
    networks = (
        select(FetchNetwork.subscription_id, FetchNetwork.seen_on, func.count())
        .where(FetchNetwork.subscription_id.in_(ids), FetchNetwork.seen_on.in_(days))
        .group_by(FetchNetwork.subscription_id, FetchNetwork.seen_on)
    )
    for kind, query in ((SignalKind.APPS, apps), (SignalKind.NETWORKS, networks)):
        for number, day, amount in session.execute(query):
            yield number, Sign(kind=kind, seen_on=day, amount=amount)


def _write(session: Session, found: Sequence[tuple[int, Sign]]) -> None:
    worst: dict[tuple[int, SignalKind, date], Sign] = {}
    for number, sign in found:
        place = (number, sign.kind, sign.seen_on)
        if place not in worst or worst[place].amount < sign.amount:
            worst[place] = sign
    if not worst:
        return
    rows = [
        {
            "subscription_id": number,
            "kind": kind,
            "seen_on": day,
            "amount": sign.amount,
            "names": sign.names,
        }
        for (number, kind, day), sign in sorted(worst.items(), key=lambda pair: pair[0])
    ]
    statement = insert_into(session, LeakSignal)
    more: ColumnElement[bool] = statement.excluded.amount > LeakSignal.amount
    statement = statement.on_conflict_do_update(
        index_elements=["subscription_id", "kind", "seen_on"],
        set_={
            "amount": case((more, statement.excluded.amount), else_=LeakSignal.amount),
            "names": case((more, statement.excluded.names), else_=LeakSignal.names),
        },
    )
    session.execute(statement, rows)
