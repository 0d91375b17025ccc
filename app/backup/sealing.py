"""The keys of a house in an archive: sealed with a passphrase, or known by fingerprint only.

Who has the feed keys and the tables can make every listener's address, so they never lie in an
archive in the open.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from app.backup.errors import RestoreError
from app.backup.manifest import KeptKeys
from app.settings import Settings

# RFC 7914, 2: these cost about 128 MiB and a good part of a second for each guess.
COST: Final = {"n": 2**17, "r": 8, "p": 1}
MOST_MEMORY_BYTES: Final = 2**30
MOST_PASSES: Final = 4
MIN_PASSPHRASE_CHARS: Final = 12
_ABOUT: Final = b"cadans keys 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys as the settings take them."""

    feed: str
    secret: str


def keys_of(settings: Settings) -> Keys:
    """Answer the keys of a house as its settings would name them."""
    numbered = [
        (number, secret.hex())
        for number, secret in settings.feed_keys.secrets.items()
        if number != settings.feed_keys.current
    ]
    current = settings.feed_keys.current
    # The last one makes new addresses.
    numbered.append((current, settings.feed_keys.secrets[current].hex()))
    return Keys(
        feed=",".join(f"{number}:{secret}" for number, secret in numbered),
        secret=",".join(settings.secret_keys),
    )


def keep(keys: Keys, passphrase: str | None) -> KeptKeys:
    """Answer what an archive says of the keys; without a passphrase it has them not."""
    return KeptKeys(
        feed=fingerprints(keys.feed),
        secret=fingerprints(keys.secret),
        sealed=None if passphrase is None else _seal(keys, passphrase),
    )


def unseal(kept: KeptKeys, passphrase: str) -> Keys:
    """Answer the keys themselves.

    Raises:
        RestoreError: the archive has none, or the passphrase is another one.
    """
    if kept.sealed is None:
        raise RestoreError("this archive holds no keys: it was made without a passphrase")
    sealed: Mapping[str, Any] = kept.sealed
    try:
        key = _stretched(passphrase, base64.b64decode(sealed["salt"]), sealed["cost"])
        plain = AESGCM(key).decrypt(
            base64.b64decode(sealed["nonce"]), base64.b64decode(sealed["sealed"]), _ABOUT
        )
    except InvalidTag:
        raise RestoreError(
            "the passphrase is not the one with which the keys were sealed"
        ) from None
    except (KeyError, ValueError, TypeError) as error:
        raise RestoreError("the keys in this archive are damaged") from error
    found = json.loads(plain)
    return Keys(feed=found["feed"], secret=found["secret"])


def fingerprints(keys: str) -> tuple[str, ...]:
    """Answer by what each key is known without giving it away, in order of their names."""
    return tuple(sorted(_fingerprint(each) for each in keys.split(",")))


def _fingerprint(key: str) -> str:
    number, colon, secret = key.rpartition(":")
    # Of 256 random bits nobody finds the key by its digest.
    return f"{number}{colon}{hashlib.sha256(secret.encode()).hexdigest()[:16]}"


def _seal(keys: Keys, passphrase: str) -> Mapping[str, Any]:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    plain = json.dumps({"feed": keys.feed, "secret": keys.secret}).encode()
    sealed = AESGCM(_stretched(passphrase, salt, COST)).encrypt(nonce, plain, _ABOUT)
    return {
        "cost": COST,
        **{
            name: base64.b64encode(value).decode()
            for name, value in (("salt", salt), ("nonce", nonce), ("sealed", sealed))
        },
    }


def _stretched(passphrase: str, salt: bytes, cost: Mapping[str, int]) -> bytes:
    # What an archive asks for is a stranger's word: 128 n r bytes of memory (RFC 7914, 2).
    is_real = min(cost["n"], cost["r"], cost["p"]) > 0
    if not is_real or 128 * cost["n"] * cost["r"] > MOST_MEMORY_BYTES or cost["p"] > MOST_PASSES:
        raise ValueError(cost)
    return Scrypt(salt=salt, length=32, n=cost["n"], r=cost["r"], p=cost["p"]).derive(
        passphrase.encode()
    )
