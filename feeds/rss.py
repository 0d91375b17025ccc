"""A feed written as RSS 2.0: the same value always gives the same bytes."""

from datetime import UTC, datetime
from typing import Any

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from feeds.model import Feed, Item
from feeds.podcasting20 import PodcastingFeed, PodcastingItem
from feeds.text import clean


def render_feed(feed: Feed) -> bytes:
    """Return the feed as UTF-8 RSS, its items in the order they have."""
    generator = _generator(feed)
    for item in feed.items:
        _add_item(generator, item, feed.language)
    document: bytes = generator.rss_str()
    return document


def _generator(feed: Feed) -> Any:  # noqa: ANN401 - feedgen ships no types
    generator = FeedGenerator()
    generator.load_extension("podcast", atom=False)
    generator.register_extension("podcasting20", PodcastingFeed, PodcastingItem, atom=False)
    generator.title(clean(feed.title))
    generator.link(href=feed.self_url, rel="self", type="application/rss+xml")
    generator.link(href=feed.link, rel="alternate")  # feedgen makes the last link the channel's
    generator.description(clean(feed.description))
    generator.language(feed.language)
    generator.generator("Cadans")
    generator.docs("")
    generator.lastBuildDate(_in_utc(feed.last_build_at))
    _describe_for_apple(generator.podcast, feed)
    generator.podcasting20.describe(feed)
    return generator


def _describe_for_apple(itunes: Any, feed: Feed) -> None:  # noqa: ANN401 - feedgen ships no types
    itunes.itunes_author(clean(feed.author))
    category = {"cat": feed.category.name}
    if feed.category.subcategory is not None:
        category["sub"] = feed.category.subcategory
    itunes.itunes_category(category)
    itunes.itunes_type("serial" if feed.is_serial else "episodic")
    itunes.itunes_new_feed_url(feed.new_feed_url)
    if feed.owner is not None:
        itunes.itunes_owner(name=clean(feed.owner.name), email=clean(feed.owner.email))


def _add_item(generator: Any, item: Item, language: str) -> None:  # noqa: ANN401 - feedgen ships no types
    entry: FeedEntry = generator.add_entry(order="append")
    entry.title(clean(item.title))
    if item.link is not None:
        entry.link(href=item.link)
    entry.description(clean(item.description), isSummary=True)
    if item.content is not None:
        entry.content(clean(item.content))
    entry.guid(clean(item.guid), permalink=False)
    if item.enclosure is not None:
        enclosure = item.enclosure
        entry.enclosure(enclosure.url, str(enclosure.length), enclosure.type)
    entry.pubDate(_in_utc(item.pub_at))
    _describe_item_for_apple(entry.podcast, item)
    entry.podcasting20.describe(item, language)


def _describe_item_for_apple(itunes: Any, item: Item) -> None:  # noqa: ANN401 - feedgen ships no types
    if item.duration_seconds is not None:
        itunes.itunes_duration(str(item.duration_seconds))
    itunes.itunes_season(item.season)
    itunes.itunes_episode(item.episode)
    itunes.itunes_episode_type(item.episode_type)


def _in_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
