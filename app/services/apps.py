"""Which app asked, by the User-Agent that it sends. Our own short list of the apps we speak of."""

import re
from functools import lru_cache
from typing import Final

OTHER: Final = "other"
# A header is a stranger's text: what matters stands in front.
_READ_CHARS: Final = 300

# The first match counts, so robots come before apps, apps before libraries, libraries before
# browsers: apps name the libraries they are made with, and everybody claims to be Mozilla.
_SIGNS: Final = (
    ("googlebot", "Google"),
    ("bingbot", "Bing"),
    ("podcastindex", "Podcast Index"),
    ("podchaser", "Podchaser"),
    ("listennotes", "Listen Notes"),
    ("cadans-doctor", "Cadans"),
    ("crawler", "robot"),
    ("spider", "robot"),
    ("bot/", "robot"),
    ("overcast", "Overcast"),
    ("pocketcasts", "Pocket Casts"),
    ("pocket casts", "Pocket Casts"),
    ("shiftyjelly", "Pocket Casts"),
    ("antennapod", "AntennaPod"),
    ("podcastaddict", "Podcast Addict"),
    ("castro", "Castro"),
    ("castbox", "Castbox"),
    ("podcastrepublic", "Podcast Republic"),
    ("podcast republic", "Podcast Republic"),
    ("podcastguru", "Podcast Guru"),
    ("podverse", "Podverse"),
    ("podbean", "Podbean"),
    ("player fm", "Player FM"),
    ("playerfm", "Player FM"),
    ("downcast", "Downcast"),
    ("icatcher", "iCatcher"),
    ("fountain", "Fountain"),
    ("truefans", "TrueFans"),
    ("gpodder", "gPodder"),
    ("kasts", "Kasts"),
    ("podboat", "newsboat"),
    ("newsboat", "newsboat"),
    ("castget", "castget"),
    ("podget", "podget"),
    ("audiobookshelf", "Audiobookshelf"),
    ("itunes/", "iTunes"),
    ("podcasts/", "Apple Podcasts"),
    ("applecoremedia", "Apple Podcasts"),
    ("thunderbird", "Thunderbird"),
    ("feedly", "Feedly"),
    ("inoreader", "Inoreader"),
    ("freshrss", "FreshRSS"),
    ("netnewswire", "NetNewsWire"),
    ("spotify", "Spotify"),
    ("vlc", "VLC"),
    ("cadans", "Cadans"),
    ("exoplayer", "Android player"),
    ("okhttp", "okhttp"),
    ("feedparser", "feedparser"),
    ("python-", "Python"),
    ("curl/", "curl"),
    ("wget/", "Wget"),
    ("edg/", "Edge"),
    ("firefox/", "Firefox"),
    ("fxios/", "Firefox"),
    ("chrome/", "Chrome"),
    ("crios/", "Chrome"),
    ("safari/", "Safari"),
)


# They publish what they read, or let everybody search in it.
DIRECTORIES: Final = frozenset(
    {"Google", "Bing", "Podcast Index", "Podchaser", "Listen Notes", "robot"}
)
# Readers on the web say so, since Bloglines did: "Feedly/1.0 (+http://…; 16 subscribers)".
_SUBSCRIBERS: Final = re.compile(r"\b(\d{1,9}) (?:subscriber|reader)s?\b", re.IGNORECASE)


def subscribers_reported(user_agent: str) -> int:
    """Answer for how many people a reader says that it fetches; 0: it does not say."""
    return _subscribers_in(user_agent[:_READ_CHARS])


def app_named(user_agent: str) -> str:
    """Answer the name of the app, `other` when the list does not know it."""
    return _app_in(user_agent[:_READ_CHARS])


# What is remembered is cut first: whoever sends long headers would fill our memory with them.
@lru_cache(maxsize=4096)
def _subscribers_in(text: str) -> int:
    found = _SUBSCRIBERS.search(text)
    return int(found[1]) if found else 0


@lru_cache(maxsize=4096)
def _app_in(text: str) -> str:
    folded = text.casefold()
    return next((name for sign, name in _SIGNS if sign in folded), OTHER)
