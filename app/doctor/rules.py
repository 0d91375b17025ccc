"""Judges the feed document itself. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import combinations
from typing import Final

from app.doctor.addresses import mask
from app.doctor.apps import ANTENNAPOD, length_of, looks_like
from app.doctor.document import Document, Item
from app.doctor.look import Seen
from app.doctor.report import Check, Grade
from feeds.categories import CATEGORIES
from feeds.limits import MAX_DESCRIPTION_BYTES, MAX_VALUE_CHARACTERS

_EXPLICIT: Final = {"true", "false"}
_CLOCKS_DIFFER: Final = timedelta(minutes=10)
_FEW: Final = 5


def judge_document(seen: Seen) -> Iterator[Check]:
    """Yield what is to be said of the document."""
    if seen.problem is not None:
        yield Check(
            code=seen.problem.code,
            grade=Grade.FAIL,
            message=f"There is no feed to read: {seen.problem.why}.",
            remedy="Open the address in a browser, and ask whoever runs the host.",
        )
    if seen.document is None:
        return
    yield from _channel(seen.document)
    yield from _addresses(seen, seen.document)
    yield from _items(seen.document, seen.wanted.now)
    yield from _stability(seen)


def numbers(items: Iterable[Item]) -> str:
    """Answer which items, as people say it: their places in the document."""
    found = [item.number for item in items]
    more = f" and {len(found) - _FEW} more" if len(found) > _FEW else ""
    word = "item" if len(found) == 1 else "items"
    return f"{word} {', '.join(map(str, found[:_FEW]))}{more}"


def _channel(document: Document) -> Iterator[Check]:
    required = (
        ("title", document.title, Grade.FAIL),
        ("description", document.description, Grade.WARN),
        ("language", document.language, Grade.WARN),
        ("link", document.link, Grade.WARN),
        ("itunes:image", document.image, Grade.WARN),
        ("itunes:author", document.author, Grade.NOTE),
    )
    for name, value, grade in required:
        if not value:
            yield Check(
                code=f"channel.{name.removeprefix('itunes:')}",
                grade=grade,
                message=f"The feed has no {name}.",
                remedy="Apple Podcasts and PSP-1 ask for it.",
            )
    yield from _categories(document)
    if document.explicit.lower() not in _EXPLICIT:
        yield Check(
            code="channel.explicit",
            grade=Grade.WARN,
            message=f"itunes:explicit says {document.explicit or 'nothing'!r}.",
            remedy="Write true or false; yes, no and clean are not understood any more.",
        )
    if len(document.description.encode()) > MAX_DESCRIPTION_BYTES:
        yield Check(
            code="channel.long",
            grade=Grade.WARN,
            message=f"The description is over {MAX_DESCRIPTION_BYTES} bytes.",
            remedy="Shorten it; Apple Podcasts cuts it off or refuses it.",
        )


def _categories(document: Document) -> Iterator[Check]:
    unknown = [
        f"{name} > {inner}" if inner else name
        for name, inner in document.categories
        if name not in CATEGORIES or (inner and inner not in CATEGORIES[name])
    ]
    if unknown or not document.categories:
        said = f"Unknown categories: {', '.join(unknown)}." if unknown else "There is no category."
        yield Check(
            code="channel.category",
            grade=Grade.WARN,
            message=said,
            remedy="Choose from Apple's list, with its capitals: Education > Courses.",
        )


def _addresses(seen: Seen, document: Document) -> Iterator[Check]:
    own = {seen.wanted.address, seen.feed.url}
    if document.self_url and document.self_url not in own:
        yield Check(
            code="channel.self",
            grade=Grade.WARN,
            message=f"The feed says that it lives at {mask(document.self_url)}, not here.",
            remedy="Let atom:link rel=self name the address that people have.",
        )
    elif not document.self_url:
        yield Check(
            code="channel.self",
            grade=Grade.NOTE,
            message="The feed does not name its own address.",
            remedy="PSP-1 asks for atom:link rel=self.",
        )
    if document.new_address and document.new_address not in own:
        yield Check(
            code="channel.new-address",
            grade=Grade.WARN,
            message=f"itunes:new-feed-url sends apps to {mask(document.new_address)}.",
            remedy="Leave it out, unless this feed is moving.",
        )


def _items(document: Document, now: datetime) -> Iterator[Check]:
    items = document.items
    if not items:
        yield Check(
            code="items.empty",
            grade=Grade.FAIL,
            message="The feed is empty: Overcast and others do not add it.",
            remedy="Let it begin with one item, if only a welcome.",
        )
        return
    yield from _audio_there(items)
    yield from _identities(items)
    yield from _dates(items, now)
    yield from _texts(items)
    yield from _enclosures(document)


def _audio_there(items: tuple[Item, ...]) -> Iterator[Check]:
    silent = [item for item in items if item.enclosure is None]
    if len(silent) == len(items):
        yield Check(
            code="items.audio",
            grade=Grade.FAIL,
            message="No item has audio: podcast apps see an empty feed.",
            remedy="Give each item an enclosure.",
        )
    elif silent:
        yield Check(
            code="items.silent",
            grade=Grade.NOTE,
            message=f"Without audio: {numbers(silent)}. Most apps pass over them.",
        )


def _identities(items: tuple[Item, ...]) -> Iterator[Check]:
    counts = Counter(item.guid for item in items if item.guid)
    twice = [item for item in items if counts[item.guid] > 1]
    if twice:
        yield Check(
            code="items.guid-twice",
            grade=Grade.FAIL,
            message=f"These share a guid: {numbers(twice)}. Apps show one of them.",
            remedy="Give each item a guid of its own, and keep it for ever.",
        )
    yield from _found(
        items,
        lambda item: not item.guid,
        Check(
            code="items.guid",
            grade=Grade.WARN,
            message="Without a guid: {}.",
            remedy="Apps then tell episodes apart by address or title, which change.",
        ),
    )
    yield from _found(
        items,
        lambda item: item.enclosure is not None and item.guid == item.enclosure.url,
        Check(
            code="items.guid-address",
            grade=Grade.WARN,
            message="The guid is the address of the audio: {}.",
            remedy="When the audio moves, everybody gets all episodes again. Use a UUID.",
        ),
    )
    yield from _look_alikes(items)


def _look_alikes(items: tuple[Item, ...]) -> Iterator[Check]:
    alike = [
        item
        for one, other in combinations(items[:500], 2)
        if one.guid != other.guid and looks_like(ANTENNAPOD, one, other)
        for item in (one, other)
    ]
    if alike:
        yield Check(
            code="items.alike",
            grade=Grade.FAIL,
            message=f"AntennaPod takes these for one: {numbers(dict.fromkeys(alike))}.",
            remedy="Give items of one day different titles and different audio.",
        )
    titles = Counter(item.title for item in items if item.title)
    same = [item for item in items if titles[item.title] > 1 and item not in alike]
    if same:
        yield Check(
            code="items.title-twice",
            grade=Grade.NOTE,
            message=f"These have the same title: {numbers(same)}.",
            remedy="Give each a title of its own: people cannot tell them apart.",
        )


def _dates(items: tuple[Item, ...], now: datetime) -> Iterator[Check]:
    yield from _found(
        items,
        lambda item: item.published_at is None,
        Check(
            code="items.date",
            grade=Grade.WARN,
            message="Without a readable date: {}.",
            remedy="Write pubDate as RFC 2822: Mon, 01 Jun 2026 06:00:00 +0000.",
        ),
    )
    yield from _found(
        items,
        lambda item: item.published_at is not None and item.published_at > now + _CLOCKS_DIFFER,
        Check(
            code="items.future",
            grade=Grade.WARN,
            message="Dated in the future: {}. Some apps hide it; others announce nothing after it.",
            remedy="Let an item appear when its date has come.",
        ),
    )
    dated = [item for item in items if item.published_at is not None]
    counts = Counter(item.published_at for item in dated)
    same = [item for item in dated if counts[item.published_at] > 1]
    if same:
        yield Check(
            code="items.date-twice",
            grade=Grade.WARN,
            message=f"These have the same date: {numbers(same)}. Apps show them in any order.",
            remedy="Put at least a second, better a minute, between them.",
        )


def _texts(items: tuple[Item, ...]) -> Iterator[Check]:
    yield from _titles(items)
    yield from _found(
        items,
        lambda item: bool(item.explicit) and item.explicit.lower() not in _EXPLICIT,
        Check(
            code="items.explicit",
            grade=Grade.WARN,
            message="itunes:explicit is neither true nor false: {}.",
            remedy="Write true or false.",
        ),
    )
    yield from _found(
        items,
        lambda item: item.enclosure is not None and not length_of(item),
        Check(
            code="items.duration",
            grade=Grade.NOTE,
            message="Without a readable itunes:duration: {}.",
            remedy="Write it in whole seconds.",
        ),
    )


def _titles(items: tuple[Item, ...]) -> Iterator[Check]:
    yield from _found(
        items,
        lambda item: not item.title,
        Check(
            code="items.title",
            grade=Grade.WARN,
            message="Without a title: {}.",
            remedy="Give it one.",
        ),
    )
    yield from _found(
        items,
        lambda item: len(item.title) > MAX_VALUE_CHARACTERS,
        Check(
            code="items.title-long",
            grade=Grade.WARN,
            message=f"A title over {MAX_VALUE_CHARACTERS} characters: {{}}.",
            remedy="Shorten it; Apple Podcasts takes no more.",
        ),
    )


def _enclosures(document: Document) -> Iterator[Check]:
    counts = Counter(item.enclosure.url for item in document.items if item.enclosure)
    yield from _found(
        document.items,
        lambda item: item.enclosure is not None and counts[item.enclosure.url] > 1,
        Check(
            code="enclosure.twice",
            grade=Grade.WARN,
            message="These have the same audio address: {}.",
            remedy="castget and AntennaPod take them for one. Give each its own.",
        ),
    )
    yield from _found(
        document.items,
        lambda item: item.enclosure is not None and not item.enclosure.length,
        Check(
            code="enclosure.length",
            grade=Grade.WARN,
            message="The enclosure does not say its length: {}.",
            remedy="Write the exact number of bytes.",
        ),
    )
    yield from _found(
        document.items,
        lambda item: len(item.enclosures) > 1,
        Check(
            code="enclosure.many",
            grade=Grade.NOTE,
            message="More than one enclosure: {}. Apps take the first, or the last.",
            remedy="Keep one; podcast:alternateEnclosure is for the others.",
        ),
    )


def _stability(seen: Seen) -> Iterator[Check]:
    """Two answers, a moment apart, name the same things."""
    first, second = seen.document, seen.document_again
    if first is None or second is None:
        return
    guids = [item.guid for item in first.items]
    if Counter(guids) != Counter(item.guid for item in second.items):
        yield Check(
            code="items.guid-changes",
            grade=Grade.FAIL,
            message="The guids are others each time: every poll brings every episode anew.",
            remedy="Mint a guid once, when the episode is made.",
        )
        return
    urls = {(item.guid, item.enclosure.url) for item in first.items if item.enclosure}
    moved = [
        item
        for item in second.items
        if item.enclosure and (item.guid, item.enclosure.url) not in urls
    ]
    if moved:
        yield Check(
            code="enclosure.changes",
            grade=Grade.FAIL,
            message=f"The audio address is another each time: {numbers(moved)}.",
            remedy="Keep addresses permanent; let only the redirect behind them expire.",
        )


def _found(
    items: Iterable[Item], is_wrong: Callable[[Item], bool], check: Check
) -> Iterator[Check]:
    """Yield the check, with the items for which it holds."""
    wrong = [item for item in items if is_wrong(item)]
    if wrong:
        yield Check(
            code=check.code,
            grade=check.grade,
            message=check.message.format(numbers(wrong)),
            remedy=check.remedy,
        )
