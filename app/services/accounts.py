"""Accounts: people with a password who work on courses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db.models import Account
from app.errors import AccountNotFound, EmailTaken
from app.services import limits, outbox, passwords
from app.services.email_addresses import AddressInvalid, parse_address

# Wrong tries that cost nothing; then the wait doubles from a second up to a minute. Never longer:
# who knows the password gets in, and a device that was in before does not wait at all.
FREE_TRIES: Final = 3
LONGEST_WAIT: Final = timedelta(seconds=60)
# After this long without a try, counting starts afresh.
FORGIVEN_AFTER: Final = timedelta(hours=1)
# One reset mail per account in each such window.
RESET_WINDOW: Final = timedelta(minutes=10)

# The number of no account: what is done for it changes nothing, and takes its time.
NOBODY: Final = 0

RESET_TEMPLATE: Final = "password_reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One attempt to sign in, already counted as wrong; `note_right` takes that back.

    `account_id` None: no account may sign in by this address now; check the decoy all the same, so
    that the answer takes as long.
    """

    account_id: int | None
    password_hash: str

    def is_right(self, password: str) -> bool:
        """Check the password; slow on purpose, so call it outside any transaction."""
        return passwords.is_right(self.password_hash, password) and self.account_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What an account is made of. `name` empty: the address stands in."""

    email: str
    password: str
    name: str = ""
    language: str = "nl"


def add(session: Session, new: NewAccount, *, now: datetime) -> Account:
    """Make an account.

    Raises:
        AddressInvalid: no mail could be sent there.
        EmailTaken: there is one with this address.
    """
    address = parse_address(new.email)
    account = Account(
        email=address.email,
        email_key=address.key,
        name=new.name.strip() or address.email,
        password_hash=passwords.hash_password(new.password),
        language=new.language,
        created_at=now,
    )
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError as error:
        raise EmailTaken from error
    return account


def find(session: Session, email: str) -> Account | None:
    """Answer the account of an address; None: there is none, or that is no address."""
    try:
        key = parse_address(email).key
    except AddressInvalid:
        return None
    return session.scalar(select(Account).where(Account.email_key == key))


def get(session: Session, email: str) -> Account:
    """Answer the account of an address.

    Raises:
        AccountNotFound: there is none.
    """
    account = find(session, email)
    if account is None:
        raise AccountNotFound(email)
    return account


def find_signed_in(session: Session, account_id: int, session_epoch: int) -> Account | None:
    """Answer the account of a session; None: disabled since, or its password was changed since."""
    account = session.get(Account, account_id)
    if account is None or account.disabled_at is not None:
        return None
    return account if account.session_epoch == session_epoch else None


def all_accounts(session: Session) -> Sequence[Account]:
    """Answer every account, by address."""
    return session.scalars(select(Account).order_by(Account.email_key, Account.id)).all()


def begin_try(
    session: Session, email: str, *, now: datetime, known_account_id: int | None = None
) -> Try:
    """Count one attempt to sign in before its password is checked: a hundred at once all count.

    The work is the same whether there is such an account, may sign in, must wait, or is not there.
    `known_account_id`: the account that signed in on this device before; it never waits.
    """
    account = find(session, email)
    row = session.scalars(
        select(Account)
        .where(Account.id == (account.id if account else NOBODY))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    decoy = Try(account_id=None, password_hash=passwords.decoy_hash())
    if row is None or not _may_try(row, known_account_id, now):
        _set_tries(session, NOBODY, tries=1, at=now)
        return decoy
    _set_tries(session, row.id, tries=_tries_so_far(row, now) + 1, at=now)
    return Try(account_id=row.id, password_hash=row.password_hash)


def note_right(session: Session, account_id: int, *, password: str) -> Account:
    """Take back what `begin_try` counted; renew a hash that was made with older settings."""
    _set_tries(session, account_id, tries=0, at=None)
    account = session.get_one(Account, account_id, populate_existing=True)
    if passwords.is_outdated(account.password_hash):
        account.password_hash = passwords.hash_password(password)
        session.flush()
    return account


def may_try_at(wrong_tries: int, last_wrong_try_at: datetime | None) -> datetime | None:
    """Answer the instant from which the next try is looked at; None: any time."""
    if last_wrong_try_at is None or wrong_tries < FREE_TRIES:
        return None
    # Sixteen doublings are far beyond the longest wait.
    doublings = min(wrong_tries - FREE_TRIES, 16)
    return last_wrong_try_at + min(timedelta(seconds=2**doublings), LONGEST_WAIT)


def change_password(session: Session, account_id: int, password: str) -> Account:
    """Set a new password; every session of before is over, and wrong tries are forgotten."""
    account = session.get(Account, account_id, with_for_update=True)
    if account is None:
        raise AccountNotFound(account_id)
    account.password_hash = passwords.hash_password(password)
    account.session_epoch += 1
    account.wrong_tries = 0
    account.last_wrong_try_at = None
    session.flush()
    return account


def ask_reset(session: Session, email: str, *, host: str, now: datetime) -> None:
    """Put a mail with a link to set a new password into the outbox.

    For an address without an account a row goes there too, which holds no address and is never
    sent: so neither the page nor the time it takes says who has one. At most one mail per account
    in each ten minutes.
    """
    try:
        address = parse_address(email)
    except AddressInvalid:
        return
    found = session.scalar(select(Account).where(Account.email_key == address.key))
    account = found if found is not None and found.disabled_at is None else None
    who = limits.count_key(session, f"{RESET_TEMPLATE}\0{address.key}", now=now).hex()
    window = int(now.timestamp() // RESET_WINDOW.total_seconds())
    notice = outbox.Notice(
        name=f"{RESET_TEMPLATE}:{who}:{window}",
        template=RESET_TEMPLATE,
        language=account.language if account else "en",
        address=account.email if account else f"nobody@{host}",
        account_id=account.id if account else None,
        # The link is good for this password only: once it is changed, the epoch has moved on.
        ids={"session_epoch": account.session_epoch if account else 0},
    )
    outbox.put(session, notice, host=host, now=now)


def _may_try(account: Account, known_account_id: int | None, now: datetime) -> bool:
    if account.disabled_at is not None:
        return False
    not_before = may_try_at(account.wrong_tries, account.last_wrong_try_at)
    return not_before is None or now >= not_before or account.id == known_account_id


def _tries_so_far(account: Account, now: datetime) -> int:
    last = account.last_wrong_try_at
    return 0 if last is None or now - last >= FORGIVEN_AFTER else account.wrong_tries


def _set_tries(session: Session, account_id: int, *, tries: int, at: datetime | None) -> None:
    # Not through the object: its version counts edits by people.
    session.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(wrong_tries=tries, last_wrong_try_at=at)
        .execution_options(synchronize_session=False)
    )
