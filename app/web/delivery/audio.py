"""`/a/<token>/<lesson>-<n>.<ext>`: audio, transcript, chapters of a lesson, behind one lock."""

import json
import re
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlalchemy import select

from app.db.models import Lesson
from app.db.standing import Standing
from app.services.apps import app_named
from app.services.delivery import Decision, Resource, Verdict, Wanted, authorise
from app.services.feeds import CHAPTERS_TYPE, VTT_TYPE, ServedCourse, ServedLesson, ServedRecording
from app.services.fetches import FetchKey
from app.setting_values import AudioDelivery
from app.spoken import CONTENT_TYPE, SpokenFile
from app.web.delivery import answers, refusals
from app.web.delivery.answers import Answer, Headers
from app.web.delivery.counting import caller_of
from app.web.delivery.door import Parts
from app.web.request_ids import request_id_of
from feeds.conditional import matches
from feeds.limits import TOKEN_LENGTH
from media.errors import RangeNotSatisfiable
from media.keys import ObjectKey
from media.ranges import ByteRange, find_range, render_unsatisfied
from media.store import ObjectStore, OpenObject

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_ADDRESS: Final = re.compile(
    rf"/a/([a-z2-7]{{{TOKEN_LENGTH}}})/([0-9a-z]{{8}})-([1-9][0-9]{{0,5}})\.([a-z0-9]{{2,4}})"
)
_RESOURCES: Final = {"vtt": Resource.TRANSCRIPT, "json": Resource.CHAPTERS}
# What podcast apps agree on: podcast namespace, "JSON Chapters Format" 1.2.0 (read 2026-11).
_CHAPTERS_VERSION: Final = "1.2.0"
_PRIVATE: Final[Headers] = [
    ("X-Robots-Tag", "noindex"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]


def accel_path(key: ObjectKey) -> str:
    """Answer where nginx finds an object of a folder store (scripts/deploy/nginx/cadans.conf)."""
    return f"/_store/{key}"


class AudioDoor:
    """Answers for what a lesson consists of."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def answer(self, environ: "WSGIEnvironment") -> Answer:
        """Answer one request."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            return answers.method_not_allowed()
        address = _ADDRESS.fullmatch(environ["PATH_INFO"])
        token = self._parts.find_token(address[1]) if address else None
        if address is None or token is None:
            return answers.not_found()
        stand = self._parts.stand(token)
        if stand is None:
            if self._parts.is_erased(token):
                return answers.gone("This address was erased.")
            return answers.not_found()
        wanted = Wanted(
            resource=_RESOURCES.get(address[4], Resource.AUDIO),
            lesson=address[2],
            number=int(address[3]),
            extension=address[4],
        )
        return _Visit(self._parts, stand, wanted, environ).answer()


class _Sound(NamedTuple):
    """Audio that we send ourselves, wherever its bytes lie; `open` takes start and length."""

    content_type: str
    size_bytes: int
    etag: str
    open: Callable[[int, int], OpenObject]


def _in_store(recording: ServedRecording, store: ObjectStore) -> _Sound:
    def read(start: int, length: int) -> OpenObject:
        return store.open(recording.object_key, start=start, length=length)

    return _Sound(recording.content_type, recording.size_bytes, recording.etag, read)


def _in_package(file: SpokenFile) -> _Sound:
    def read(start: int, length: int) -> OpenObject:
        return OpenObject(iter([file.read()[start : start + length]]), lambda: None)

    return _Sound(CONTENT_TYPE, file.size_bytes, file.etag, read)


def _head(sound: _Sound) -> Answer:
    return Answer("200 OK", _headers(sound, sound.size_bytes), ())


class _Visit:
    """One request with a genuine token that has a standing."""

    def __init__(
        self,
        parts: Parts,
        stand: tuple[Standing, ServedCourse],
        wanted: Wanted,
        environ: "WSGIEnvironment",
    ) -> None:
        self._parts = parts
        self._standing, self._course = stand
        self._wanted = wanted
        self._environ = environ
        self._is_get = environ["REQUEST_METHOD"] == "GET"
        self._now = parts.now()

    def answer(self) -> Answer:
        course = self._course
        decision = authorise(self._standing, course, self._wanted, self._now)
        if decision.verdict is not Verdict.ALLOWED:
            return self._refuse(decision, course)
        if decision.shipped is not None:
            return self._shipped(decision.shipped)
        if decision.recording is None:
            return answers.not_found()
        if self._wanted.resource is Resource.AUDIO:
            return self._audio(decision.recording)
        return self._text_of(decision.lesson) if decision.lesson else answers.not_found()

    def _refuse(self, decision: Decision, course: ServedCourse) -> Answer:
        if decision.verdict is Verdict.UNKNOWN:
            return answers.not_found()
        line = refusals.line_for(decision, course, zone=self._standing.zone)
        if decision.verdict is Verdict.REMOVED:
            self._count(410)
            return answers.gone(line)
        self._count(403)
        return answers.forbidden(line)

    def _audio(self, recording: ServedRecording) -> Answer:
        how = self._parts.house.settings.audio
        if how is AudioDelivery.ACCEL:
            return self._accelerated(recording)
        if not self._is_get:
            # From the row: a signature is for one method, and AntennaPod plays what HEAD led to.
            return _head(_in_store(recording, self._parts.house.store))
        if self._parts.store_watch.is_down():
            return answers.unavailable(request_id_of(self._environ))
        if how is AudioDelivery.REDIRECT:
            url = self._parts.signed.get(
                recording.object_key, recording.content_type, now=self._now
            )
            if url is not None:
                return self._redirected(url)
        return self._served(_in_store(recording, self._parts.house.store))

    def _shipped(self, file: SpokenFile) -> Answer:
        """Send a recording of ours, some 100 kB, whatever sends the others: no store has it."""
        sound = _in_package(file)
        return self._served(sound) if self._is_get else _head(sound)

    def _redirected(self, url: str) -> Answer:
        self._count(302)
        headers = [
            ("Location", url),
            ("Content-Length", "0"),
            ("Cache-Control", "private, no-store"),
            *_PRIVATE,
        ]
        return Answer("302 Found", headers, ())

    def _accelerated(self, recording: ServedRecording) -> Answer:
        """Let nginx send it, HEAD too: length, ranges and ETag are then nginx's own everywhere."""
        if self._is_get:
            self._count(200)
        headers = [
            ("Content-Type", recording.content_type),
            ("X-Accel-Redirect", accel_path(recording.object_key)),
            ("Cache-Control", "private, no-cache"),
            *_PRIVATE,
        ]
        return Answer("200 OK", headers, ())

    def _served(self, sound: _Sound) -> Answer:
        if matches(self._environ.get("HTTP_IF_NONE_MATCH"), sound.etag):
            self._count(304)
            return Answer("304 Not Modified", _headers(sound, None), ())
        try:
            part = find_range(
                self._environ.get("HTTP_RANGE"),
                self._environ.get("HTTP_IF_RANGE"),
                etag=sound.etag,
                size_bytes=sound.size_bytes,
            )
        except RangeNotSatisfiable:
            self._count(416)
            return answers.text(
                "416 Range Not Satisfiable",
                "The recording ends before that.",
                ("Content-Range", render_unsatisfied(sound.size_bytes)),
            )
        return self._stream(sound, part)

    def _stream(self, sound: _Sound, part: ByteRange | None) -> Answer:
        start, length = (part.start, part.length) if part else (0, sound.size_bytes)
        opened = sound.open(start, length)
        status = 206 if part else 200
        headers = _headers(sound, length)
        if part:
            headers.append(("Content-Range", part.content_range))
        body = _Counted(opened, lambda size: self._count(status, size))
        return Answer("206 Partial Content" if part else "200 OK", headers, body)

    def _text_of(self, lesson: ServedLesson) -> Answer:
        column = (
            Lesson.transcript if self._wanted.resource is Resource.TRANSCRIPT else Lesson.chapters
        )
        with self._parts.house.database.reading() as session:
            found = session.scalar(select(column).where(Lesson.id == lesson.id))
        if not found:
            return answers.not_found()
        if isinstance(found, str):
            return self._document(found.encode(), f"{VTT_TYPE}; charset=utf-8")
        chapters = {"version": _CHAPTERS_VERSION, "chapters": found}
        return self._document(json.dumps(chapters, ensure_ascii=False).encode(), CHAPTERS_TYPE)

    def _document(self, body: bytes, content_type: str) -> Answer:
        etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = [("ETag", etag), ("Cache-Control", "private, no-cache"), *_PRIVATE]
        if matches(self._environ.get("HTTP_IF_NONE_MATCH"), etag):
            return Answer("304 Not Modified", headers, ())
        headers += [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        return Answer("200 OK", headers, (body,))

    def _count(self, status: int, size: int = 0) -> None:
        if not self._is_get or self._wanted.resource is not Resource.AUDIO:
            return
        key = FetchKey(
            self._standing.subscription_id,
            self._now.date(),
            self._wanted.lesson,
            app_named(self._environ.get("HTTP_USER_AGENT", "")),
            status,
        )
        is_closed = self._standing.retired_at is not None
        caller = None if is_closed else caller_of(self._environ)
        self._parts.counter.count(key, at=self._now, size=size, caller=caller)


class _Counted(Iterator[bytes]):
    """The bytes of an object, which tells at the end how many of them went out."""

    def __init__(self, opened: OpenObject, tell: Callable[[int], None]) -> None:
        self._opened = opened
        self._tell = tell
        self._size = 0
        self._is_open = True

    def __next__(self) -> bytes:
        chunk = next(self._opened)
        self._size += len(chunk)
        return chunk

    def close(self) -> None:
        """Let go of the object; servers call this however a response ends (PEP 3333)."""
        if self._is_open:
            self._is_open = False
            self._opened.close()
            self._tell(self._size)


def _headers(sound: _Sound, length: int | None) -> Headers:
    headers = [
        ("Content-Type", sound.content_type),
        ("Accept-Ranges", "bytes"),
        ("ETag", sound.etag),
        ("Cache-Control", "private, no-cache"),
        *_PRIVATE,
    ]
    if length is not None:
        headers.append(("Content-Length", str(length)))
    return headers
