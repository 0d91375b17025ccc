"""Take all of it with you: a page that says what it is, and the files, sent as they are made."""

import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flask import Response, render_template, url_for

from app.policy import Access
from app.services import exports, subscriptions
from app.web import access, babel
from app.web.current import house, now
from app.web.links import feed_addresses
from app.web.my.export_words import say_keys, say_parts
from app.web.my.face import my, reader, speak_as
from app.web.my.fresh import needs_fresh

Document = dict[str, Any]

NAME: Final = "cadans"
CHUNK: Final = 64 * 1024


@my.get("/my/export")
@access.for_(Access.LISTENER)
@needs_fresh
def export_page() -> str:
    """Say what is in it, and offer it."""
    document = _collect()
    return render_template(
        "public/export.html",
        parts=say_parts(),
        counts=_counts(document),
        zip_url=url_for("my.export_zip"),
        json_url=url_for("my.export_json"),
        my_url=url_for("my.home"),
    )


@my.get("/my/export/json")
@access.for_(Access.LISTENER)
@needs_fresh
def export_json() -> Response:
    """Send all that is kept of her as one JSON document."""
    return _attachment(_as_json(_collect()), "json", "application/json")


@my.get("/my/export/zip")
@access.for_(Access.LISTENER)
@needs_fresh
def export_zip() -> Response:
    """Send the same document, and a page that she can read, in one archive; no audio."""
    document = _collect()
    page = render_template(
        "public/export_file.html", document=document, keys=say_keys(), parts=say_parts()
    )
    files = (
        (f"{NAME}.html", [page.encode()]),
        (f"{NAME}.json", _as_json(document)),
    )
    return _attachment(zip_of(files, at=now()), "zip", "application/zip")


def zip_of(files: Iterable[tuple[str, Iterable[bytes]]], *, at: datetime) -> Iterator[bytes]:
    """Make an archive piece by piece: nothing of it lies on a disk or whole in memory."""
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_DEFLATED) as archive:
        for name, chunks in files:
            info = ZipInfo(name, at.timetuple()[:6])
            info.compress_type = ZIP_DEFLATED
            with archive.open(info, "w") as entry:
                for chunk in chunks:
                    entry.write(chunk)
                    yield pipe.take()
    yield pipe.take()


class _Pipe(io.RawIOBase):
    """Where an archive is written to, and taken from at once."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, some: Any, /) -> int:  # noqa: ANN401 (whatever bytes can be made of)
        self._waiting += some
        return len(some)

    def take(self) -> bytes:
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken


def _collect() -> Document:
    """Read everything, in one transaction that is over before anything is sent."""
    who = reader()
    with house().database.reading() as rows:
        for newest in subscriptions.of_listener(rows, who.listener.id)[:1]:
            speak_as(newest)
        document = exports.collect(rows, who.listener, addresses=feed_addresses(), now=now())
    return {**document, "keys": say_keys(), "parts": say_parts()}


def _as_json(document: Document) -> Iterator[bytes]:
    waiting: list[str] = []
    size = 0
    for piece in json.JSONEncoder(ensure_ascii=False, indent=2).iterencode(document):
        waiting.append(piece)
        size += len(piece)
        if size > CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode() + b"\n"


def _attachment(body: Iterator[bytes], extension: str, content_type: str) -> Response:
    name = f"{NAME}-{now():%Y-%m-%d}.{extension}"
    return Response(
        body,
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Language": babel.current_language(),
        },
    )


def _counts(document: Document) -> dict[str, int]:
    """Count what there is of each part, also of what hangs on a subscription."""
    account = document["account"]
    counts = {} if account else dict.fromkeys(("account", "memberships", "api_tokens"), 0)
    for part in (document, account or {}, *document["subscriptions"]):
        for key, value in part.items():
            if isinstance(value, list):
                counts[key] = counts.get(key, 0) + len(value)
    return counts
