"""What podcast clients accept, and what we chose for ourselves; each number with its source."""

from datetime import timedelta
from typing import Final

# --- Feed tokens: our own choice; the path of an address must fit anything that stores it ---

MAX_KEY_NUMBER: Final = 255
"""The key number is one byte of the token."""

MIN_SECRET_BYTES: Final = 32
"""As long as the digest of HMAC-SHA256: RFC 2104 section 3 discourages anything shorter."""

TOKEN_RANDOM_BYTES: Final = 16
"""128 bits: cannot be guessed, however many addresses exist."""

TOKEN_MAC_BYTES: Final = 8
"""64 bits: a forger needs about 2**63 requests for one database query, and gains only that."""

TOKEN_LENGTH: Final = 40
"""(1 + 16 + 8) bytes * 8 / 5 bits per base32 digit; no padding is needed (RFC 4648 section 6)."""

# --- The feed document ---

MAX_VALUE_CHARACTERS: Final = 255
"""Apple, "A Podcaster's Guide to RSS" (help.apple.com/itc/podcasts_connect, read 2026-11): no value
over 255 characters unless its tag says otherwise."""

MAX_DESCRIPTION_BYTES: Final = 4000
"""The same guide, for description of channel and item: 4,000 bytes. PSP-1 repeats it."""

MAX_CONTENT_BYTES: Final = 100_000
"""Our own: content:encoded has no limit anywhere, but fifty lessons must stay below the 2 MB at
which phone apps on slow networks give up. Twenty pages of text fit."""

MAX_PODCAST_TEXT_CHARACTERS: Final = 128
"""Podcasting 2.0 (github.com/Podcastindex-org/podcast-namespace, read 2026-11): the text of
podcast:funding, podcast:person, podcast:updateFrequency and the name of podcast:season."""

# --- Rhythm: our own choices ---

FIRST_CHOSEN_MOMENT_AFTER: Final = timedelta(days=4)
"""With a chosen weekday and hour, lesson 2 comes at least this long after lesson 1."""

MAX_EVERY_DAYS: Final = 365
"""The slowest rhythm: a lesson a year."""

PUB_DATE_STEP: Final = timedelta(minutes=1)
"""Between lessons that unlock together: apps sort by date, and some show minutes only."""

PUB_DATE_SMALL_STEP: Final = timedelta(seconds=1)
"""RFC 2822 dates have whole seconds; the smallest step that still sorts."""

WELCOME_BEFORE: Final = PUB_DATE_STEP
"""A welcome is dated this long before lesson 1, so that lesson 1 is the newest item of a new feed:
that is the one which apps offer first."""

# --- Documents in caches ---

RENDERER_VERSION: Final = 2
"""Part of every ETag: raise it when the same feed is written in other bytes."""
