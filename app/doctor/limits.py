"""How much a look may cost the other side and this machine; and what the outside world accepts."""

from datetime import timedelta
from typing import Final

# --- Ours: polite to a small server, and the end of a hostile one ---

MOST_FEED_BYTES: Final = 10_000_000
"""Phones give up far below (MAX_GOOD_FEED_BYTES); more than this is no feed."""

MOST_ASSET_BYTES: Final = 2_000_000
"""Transcripts and chapters are text."""

MOST_TOTAL_BYTES: Final = 60_000_000
"""Of one look altogether, whatever was asked for; a look at all lessons of a long podcast fits."""

MOST_REDIRECTS: Final = 10
"""As many as newsboat follows (newsboat, rss/parser.cpp)."""

REQUEST_SECONDS: Final = 20.0
"""Overcast and others give up on a feed that takes longer; our choice, no source says a number."""

SLOW_SECONDS: Final = 5.0
"""From here on we speak of it."""

NEWEST_ENCLOSURES: Final = 3
"""Looked at beside the first and the last, unless all are asked for."""

PIECE_BYTES: Final = 4096
"""Of a recording, per range that is compared."""

START_BYTES: Final = 65_536
"""Read of a whole recording before the connection is closed."""

SOUND_BYTES: Final = START_BYTES + 8 * PIECE_BYTES
"""What a look at one recording may read altogether."""

# --- The feed document ---

MAX_GOOD_FEED_BYTES: Final = 2_000_000
"""Our own, as in feeds/limits.py: phone apps on slow networks give up there."""

OLD_AFTER: Final = timedelta(days=7)
"""gPodder calls nothing new that is a week older than its newest (gpodder, src/gpodder/model.py,
SECONDS_PER_WEEK)."""

MAX_AUDIO_TEXT_BYTES: Final = 100 * 1024
"""AntennaPod refuses a download of type text/* that is smaller (HttpDownloader.java)."""

DUPLICATE_WITHIN: Final = timedelta(minutes=10)
"""AntennaPod: same title, day and kind, and lengths that differ by less, are one episode
(FeedItemDuplicateGuesser.java)."""

DATE_IS_OLD_AFTER: Final = timedelta(days=3)
"""AntennaPod sends no condition at all when Last-Modified is older (HttpDownloader.java)."""
