"""A feedgen extension: the podcast: namespace, and the itunes: tags that feedgen spells otherwise.

Tags and their order follow github.com/Podcastindex-org/podcast-namespace (read 2026-11). feedgen
1.0 writes itunes:explicit as yes, no or clean where Apple wants true or false, itunes:block and
itunes:complete in lower case where Apple wants Yes, and drops covers named .jpeg without a word.
"""

from collections.abc import Iterable

from lxml.etree import SubElement, _Element

from feeds.model import Feed, Funding, Item, Person, Transcript, UpdateFrequency
from feeds.text import clean

ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
PODCAST = "https://podcastindex.org/namespace/1.0"


class PodcastingFeed:
    """What this extension adds to a channel; feedgen calls the `extend_` methods."""

    def __init__(self) -> None:
        self._feed: Feed | None = None

    def describe(self, feed: Feed) -> None:
        """Take the values to write."""
        self._feed = feed

    def extend_ns(self) -> dict[str, str]:
        """Return the prefixes that the document declares."""
        return {"itunes": ITUNES, "podcast": PODCAST}

    def extend_rss(self, rss: _Element) -> _Element:
        """Write the tags into the channel."""
        if self._feed is not None:
            _write_itunes_channel(rss[0], self._feed)
            _write_podcast_channel(rss[0], self._feed)
        return rss


class PodcastingItem:
    """What this extension adds to an item."""

    def __init__(self) -> None:
        self._item: Item | None = None
        self._language = ""

    def describe(self, item: Item, language: str) -> None:
        """Take the values to write; `language` is the feed's."""
        self._item = item
        self._language = language

    def extend_ns(self) -> dict[str, str]:
        """Return nothing: the channel declares the prefixes."""
        return {}

    def extend_rss(self, element: _Element) -> _Element:
        """Write the tags into the item."""
        if self._item is not None:
            _write_item(element, self._item, self._language)
        return element


def _write_itunes_channel(channel: _Element, feed: Feed) -> None:
    _add(channel, ITUNES, "image", href=feed.image_url)
    _add(channel, ITUNES, "explicit", _true_or_false(feed.is_explicit))
    if feed.is_private:
        _add(channel, ITUNES, "block", "Yes")
    if feed.is_complete:
        _add(channel, ITUNES, "complete", "Yes")


def _write_podcast_channel(channel: _Element, feed: Feed) -> None:
    _add(channel, PODCAST, "guid", str(feed.podcast_guid))
    _add(channel, PODCAST, "locked", "yes" if feed.is_private else "no")
    if feed.is_private:
        _add(channel, PODCAST, "block", "yes")
    _add(channel, PODCAST, "medium", feed.medium)
    if feed.update_frequency is not None:
        _write_update_frequency(channel, feed.update_frequency, is_complete=feed.is_complete)
    _write_persons(channel, feed.persons)
    _write_funding(channel, feed.funding)


def _write_update_frequency(
    channel: _Element, frequency: UpdateFrequency, *, is_complete: bool
) -> None:
    element = _add(channel, PODCAST, "updateFrequency", frequency.text, rrule=frequency.rrule)
    if is_complete:
        element.set("complete", "true")


def _write_item(element: _Element, item: Item, language: str) -> None:
    _add(element, ITUNES, "explicit", _true_or_false(item.is_explicit))
    _add_if(element, ITUNES, "image", href=item.image_url)
    if item.season is not None:
        _add(element, PODCAST, "season", str(item.season))
    if item.episode is not None:
        _add(element, PODCAST, "episode", str(item.episode))
    _write_transcripts(element, item.transcripts, language)
    if item.chapters_url is not None:
        _add(element, PODCAST, "chapters", url=item.chapters_url, type="application/json+chapters")
    _write_persons(element, item.persons)


def _write_transcripts(element: _Element, transcripts: Iterable[Transcript], language: str) -> None:
    """WebVTT first: many apps take the first that they find."""
    for transcript in sorted(transcripts, key=lambda each: each.type != "text/vtt"):
        _add(
            element,
            PODCAST,
            "transcript",
            url=transcript.url,
            type=transcript.type,
            language=transcript.language or language,
        )


def _write_persons(element: _Element, persons: Iterable[Person]) -> None:
    for person in persons:
        _add(
            element,
            PODCAST,
            "person",
            person.name,
            role=person.role,
            href=person.url,
            img=person.image_url,
        )


def _write_funding(channel: _Element, funding: Iterable[Funding]) -> None:
    for each in funding:
        _add(channel, PODCAST, "funding", each.text, url=each.url)


def _add_if(parent: _Element, namespace: str, name: str, **attributes: str | None) -> None:
    if any(value is not None for value in attributes.values()):
        _add(parent, namespace, name, **attributes)


def _add(
    parent: _Element, namespace: str, name: str, text: str | None = None, **attributes: str | None
) -> _Element:
    element = SubElement(parent, f"{{{namespace}}}{name}")
    if text is not None:
        element.text = clean(text)
    for key, value in attributes.items():
        if value is not None:
            element.set(key, clean(value))
    return element


def _true_or_false(value: bool) -> str:  # noqa: FBT001 - the value is the whole question
    return "true" if value else "false"
