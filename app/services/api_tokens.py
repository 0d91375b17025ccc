"""API tokens: keys for scripts, shown once, of which only the SHA-256 is kept."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final, NewType

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.db.models import Account, ApiToken
from app.errors import NotFound, TokenInvalid
from app.policy import Worker
from app.services import memberships

ApiTokenText = NewType("ApiTokenText", str)

# Programs that look for leaked keys know it by this.
PREFIX: Final = "cadans_"
RANDOM_BYTES: Final = 32
TOKEN: Final = re.compile(rf"{PREFIX}[0-9a-f]{{{RANDOM_BYTES * 2}}}")
MAX_LABEL_CHARS: Final = 255
# How exact "last used" is: a script's thousand calls are not a thousand writes.
USE_IS_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who asks: the token's account, with its roles in those courses that the token opens.

    `course_id`: the one course that the token opens; None: all of the account's, and new ones.
    """

    token_id: int
    worker: Worker
    course_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A new token. `text` stands nowhere else: show it once."""

    token: ApiToken
    text: ApiTokenText


class ApiTokenNotFound(NotFound):
    """No API token by that id."""

    what = "API token"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFields:
    """What is asked of a new token. `expires_at` None: never; `course_id` None: all courses."""

    account_id: int
    label: str
    course_id: int | None = None
    expires_at: datetime | None = None


def create(session: Session, fields: TokenFields, *, now: datetime) -> Made:
    """Make a token."""
    text = ApiTokenText(PREFIX + secrets.token_hex(RANDOM_BYTES))
    token = ApiToken(
        account_id=fields.account_id,
        course_id=fields.course_id,
        label=fields.label[:MAX_LABEL_CHARS],
        sha256=_digest(text),
        created_at=now,
        expires_at=fields.expires_at,
    )
    session.add(token)
    session.flush()
    return Made(token=token, text=text)


def check(session: Session, text: str, *, now: datetime) -> Bearer:
    """Answer who holds this token.

    Raises:
        TokenInvalid: nobody, or nobody any more; which of them it was is not said.
    """
    if not TOKEN.fullmatch(text):
        raise TokenInvalid
    row = session.execute(
        select(ApiToken.id, ApiToken.account_id, ApiToken.course_id)
        .join(Account, Account.id == ApiToken.account_id)
        .where(
            ApiToken.sha256 == _digest(text),
            ApiToken.revoked_at.is_(None),
            or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > now),
            Account.disabled_at.is_(None),
        )
    ).first()
    if row is None:
        raise TokenInvalid
    worker = memberships.worker_of(session, row.account_id)
    if row.course_id is not None:
        roles = {key: role for key, role in worker.roles.items() if key == row.course_id}
        worker = Worker(account_id=row.account_id, roles=MappingProxyType(roles))
    return Bearer(token_id=row.id, worker=worker, course_id=row.course_id)


def is_use_to_note(session: Session, token_id: int, *, now: datetime) -> bool:
    """Tell whether the last noted use is long enough ago to note this one."""
    used_at = session.scalar(select(ApiToken.last_used_at).where(ApiToken.id == token_id))
    return used_at is None or now - used_at >= USE_IS_NOTED_EVERY


def note_use(session: Session, token_id: int, *, now: datetime) -> None:
    """Write down when a token was used."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now))


def of_account(session: Session, account_id: int | None = None) -> Sequence[ApiToken]:
    """Answer the tokens of an account, or of all, newest first; revoked and expired ones too."""
    statement = select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.id.desc())
    if account_id is not None:
        statement = statement.where(ApiToken.account_id == account_id)
    return session.scalars(statement).all()


def revoke(session: Session, token_id: int, *, now: datetime) -> ApiToken:
    """Let a token open nothing from now on; a second call changes nothing.

    Raises:
        ApiTokenNotFound: there is none by that id.
    """
    token = session.get(ApiToken, token_id, with_for_update=True)
    if token is None:
        raise ApiTokenNotFound(token_id)
    token.revoked_at = token.revoked_at or now
    session.flush()
    return token


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
