"""Audio that the house sends itself, or nginx for it: whether a listener would get it."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import httpx

from app.doctor.house_asking import ask
from app.doctor.report import Check, Grade
from app.services.house_calls import new_key
from app.setting_values import AudioDelivery
from app.settings import Settings
from media.errors import MediaError
from media.location import S3Location
from media.store import Store

PART: Final = slice(7, 13)
REMEDIES: Final[Mapping[AudioDelivery, str]] = {
    AudioDelivery.ACCEL: (
        "Let nginx send the store's folder at /_store/ (scripts/deploy/nginx/cadans.conf), and let"
        " its user read there."
    ),
    AudioDelivery.SERVE: "See that `cadans serve` may read the store.",
    AudioDelivery.REDIRECT: "See that `cadans serve` may read the store.",
}


def look_at_audio(line: httpx.Client, settings: Settings, store: Store) -> list[Check]:
    """Put an object into the store and let the house send a part of it as it sends audio.

    Where the store sends audio itself there is nothing to see here: `house_store` looks at that.

    Raises:
        httpx.HTTPError: the house does not answer.
    """
    if settings.audio is AudioDelivery.REDIRECT and isinstance(settings.store, S3Location):
        return []
    key = new_key()
    content = key.encode()
    try:
        store.put(key, [content], "application/octet-stream")
    except MediaError:
        # What is wrong with the store says the look at the store.
        return []
    try:
        headers = {"Range": f"bytes={PART.start}-{PART.stop - 1}"}
        response = ask(line, settings, headers=headers, object_key=key).response
    finally:
        with suppress(MediaError):
            store.delete(key)
    return [_judge(settings.audio, response, content)]


def _judge(audio: AudioDelivery, response: httpx.Response, content: bytes) -> Check:
    status = response.status_code
    if status == httpx.codes.PARTIAL_CONTENT and response.content == content[PART]:
        words = "Listeners get audio through this house, and can go on in the middle."
        return Check(code="audio", grade=Grade.OK, message=words)
    words = f"Audio does not come through (CADANS_AUDIO={audio}): the answer is {status}."
    if status == httpx.codes.OK and response.content == content:
        words = "Audio comes whole where a part was asked for: nobody can go on in the middle."
    return Check(code="audio", grade=Grade.FAIL, message=words, remedy=REMEDIES[audio])
