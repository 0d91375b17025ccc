"""What is said at the turns of a subscription: hear it, put an own recording in its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Final

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug import Response as AnyResponse

from app import policy
from app.db.models import SpokenTurn
from app.errors import InvalidInput, SpokenRefused, SpokenTooLong
from app.policy import Access
from app.services import spoken
from app.services.spoken import OwnFile
from app.spoken import CONTENT_TYPE, SpokenFile, shown, texts
from app.web import access
from app.web.admin import sending, words
from app.web.admin.face import SEE_OTHER, admin, get_course, in_room, needs, takes_up_to
from app.web.babel import gettext as _
from app.web.babel import lazy_gettext as later
from app.web.current import house, now
from feeds.messages import TurnKind
from media.errors import FileTooBig
from media.findings import Finding
from media.keys import ObjectKey
from media.store import CHUNK_BYTES

UNPROCESSABLE: Final = 422
# Around the file: boundaries, its name, the token.
FORM_BYTES: Final = 64 * 1024
_QUOTED: Final = ",".join(f'"{kind.value}"' for kind in TurnKind)
KIND: Final = f"<any({_QUOTED}):kind>"
ROOM: Final = "/admin/courses/<int:course_id>/spoken"

# What each turn is called, and when feeds say it.
NAMES: Final = {
    TurnKind.WELCOME: (
        later("Welcome"),
        later("Below the first lesson, until the second one comes."),
    ),
    TurnKind.PAUSED: (later("Paused"), later("While somebody pauses.")),
    TurnKind.RESUMED: (
        later("Going on"),
        later("After a pause, until the next lesson comes."),
    ),
    TurnKind.COMPLETE: (
        later("Complete"),
        later("When the course is finished and somebody has every lesson."),
    ),
    TurnKind.ENDED: (later("Ended"), later("When somebody has left the course.")),
    TurnKind.RESTARTED: (
        later("Begun again"),
        later("At the old address of somebody who began the course again."),
    ),
    TurnKind.ADDRESS_CHANGED: (
        later("Address changed"),
        later("At an address that another has taken the place of; nothing else plays there."),
    ),
    TurnKind.ADDRESS_CLOSED: (
        later("Address closed"),
        later("At an address that was taken back; nothing else plays there."),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One turn on the page. `text`: what ours says; `own`: hers, where she has one."""

    kind: str
    name: str
    when: str
    text: list[str]
    seconds: int
    own: SpokenTurn | None
    findings: list[dict[str, str]]
    error: str | None = None


@admin.get(ROOM)
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def spoken_turns(course_id: int) -> Response:
    """Show what is said at each turn."""
    return _page(course_id)


@admin.post(f"{ROOM}/{KIND}")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
@takes_up_to(lambda settings: spoken.MOST_BYTES + FORM_BYTES)  # noqa: ARG005
def replace_spoken(course_id: int, kind: str) -> AnyResponse:
    """Take a recording of the owner's own, or say why not."""
    turn, sent = TurnKind(kind), request.files.get(f"audio-{kind}")
    if sent is None or not sent.filename:
        return _page(course_id, {turn: (_("Choose a file first."), [])})
    file = OwnFile(name=sent.filename, chunks=_chunks(sent.stream))
    try:
        spoken.replace(house(), course_id, turn, file, now=now())
    except (InvalidInput, FileTooBig) as error:
        return _page(course_id, {turn: _refusal(error)})
    flash(_("Feeds now say it with your recording."), "good")
    return _back(course_id, turn)


@admin.post(f"{ROOM}/{KIND}/ours")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def put_spoken_back(course_id: int, kind: str) -> AnyResponse:
    """Say again what ships."""
    turn = TurnKind(kind)
    with house().database.writing() as session:
        spoken.put_back(session, course_id, turn, now=now())
    flash(_("Feeds now say it with our recording again."), "good")
    return _back(course_id, turn)


@admin.get(f"{ROOM}/{KIND}/audio")
@access.for_(Access.COURSE)
@needs(policy.may_edit_course)
def spoken_audio(course_id: int, kind: str) -> AnyResponse:
    """Send what feeds say at a turn now."""
    turn = TurnKind(kind)
    with house().database.reading() as session:
        course = get_course(session, course_id)
        own = spoken.in_use(spoken.own_of(session, course_id)).get(turn)
    if own is not None:
        return sending.send_audio(ObjectKey(own.object_key), own.content_type)
    return sending.send_bytes(shown(turn, course.language).read(), CONTENT_TYPE)


def _page(
    course_id: int, refusals: Mapping[TurnKind, tuple[str, list[dict[str, str]]]] | None = None
) -> Response:
    in_room("admin.course_room")
    refused = refusals or {}
    with house().database.reading() as session:
        course = get_course(session, course_id)
        own = spoken.in_use(spoken.own_of(session, course_id))
    lines = [
        _line(shown(kind, course.language), own.get(kind), refused.get(kind)) for kind in TurnKind
    ]
    page = render_template(
        "admin/spoken.html",
        course=course,
        lines=lines,
        longest=int(spoken.LONGEST.total_seconds()),
        size_limit=words.say_size(spoken.MOST_BYTES),
    )
    return make_response(page, UNPROCESSABLE if refused else 200)


def _line(
    ours: SpokenFile, own: SpokenTurn | None, refusal: tuple[str, list[dict[str, str]]] | None
) -> Line:
    name, when = NAMES[ours.kind]
    kept = words.findings(spoken.findings_of(own)) if own else []
    error, findings = refusal or (None, kept)
    return Line(
        kind=ours.kind.value,
        name=str(name),
        when=str(when),
        text=[line for line in texts(ours.language)[ours.kind].splitlines() if line],
        seconds=round((own or ours).duration_ms / 1000),
        own=own,
        findings=findings,
        error=error,
    )


def _refusal(error: InvalidInput | FileTooBig) -> tuple[str, list[dict[str, str]]]:
    """Answer why a file was not taken, and what was found about it."""
    if isinstance(error, SpokenTooLong):
        said = _(
            "It lasts %(seconds)s seconds, and may last %(most)s."
            " Make it shorter and choose it again.",
            seconds=error.seconds,
            most=error.most_seconds,
        )
        return said, []
    if isinstance(error, SpokenRefused):
        found = [each for each in error.findings if isinstance(each, Finding)]
        return _("This file cannot be used."), words.findings(found)
    size = words.say_size(spoken.MOST_BYTES)
    return _("This file is larger than %(size)s. Export it smaller.", size=size), []


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Read it from the disk where it lies."""
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def _back(course_id: int, kind: TurnKind) -> AnyResponse:
    room = url_for("admin.spoken_turns", course_id=course_id)
    return redirect(f"{room}#{kind.value}", SEE_OTHER)
