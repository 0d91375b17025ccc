"""The API as this command needs it: tries again what may pass, and says the rest in words."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

import httpx

from app.upload.errors import (
    AnswerUnexpected,
    CourseMissing,
    NotAllowed,
    Rejected,
    ServerAway,
    StoreAway,
    StoreFull,
    TokenRefused,
    TooBig,
    UploadProblem,
)
from app.version import __version__

# Seconds between tries: a server that starts again is back within them.
WAITS: Final = (0.5, 1.0, 2.0, 4.0)
# Joining the parts of a large file takes a folder store its time.
TIMEOUT: Final = httpx.Timeout(30, connect=10, read=300)
# The bytes of a part (number, size), from its start at every call.
ReadPart = Callable[[int, int], Iterator[bytes]]

_PASSING: Final = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseThere:
    """A course on the server."""

    slug: str
    target_seconds: int
    tolerance_seconds: int
    max_upload_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonThere:
    """A lesson on the server. `sha256` is that of its newest recording; None: not known yet."""

    id: int
    title: str
    notes: str
    state: str
    version: int
    sha256: str | None = None
    recording_state: str | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadThere:
    """A file that is on its way. `arrived`: the numbers of the parts that need not be sent."""

    id: str
    file_name: str
    size_bytes: int
    part_bytes: int
    part_count: int
    arrived: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file that has arrived. `lesson_id` None: it was refused, and nothing of it was kept."""

    lesson_id: int | None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FileToSend:
    """A file as the server is told of it. `lesson_id`: who gets it; None: a new lesson."""

    name: str
    size_bytes: int
    sha256: str
    lesson_id: int | None = None


class Server:
    """One course's worth of the API. Every call may be repeated without harm."""

    def __init__(self, url: str, token: str, language: str) -> None:
        self.name = url.rstrip("/")
        agent = {"User-Agent": f"cadans-upload/{__version__}"}
        self._client = httpx.Client(
            base_url=self.name,
            timeout=TIMEOUT,
            headers=agent | {"Authorization": f"Bearer {token}", "Accept-Language": language},
        )
        # Never the token to a store.
        self._store = httpx.Client(timeout=TIMEOUT, headers=agent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self._client.close()
        self._store.close()

    def course(self, slug: str) -> CourseThere:
        """Answer a course.

        Raises:
            CourseMissing: there is none, or not for this token.
        """
        missing = CourseMissing(slug=slug, server=self.name)
        found = self._json("GET", f"/courses/{quote(slug, safe='')}", missing=missing)
        return _course(found)

    def create_course(self, slug: str, title: str) -> CourseThere:
        """Make a course in draft, in the language of the account."""
        return _course(self._json("POST", "/courses", {"title": title, "slug": slug}))

    def lessons(self, slug: str) -> list[LessonThere]:
        """Answer the lessons of a course, in order."""
        found = self._json("GET", f"/courses/{quote(slug, safe='')}/lessons")
        return [_lesson(item) for item in found["items"]]

    def lesson(self, slug: str, lesson_id: int) -> LessonThere:
        """Answer one lesson."""
        return _lesson(self._json("GET", f"/courses/{quote(slug, safe='')}/lessons/{lesson_id}"))

    def edit(self, slug: str, lesson: LessonThere, changes: Mapping[str, str]) -> None:
        """Change what a lesson says."""
        body = {"version": lesson.version, **changes}
        self._json("PATCH", f"/courses/{quote(slug, safe='')}/lessons/{lesson.id}", body)

    def publish(self, slug: str, lesson_id: int) -> None:
        """Publish a lesson."""
        self._json("POST", f"/courses/{quote(slug, safe='')}/lessons/{lesson_id}/publish", {})

    def put_in_order(self, slug: str, lesson_ids: list[int]) -> None:
        """Put the lessons of a course in order."""
        self._json("PUT", f"/courses/{quote(slug, safe='')}/order", {"lessons": lesson_ids})

    def begin(self, slug: str, file: FileToSend) -> UploadThere | int:
        """Begin to send a file, or go on; a number is the lesson that has it already."""
        body = {
            "file_name": file.name,
            "size_bytes": file.size_bytes,
            "sha256": file.sha256,
            "lesson_id": file.lesson_id,
        }
        found = self._json("POST", f"/courses/{quote(slug, safe='')}/uploads", body, file=file.name)
        if found["upload"] is None:
            return int(found["lesson_id"])
        return _upload(found["upload"])

    def send_part(self, upload: UploadThere, number: int, read: ReadPart) -> None:
        """Send one part: to the server, or to the store as it says, without the token."""
        asked = self._json("GET", f"/uploads/{upload.id}/parts/{number}")
        url, size = str(asked["url"]), int(asked["size_bytes"])
        is_ours = not urlsplit(url).scheme
        client = self._client if is_ours else self._store
        headers = {"Content-Length": str(size)}
        answer = self._repeat(lambda: client.put(url, content=read(number, size), headers=headers))
        if is_ours:
            self._check(answer, upload.file_name)
        elif answer.status_code == HTTPStatus.INSUFFICIENT_STORAGE:
            raise StoreFull(server=self.name)
        elif not answer.is_success:
            raise StoreAway(server=self.name)

    def complete(self, upload: UploadThere, title: str, notes: str) -> Sent:
        """Say that every part has been sent."""
        body = {"title": title, "notes": notes}
        found = self._json("POST", f"/uploads/{upload.id}/complete", body)
        messages = tuple(str(each["message"]) for each in found["findings"])
        return Sent(lesson_id=found["lesson_id"], findings=messages)

    def _json(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        file: str = "",
        missing: UploadProblem | None = None,
    ) -> Any:  # noqa: ANN401 (JSON)
        def call() -> httpx.Response:
            return self._client.request(method, f"/api/v1{path}", json=body)

        answer = self._repeat(call)
        self._check(answer, file, missing)
        # Another program may well answer 200 here, with a page.
        if answer.headers.get("Content-Type") != "application/json":
            raise self._unexpected(answer)
        return answer.json()

    def _repeat(self, call: Callable[[], httpx.Response]) -> httpx.Response:
        """Call until an answer comes that trying again would not change."""
        for wait in WAITS:
            try:
                answer = call()
            except httpx.TransportError:
                pass
            else:
                if answer.status_code not in _PASSING:
                    return answer
            time.sleep(wait)
        try:
            return call()
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise ServerAway(server=self.name, why=why) from error

    def _check(
        self, answer: httpx.Response, file: str = "", missing: UploadProblem | None = None
    ) -> None:
        """Return when all is well; else say what is not."""
        if answer.is_success:
            return
        is_ours = answer.headers.get("Content-Type") == "application/problem+json"
        if not is_ours and answer.status_code not in _PASSING:
            raise self._unexpected(answer)
        if answer.status_code == HTTPStatus.NOT_FOUND and missing:
            raise missing
        kind = _PROBLEMS.get(answer.status_code)
        if kind is not None:
            raise kind(server=self.name, file=file)
        if answer.status_code in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
            raise Rejected(server=self.name, why=_why(answer))
        raise self._unexpected(answer)

    def _unexpected(self, answer: httpx.Response) -> AnswerUnexpected:
        kind = answer.headers.get("Content-Type", "nothing").partition(";")[0]
        why = answer.headers.get("Location", kind)
        return AnswerUnexpected(server=self.name, status=answer.status_code, why=why)


def _why(answer: httpx.Response) -> str:
    """What a problem document says, field by field."""
    said = answer.json()
    fields = said.get("errors") or {}
    return "; ".join(f"{name}: {why}" for name, why in fields.items()) or str(said.get("title"))


def _course(found: Mapping[str, Any]) -> CourseThere:
    return CourseThere(
        slug=found["slug"],
        target_seconds=found["target_seconds"],
        tolerance_seconds=found["tolerance_seconds"],
        max_upload_bytes=found["max_upload_bytes"],
    )


def _lesson(found: Mapping[str, Any]) -> LessonThere:
    recording = found["recording"] or {}
    return LessonThere(
        id=found["id"],
        title=found["title"],
        notes=found["notes"],
        state=found["state"],
        version=found["version"],
        sha256=recording.get("sha256"),
        recording_state=recording.get("state"),
        findings=tuple(each["message"] for each in recording.get("findings", ())),
    )


def _upload(found: Mapping[str, Any]) -> UploadThere:
    return UploadThere(
        id=found["id"],
        file_name=found["file_name"],
        size_bytes=found["size_bytes"],
        part_bytes=found["part_bytes"],
        part_count=found["part_count"],
        arrived=frozenset(part["number"] for part in found["arrived"]),
    )


_PROBLEMS: Final[Mapping[int, type[UploadProblem]]] = {
    HTTPStatus.UNAUTHORIZED: TokenRefused,
    HTTPStatus.FORBIDDEN: NotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TooBig,
    HTTPStatus.BAD_GATEWAY: StoreAway,
    HTTPStatus.SERVICE_UNAVAILABLE: StoreAway,
    HTTPStatus.GATEWAY_TIMEOUT: StoreAway,
    HTTPStatus.INSUFFICIENT_STORAGE: StoreFull,
}
