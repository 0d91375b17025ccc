from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from feeds.messages import MessageTexts, SpokenMessage, TurnKind, message_items
from feeds.model import (
    Enclosure,
    Feed,
    Funding,
    Item,
    Person,
    Transcript,
    UpdateFrequency,
)
from feeds.rhythm import Life, PlannedLesson, RecordedUnlock, Rhythm, Unlock, unlocked
from feeds.template import TOKEN_PLACEHOLDER, CourseTemplate
from feeds.tokens import FeedKeys

# A Monday, on the hour, in winter: nothing special about it.
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
BASE = "https://cadans.example"
WEEK = timedelta(days=7)
KEYS = FeedKeys(secrets={3: b"k" * 32, 7: b"n" * 32}, current=7)


def at(text: str) -> datetime:
    """Read an ISO instant; without an offset it is UTC."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def a_life(started_at: datetime = START, **changes: Any) -> Life:
    defaults: dict[str, Any] = {
        "rhythm": Rhythm(),
        "zone": "Europe/Amsterdam",
        "course_zone": "Europe/Amsterdam",
    }
    return Life(started_at=started_at, **(defaults | changes))


def a_lesson(number: int, /, **changes: Any) -> PlannedLesson:
    defaults: dict[str, Any] = {"position": number, "published_at": LONG_AGO}
    return PlannedLesson(id=number, **(defaults | changes))


def lessons(count: int) -> list[PlannedLesson]:
    return [a_lesson(number) for number in range(1, count + 1)]


def ids(unlocks: Iterable[Unlock]) -> list[int]:
    return [unlock.lesson_id for unlock in unlocks]


def with_recorded(life: Life, course: list[PlannedLesson], now: datetime) -> Life:
    """Do what the worker does: write down all that is unlocked."""
    return replace(
        life,
        recorded=tuple(
            RecordedUnlock(
                lesson_id=unlock.lesson_id, unlocked_at=unlock.unlocked_at, pub_at=unlock.pub_at
            )
            for unlock in unlocked(life, course, now)
        ),
    )


def an_item(number: int = 1, /, **changes: Any) -> Item:
    address = f"{BASE}/a/{TOKEN_PLACEHOLDER}/lesson{number:02}-1"
    defaults: dict[str, Any] = {
        "guid": str(UUID(int=number)),
        "title": f"Lesson about subject {number}",
        "description": f"<p>What subject {number} <b>is</b> &amp; does.</p>",
        "content": f"<h2>Subject {number}</h2><p>At length.</p>",
        "pub_at": START + number * WEEK,
        "link": f"{BASE}/my/",
        "enclosure": Enclosure(url=f"{address}.mp3", length=14_400_000 + number, type="audio/mpeg"),
        "duration_seconds": 900,
        "episode": number,
        "transcripts": (Transcript(url=f"{address}.vtt"),),
        "chapters_url": f"{address}.json",
        "persons": (Person(name="Noor de Vries", role="host"),),
    }
    return Item(**(defaults | changes))


def a_feed(**changes: Any) -> Feed:
    defaults: dict[str, Any] = {
        "self_url": f"{BASE}/f/{TOKEN_PLACEHOLDER}.xml",
        "link": f"{BASE}/bloeiende-community",
        "title": "Een bloeiende community",
        "description": "Vier lessen over wat mensen bij elkaar houdt.",
        "language": "nl",
        "author": "Noor de Vries",
        "image_url": f"{BASE}/bloeiende-community/cover-1.jpg",
        "podcast_guid": UUID(int=1),
        "is_private": True,
        "last_build_at": START,
        "update_frequency": UpdateFrequency(text="Elke week een les", rrule="FREQ=WEEKLY"),
        "funding": (Funding(url=f"{BASE}/steun", text="Steun deze cursus"),),
        "items": (an_item(2), an_item(1)),
    }
    return Feed(**(defaults | changes))


def messages(language: str = "nl", **more: Any) -> Mapping[TurnKind, Item]:
    """What feeds of a course may say of themselves, each with audio of its own length."""
    spoken = {
        kind: SpokenMessage(
            enclosure=Enclosure(
                url=f"{BASE}/a/{TOKEN_PLACEHOLDER}/{kind.value[:5]}0nl-1.mp3",
                length=100_000 + index,
                type="audio/mpeg",
            ),
            duration_seconds=10 + index,
        )
        for index, kind in enumerate(TurnKind)
    }
    taken = more.pop("taken_titles", ())
    texts = MessageTexts(language=language, my_page_url=f"{BASE}/my/", **more)
    return message_items(texts, spoken, taken_titles=taken, pub_at=START)


def a_template(count: int = 4) -> CourseTemplate:
    return CourseTemplate(
        channel=a_feed(items=()),
        lessons={number: an_item(number) for number in range(1, count + 1)},
        messages=messages(),
    )
