"""Names that never change: podcast:guid of a feed, guid of a message about the feed."""

from uuid import UUID, uuid5

PODCAST_NAMESPACE = UUID("ead4c236-bf58-58c6-a2c6-a6b28d128cb6")
"""Podcasting 2.0, podcast:guid (github.com/Podcastindex-org/podcast-namespace, read 2026-11)."""


def public_feed_guid(feed_url: str) -> UUID:
    """Return the podcast:guid of a public feed; set once, and kept when the feed moves.

    As Podcasting 2.0 has it: UUIDv5 of the address without its scheme and trailing slashes.
    """
    _, _, bare = feed_url.partition("://")
    return uuid5(PODCAST_NAMESPACE, (bare or feed_url).rstrip("/"))


def subscription_guid(public_id: UUID) -> UUID:
    """Return the podcast:guid of a subscription's feed, whatever its address becomes.

    `public_id` was minted at random with the subscription: a mere number would be the same in two
    houses, and a directory would take two listeners for one podcast.
    """
    return uuid5(PODCAST_NAMESPACE, f"subscription:{public_id}")


def life_cycle_guid(podcast_guid: UUID, turn: str, number: int = 1) -> str:
    """Return the guid of one message of a kind in one subscription's feed.

    `podcast_guid`: the feed's. `number` tells the turns of a kind apart.
    """
    return str(uuid5(podcast_guid, f"{turn}:{number}"))
