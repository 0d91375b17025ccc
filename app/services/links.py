"""Links in mails: signed for one purpose and one row, and none opens with another's link.

A link carries an id and the instant it was made, never an address or a name. Whoever holds the
mailbox holds the link; that is all the password a listener has.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from itsdangerous import BadData, URLSafeSerializer

from app.errors import LinkExpired, LinkInvalid, LinkOrphaned


class Purpose(StrEnum):
    """What a link may do, and nothing else."""

    # Confirm one sign-up; the row is a confirmation.
    CONFIRM = "confirm"
    # Forget one sign-up that was not confirmed; the row is a confirmation.
    FORGET = "forget"
    # Open my courses, just asked for; the row is a subscription.
    SIGN_IN = "sign-in"
    # Open one course, out of a mail that told some news; the row is a subscription.
    MANAGE = "manage"
    # Stop the mails of one course; the row is a subscription.
    UNSUBSCRIBE = "unsubscribe"
    # Undo a wish to be erased; the row is a listener.
    KEEP = "keep"
    # Say yes to another e-mail address, in the mailbox of before; the row is that wish.
    OLD_EMAIL = "old-email"
    # The same in the new mailbox.
    NEW_EMAIL = "new-email"
    # Read when lessons come, in a calendar; the row is a subscription, the epoch its calendar's.
    CALENDAR = "calendar"
    # Set a new password; the row is an account.
    PASSWORD_RESET = "new-password"  # noqa: S105 (a purpose, not a password)


# None: as long as its row is there (RFC 8058 wants unsubscribing to work whenever it is tried).
LIFETIMES: Final[dict[Purpose, timedelta | None]] = {
    Purpose.CONFIRM: timedelta(days=7),
    Purpose.FORGET: None,
    Purpose.SIGN_IN: timedelta(minutes=30),
    Purpose.MANAGE: timedelta(days=30),
    Purpose.UNSUBSCRIBE: None,
    # Longer than the day she has: a mail may come late, and is told so.
    Purpose.KEEP: timedelta(days=30),
    Purpose.OLD_EMAIL: timedelta(days=7),
    Purpose.NEW_EMAIL: timedelta(days=7),
    # Until she takes it back.
    Purpose.CALENDAR: None,
    Purpose.PASSWORD_RESET: timedelta(minutes=30),
}
# A longer text is none of ours; nothing is computed over it.
MAX_CHARS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLink:
    """What a genuine link says: for which row it was signed, and when.

    `epoch` is there for accounts and calendars: links end when the password changes, or when she
    takes her calendar's address back.
    """

    row_id: int
    made_at: datetime
    epoch: int = 0

    def check_made_after(self, row_made_at: datetime) -> None:
        """Refuse a link that is older than the row it names.

        It was for another one, which is gone: SQLite gives the last row's number again.

        Raises:
            LinkOrphaned: what it was for is gone.
        """
        if self.made_at < row_made_at.replace(microsecond=0):
            raise LinkOrphaned(self.row_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Signs and opens links with the house's secret keys: the first signs, all verify."""

    keys: tuple[str, ...]

    def sign(self, purpose: Purpose, row_id: int, *, now: datetime, epoch: int = 0) -> str:
        """Answer the token of a new link."""
        return str(self._serializer(purpose).dumps([row_id, int(now.timestamp()), epoch]))

    def open(self, purpose: Purpose, token: str, *, now: datetime) -> OpenedLink:
        """Answer what the link says.

        Raises:
            LinkInvalid: not signed by us, or for another purpose.
            LinkExpired: it was ours, but is too old.
        """
        if len(token) > MAX_CHARS:
            raise LinkInvalid
        try:
            row_id, made_at, epoch = self._serializer(purpose).loads(token)
        except (BadData, ValueError, TypeError) as error:
            raise LinkInvalid from error
        opened = OpenedLink(
            row_id=row_id, made_at=datetime.fromtimestamp(made_at, UTC), epoch=epoch
        )
        lifetime = LIFETIMES[purpose]
        if lifetime is not None and now >= opened.made_at + lifetime:
            raise LinkExpired(opened.row_id)
        return opened

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer:
        # itsdangerous signs with the last key of a list.
        return URLSafeSerializer(
            list(reversed(self.keys)),
            salt=f"cadans mail link {purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
