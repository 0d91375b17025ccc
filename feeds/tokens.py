"""Mint, rebuild and check feed tokens: the secret part of a private feed's address.

A token is key number (1 byte), random id (16 bytes) and the first 8 bytes of their HMAC-SHA256, in
lower-case base32. The database keeps the key number and the random id, never the token: a stolen
database shows no address, and a forged address is refused without a query.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType

from feeds.errors import InvalidToken, MissingFeedKey, UnusableFeedKeys
from feeds.limits import (
    MAX_KEY_NUMBER,
    MIN_SECRET_BYTES,
    TOKEN_LENGTH,
    TOKEN_MAC_BYTES,
    TOKEN_RANDOM_BYTES,
)

FeedToken = NewType("FeedToken", str)
"""Forty characters a-z2-7. A secret: never in a log, an error message or a Referer."""

_PURPOSE = b"cadans feed address\0"
"""Keeps these MACs apart from any other use of the same secret."""

_SPELLING = re.compile(rf"[a-z2-7]{{{TOKEN_LENGTH}}}")
_BODY_BYTES = 1 + TOKEN_RANDOM_BYTES
_TOKEN_BYTES = _BODY_BYTES + TOKEN_MAC_BYTES
# Python reads digits of base 32 as 0-9a-v; RFC 4648 section 6 writes them a-z2-7. int() is seven
# times faster than base64.b32decode, and this is the first step of every poll.
_DIGITS = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedKeys:
    """The secrets that make and check tokens; rotation only ever adds one.

    `secrets` maps a key number (0 to 255) to at least 32 bytes; `current` is the number that new
    addresses get.

    Raises:
        UnusableFeedKeys: a number or a secret is out of bounds, or `current` has no secret.
    """

    secrets: Mapping[int, bytes] = field(repr=False)
    current: int

    def __post_init__(self) -> None:
        for number, secret in self.secrets.items():
            if not 0 <= number <= MAX_KEY_NUMBER:
                raise UnusableFeedKeys(f"number {number} is not between 0 and {MAX_KEY_NUMBER}")
            if len(secret) < MIN_SECRET_BYTES:
                raise UnusableFeedKeys(f"secret {number} is shorter than {MIN_SECRET_BYTES} bytes")
        if self.current not in self.secrets:
            raise UnusableFeedKeys(f"the current number {self.current} has no secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    """What a genuine token says: with which key it was made, and which address it is."""

    key_number: int
    random_id: bytes


def mint_random_id() -> bytes:
    """Return 16 new random bytes: the permanent id of one feed address."""
    return secrets.token_bytes(TOKEN_RANDOM_BYTES)


def build_token(keys: FeedKeys, key_number: int, random_id: bytes) -> FeedToken:
    """Return the token of an address; always the same one for the same key and random id.

    Raises:
        MissingFeedKey: no secret has this number.
        ValueError: the random id is not 16 bytes.
    """
    if key_number not in keys.secrets:
        raise MissingFeedKey(key_number)
    if len(random_id) != TOKEN_RANDOM_BYTES:
        raise ValueError("a random id has 16 bytes")
    body = bytes([key_number]) + random_id
    token = base64.b32encode(body + _mac(keys.secrets[key_number], body))
    return FeedToken(token.decode("ascii").lower())


def verify_token(keys: FeedKeys, text: str) -> VerifiedToken:
    """Return what the token says; takes the same time wherever a forgery goes wrong.

    Only one spelling is accepted per token: lower case, no padding, no white space.

    Raises:
        InvalidToken: anything else.
    """
    if not _SPELLING.fullmatch(text):
        raise InvalidToken
    token = int(text.translate(_DIGITS), 32).to_bytes(_TOKEN_BYTES, "big")
    body = token[:_BODY_BYTES]
    secret = keys.secrets.get(body[0])
    if secret is None or not hmac.compare_digest(token[_BODY_BYTES:], _mac(secret, body)):
        raise InvalidToken
    return VerifiedToken(key_number=body[0], random_id=body[1:])


def _mac(secret: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, _PURPOSE + body, "sha256")[:TOKEN_MAC_BYTES]
