"""The line on which the doctor asks the house by BASE_URL, through whatever stands in front.

The certificate is another look's (`house_tls`): here both sides prove who they are by their
signatures, so that one fault is said once.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import httpx

from app.clock import system_clock
from app.doctor.house_clock import Moment
from app.services.house_calls import PATH, SCHEME, AnswerInvalid, HouseCalls, Seen
from app.settings import Settings
from media.keys import ObjectKey

TIMEOUT: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One answer; `seen` None: it is not from this house, or it is an object."""

    response: httpx.Response
    moment: Moment
    seen: Seen | None

    @property
    def took(self) -> timedelta:
        """Answer how long it took."""
        return self.moment.ended_at - self.moment.begun_at


def open_line(settings: Settings) -> httpx.Client:
    """Answer a line to whoever answers; nothing said on it is of use to others, or made by them."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return httpx.Client(verify=context, timeout=TIMEOUT, base_url=settings.base_url)


def ask(
    line: httpx.Client,
    settings: Settings,
    *,
    headers: Mapping[str, str] | None = None,
    object_key: ObjectKey | None = None,
) -> Heard:
    """Ask how the question came in, or for an object of the doctor's.

    Raises:
        httpx.HTTPError: nobody answers.
    """
    calls = HouseCalls(keys=settings.secret_keys)
    begun_at = system_clock()
    question = calls.ask(now=begun_at, object_key=object_key)
    authorization = {"Authorization": f"{SCHEME} {question.text}"}
    response = line.get(PATH, headers={**authorization, **(headers or {})})
    moment = Moment(begun_at=begun_at, ended_at=system_clock())
    try:
        seen = calls.read(question, response.text.strip())
    except AnswerInvalid:
        seen = None
    return Heard(response=response, moment=moment, seen=seen)
