"""The ETag of a feed, and whether a poll already has it. Pure, and cheap enough for every poll."""

import re
from collections.abc import Sequence
from hashlib import blake2b

from feeds.limits import RENDERER_VERSION

_ENTITY_TAG = re.compile(r'\s*(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")\s*(?:,|\Z)')
"""RFC 9110 section 8.8.3, in a list as section 5.6.1 has it."""


def feed_etag(
    *,
    base_url: str,
    course_revision: int | str,
    subscription_revision: int | str,
    unlocked_lesson_ids: Sequence[int],
    life_cycle_items: Sequence[str] = (),
) -> str:
    """Return the weak ETag of a feed; it changes when, and only when, the document does.

    `life_cycle_items`: the guids of the items of this kind that are shown. Order counts in both.
    """
    parts = (
        RENDERER_VERSION,
        base_url,
        course_revision,
        subscription_revision,
        tuple(unlocked_lesson_ids),
        tuple(life_cycle_items),
    )
    return f'W/"{blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Tell whether an If-None-Match header names this ETag, so that 304 is the answer.

    Takes lists, `W/` on either side and `*` (RFC 9110 section 13.1.2: weak comparison). None, an
    empty header or one that is not a list of entity tags never match.
    """
    if if_none_match is None:
        return False
    if if_none_match == etag or if_none_match.strip() == "*":
        return True
    wanted = etag.removeprefix("W/")
    return wanted in _opaque_tags(if_none_match)


def _opaque_tags(header: str) -> list[str]:
    tags: list[str] = []
    position = 0
    while position < len(header):
        match = _ENTITY_TAG.match(header, position)
        if match is None:
            return []
        tags.append(match[1])
        position = match.end()
    return tags
