"""Passwords: how they are kept and checked. The only module that knows argon2."""

import secrets
import threading
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP ASVS 5.0, 6.2.1 (read November 2026): at least 8 characters, 15 strongly recommended;
# 6.2.9: at least 64 must be allowed. We stand between for the least.
MIN_CHARS: Final = 12
MAX_CHARS: Final = 256
GENERATED_BYTES: Final = 15

# Memory, passes and lanes are the library's: RFC 9106 section 4, second recommended option.
_HASHER: Final = PasswordHasher()
# Each takes 64 MiB while it runs: of many at once in a process so many run, the others wait.
AT_ONCE: Final = 2
_TURNS: Final = threading.BoundedSemaphore(AT_ONCE)


def hash_password(password: str) -> str:
    """Make what is kept of a password."""
    with _TURNS:
        return _HASHER.hash(_plain(password))


def is_right(password_hash: str, password: str) -> bool:
    """Tell whether this is the password that the hash was made of."""
    if len(password) > MAX_CHARS:
        password = ""
    try:
        with _TURNS:
            return _HASHER.verify(password_hash, _plain(password))
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """Tell whether a hash was made with weaker settings than ours of today."""
    return _HASHER.check_needs_rehash(password_hash)


def new_password() -> str:
    """Make a password that nobody guesses, to be printed once."""
    return secrets.token_urlsafe(GENERATED_BYTES)


def decoy_hash() -> str:
    """Answer the hash of a password that nobody has: checking it takes as long as a real one."""
    if not _DECOY:
        _DECOY.append(hash_password(new_password()))
    return _DECOY[0]


# Made at the first need, not at import: it costs what a check costs.
_DECOY: Final[list[str]] = []


def _plain(password: str) -> str:
    # Another keyboard may send another form of the same letters (NIST SP 800-63B-4, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
