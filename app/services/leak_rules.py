"""What says that a private address is in other hands, and how much each sign weighs. Pure.

Nobody is watched: a sign is something that an app says of itself, or a count of one day. The
weights are such that a household (phone, watch, car, computer, on the networks of a day out) stays
far below `SUSPICIOUS`, and that one sign which hardly has another reading is enough.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from app.kinds import SignalKind

# From here on the owner is told, and the house may act.
SUSPICIOUS: Final = 60
MOST: Final = 100
# "2 subscribers", says a reader of itself: two people read the same address there.
REPORTED_WEIGHT: Final = 60
# Directories publish what they read, so one that knows the address is the worst sign.
DIRECTORY_WEIGHT: Final = 80
# Phone, watch, car, computer, a browser and a speaker are six; who tries them all out once, too.
USUAL_APPS: Final = 6
APP_WEIGHT: Final = 10
# Home, work and a train ride: mobile networks hand out a new block every few cells.
USUAL_NETWORKS: Final = 16
NETWORK_WEIGHT: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One sign on one day (UTC). `amount` counts what `kind` is about; `names` says who told."""

    kind: SignalKind
    seen_on: date
    amount: int
    names: str = ""


def is_sign(kind: SignalKind, amount: int) -> bool:
    """Tell whether so much of a kind weighs anything at all."""
    return weight_of(kind, amount) > 0


def weight_of(kind: SignalKind, amount: int) -> int:
    """Answer how much a sign weighs, 0 to `MOST`."""
    if kind is SignalKind.SUBSCRIBERS:
        return REPORTED_WEIGHT if amount > 1 else 0
    if kind is SignalKind.DIRECTORY:
        return DIRECTORY_WEIGHT if amount else 0
    usual, each = {
        SignalKind.APPS: (USUAL_APPS, APP_WEIGHT),
        SignalKind.NETWORKS: (USUAL_NETWORKS, NETWORK_WEIGHT),
    }[kind]
    return max(0, min(MOST, (amount - usual) * each))


def score(signs: Iterable[Sign]) -> int:
    """Answer how sure it is that an address leaked, 0 to `MOST`: the worst sign of each kind."""
    worst: dict[SignalKind, int] = {}
    for sign in signs:
        worst[sign.kind] = max(worst.get(sign.kind, 0), weight_of(sign.kind, sign.amount))
    return min(MOST, sum(worst.values()))
