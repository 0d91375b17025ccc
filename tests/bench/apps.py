"""What the bench serves: the product, its yardstick, and the plain way to answer a poll."""

from typing import Any

from feedgen.feed import FeedGenerator
from flask import Flask, Response, abort
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.db.models import FeedAddress, Lesson, Subscription, Unlock
from app.settings import Settings
from app.wiring import open_house
from feeds.tokens import verify_token


def product() -> object:
    """The product as any WSGI server loads it."""
    from app.wsgi import application  # noqa: PLC0415 (reads its settings and starts at import)

    return application


def hello() -> Flask:
    """The yardstick: one view, no work."""
    app = Flask("hello")

    @app.get("/")
    def say() -> str:
        return "hello"

    return app


def plain() -> Flask:
    """A poll as one would write it first: rows through the ORM, feedgen at each request."""
    app = Flask("plain")
    house = open_house(Settings.from_env())

    @app.get("/f/<token>.xml")
    def feed(token: str) -> Response:
        random_id = verify_token(house.settings.feed_keys, token).random_id
        with house.database.reading() as session:
            address = session.scalar(select(FeedAddress).where(FeedAddress.random_id == random_id))
            if address is None:
                abort(404)
            subscription = session.get_one(
                Subscription, address.subscription_id, options=[joinedload(Subscription.course)]
            )
            found = session.execute(
                select(Unlock, Lesson)
                .join(Lesson, Lesson.id == Unlock.lesson_id)
                .options(joinedload(Lesson.recording))
                .where(Unlock.subscription_id == subscription.id)
                .order_by(Unlock.pub_at.desc())
            ).all()
            document = _rendered(house.settings.base_url, token, subscription, list(found))
        response = Response(document, mimetype="application/rss+xml")
        response.add_etag(weak=True)
        return response

    return app


def _rendered(base_url: str, token: str, subscription: Subscription, found: list[Any]) -> bytes:
    generator: Any = FeedGenerator()
    generator.load_extension("podcast")
    generator.title(subscription.course.title)
    generator.link(href=f"{base_url}/f/{token}.xml", rel="self")
    generator.description(subscription.course.title)
    generator.language(subscription.course.language)
    for unlock, lesson in found:
        entry = generator.add_entry(order="append")
        entry.title(lesson.title)
        entry.description(lesson.notes)
        entry.guid(str(lesson.guid), permalink=False)
        entry.pubDate(unlock.pub_at)
        recording = lesson.recording
        entry.enclosure(
            f"{base_url}/a/{token}/{lesson.public_id}-{recording.number}.mp3",
            str(recording.size_bytes),
            recording.content_type,
        )
        entry.podcast.itunes_duration(str(recording.duration_ms // 1000))
    document: bytes = generator.rss_str()
    return document
