"""Whether the keys of feed addresses are still those that the addresses were made with.

A key that is gone, or another one under its number, shuts every address that hangs on it, and
nobody hears of it: to a listener's app it looks like an address that never was.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db.models import FeedAddress, Mark
from app.errors import CadansError
from feeds.tokens import FeedKeys

# So that the mark of a key is no other digest of it.
_PURPOSE: Final = b"cadans mark of a feed key\0"


class FeedKeyChanged(CadansError):
    """Under the number of a key on which addresses hang stands another key than made them."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.numbers = tuple(numbers)
        named = ", ".join(map(str, self.numbers))
        super().__init__(
            f"feed key {named} is not the one that addresses were made with: put that one back in"
            " CADANS_FEED_KEYS (a backup holds it), and give the new one a number of its own"
        )


def addresses_by_key(session: Session) -> Mapping[int, int]:
    """Answer how many feed addresses hang on each key, by its number."""
    rows = session.execute(
        select(FeedAddress.key_number, func.count())
        .group_by(FeedAddress.key_number)
        .order_by(FeedAddress.key_number)
    )
    return dict(rows.all())


def changed_keys(session: Session, keys: FeedKeys) -> list[int]:
    """Answer the numbers under which another key stood before, if addresses hang on them."""
    known = _marks(session)
    other = [
        number
        for number, secret in keys.secrets.items()
        if known.get(_name(number), _mark(secret)) != _mark(secret)
    ]
    used = addresses_by_key(session) if other else {}
    return sorted(number for number in other if number in used)


def remember(session: Session, keys: FeedKeys) -> None:
    """Write down what each key is known by; those that are known already cost nothing."""
    known = _marks(session)
    for number, secret in keys.secrets.items():
        if known.get(_name(number)) != _mark(secret):
            session.merge(Mark(name=_name(number), value=_mark(secret)))


def _marks(session: Session) -> Mapping[str, str]:
    named = Mark.name.startswith(_name(""), autoescape=True)
    rows = session.execute(select(Mark.name, Mark.value).where(named))
    return dict(rows.all())


def _name(number: int | str) -> str:
    return f"feed key {number}"


def _mark(secret: bytes) -> str:
    return sha256(_PURPOSE + secret).hexdigest()
