"""Devices on which somebody signed in before: they do not wait because a stranger guesses.

After the device cookies of OWASP ("Slow Down Online Guessing Attacks with Device Cookies").
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from flask import Response, request
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy.orm import Session

from app.services import limits
from app.web.current import house, now

LIFETIME: Final = timedelta(days=365)
# So often a known device may be wrong before it waits like any other.
TRIES: Final = limits.Limit(name="device", times=10, window=timedelta(hours=1))


def known_account_id(session: Session) -> int | None:
    """Answer who signed in on this device before; None: nobody, or it was wrong too often."""
    try:
        account_id, name = _serializer().loads(request.cookies.get(_cookie(), ""))
    except (BadData, ValueError, TypeError):
        return None
    return int(account_id) if limits.is_within(session, TRIES, str(name), now=now()) else None


def remember(response: Response, account_id: int) -> None:
    """Let this device be known from now on."""
    response.set_cookie(
        _cookie(),
        str(_serializer().dumps([account_id, secrets.token_hex(8)])),
        max_age=LIFETIME,
        httponly=True,
        samesite="Strict",
        secure=house().settings.is_secure,
    )


def _cookie() -> str:
    return "__Host-cadans-device" if house().settings.is_secure else "cadans-device"


def _serializer() -> URLSafeSerializer:
    # itsdangerous signs with the last key of a list.
    return URLSafeSerializer(
        list(reversed(house().settings.secret_keys)),
        salt="cadans device",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )
