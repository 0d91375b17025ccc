"""Listen in the browser: where she is in a lesson comes from one device and goes to the next."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from flask import Response, jsonify, request, url_for

from app.db.models import Subscription
from app.policy import Access
from app.services import positions, subscriptions
from app.services.feeds import audio_path
from app.services.positions import Heard
from app.services.progress import LessonStep
from app.web import access
from app.web.babel import gettext as _
from app.web.current import house, now
from app.web.my.face import my, reader, speak_as
from app.words import say_length
from feeds.tokens import FeedToken

MINUTE: Final = timedelta(minutes=1)


@my.post("/my/listening/<uuid:public_id>")
@access.for_(Access.LISTENER)
def save_position(public_id: uuid.UUID) -> Response:
    """Remember where she is in a lesson; answer the sentence that says how far that is."""
    who = reader()
    with house().database.writing() as rows:
        subscription = subscriptions.get_of_listener(
            rows, who.listener.id, public_id, only=who.only
        )
        said = positions.parse_said(request.form)
        lesson = positions.save(rows, subscription.id, said, now=now())
    speak_as(subscription)
    return jsonify({"heard": say_heard(lesson.heard, lesson.duration_ms)})


def save_url(subscription: Subscription) -> str:
    """Answer where the players of one subscription say where she is."""
    return url_for("my.save_position", public_id=subscription.public_id)


def describe_lesson(
    step: LessonStep, token: FeedToken | None, heard: Mapping[int, Heard]
) -> dict[str, object]:
    """Answer what a list of lessons needs of one; without a token nothing plays."""
    recording = step.recording
    audio_url = None
    if token is not None and recording is not None and step.unlocked_at is not None:
        audio_url = audio_path(step.lesson.public_id, recording.number, recording.extension, token)
    return {
        "title": step.lesson.title,
        "public_id": step.lesson.public_id,
        "heard": describe_heard(heard.get(step.lesson.id), step),
        "duration_ms": recording.duration_ms if recording else None,
        "audio_url": audio_url,
        "unlocks_at": step.unlocks_at,
    }


def describe_heard(heard: Heard | None, step: LessonStep) -> dict[str, object] | None:
    """Answer what a player must know of where she was; None: she never heard it here."""
    if heard is None:
        return None
    duration_ms = step.recording.duration_ms if step.recording else None
    return {
        "words": say_heard(heard, duration_ms),
        "is_finished": heard.is_finished,
        "resume_ms": heard.resume_ms,
        "resume_seconds": heard.resume_ms // 1000,
        "resume_at": say_place(heard.resume_ms),
        "age_ms": max(0, (now() - heard.updated_at) // timedelta(milliseconds=1)),
    }


def say_heard(heard: Heard, duration_ms: int | None) -> str:
    """Say how much of a lesson she has heard: "12 of 15 min heard"."""
    if heard.is_finished:
        return _("Heard")
    if duration_ms is None:
        return _("%(heard)s heard", heard=say_length(heard.heard_ms))
    whole = round(timedelta(milliseconds=duration_ms) / MINUTE)
    done = timedelta(milliseconds=heard.heard_ms) // MINUTE
    if not done or not whole:
        return _(
            "%(heard)s of %(whole)s heard",
            heard=say_length(heard.heard_ms),
            whole=say_length(duration_ms),
        )
    return _("%(done)s of %(whole)s min heard", done=min(done, whole), whole=whole)


def say_place(milliseconds: int) -> str:
    """Write a place in a recording as players do: "12:03", "1:02:03"."""
    whole_minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, rest = divmod(whole_minutes, 60)
    return f"{hours}:{rest:02}:{seconds:02}" if hours else f"{rest}:{seconds:02}"
