"""What the doctor asks the house that runs, by the address people use, and what it answers.

Both are signed with the secret keys. The question proves that whoever asks has them: to everybody
else there is nothing at that address. The answer proves that this very house gave it, to this very
question: not another program, nor another house, nor somebody on the way.
"""

import hashlib
import secrets
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

from app.errors import CadansError
from media.keys import ObjectKey, is_object_key, new_object_key

PATH: Final = "/hooks/doctor"
# How the question comes: `Authorization: Cadans-Doctor …`.
SCHEME: Final = "Cadans-Doctor"
# How old or early a question may be. Whoever keeps one learns how a later one would be answered;
# clocks that differ by more are told apart by the Date of the refusal.
WINDOW: Final = timedelta(minutes=5)
# A longer text is none of ours; nothing is computed over it.
MAX_CHARS: Final = 300
NONCE_BYTES: Final = 12
# Where the doctor's own objects lie in the store; she may ask for no other.
ROOM: Final = "doctor"


class QuestionInvalid(CadansError):
    """Not asked with a key of this house, or not now."""


class AnswerInvalid(CadansError):
    """Not given by this house to this question, or by a release that answers otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; `nonce` is what its answer is bound to.

    `object_key`: send this object of the doctor's, as audio is sent; None: say how it came in.
    """

    nonce: str
    text: str
    object_key: ObjectKey | None = None


def new_key() -> ObjectKey:
    """Answer the key for an object that the doctor puts into the store, and takes back."""
    return new_object_key(ROOM, "bin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How the house saw the question come in, and how it stands itself.

    `peer`: the machine that connected; `is_believed`: whether its X-Forwarded headers count;
    `caller` and `scheme`: what the house made of them. `forwarded_for` and `forwarded_proto` are
    the headers as they came, None where there was none. `busy`: threads of the process that
    answered which are at work, this question's among them, of `threads`; None: nobody knows.
    """

    at: datetime
    version: str
    base_url: str
    peer: str
    is_believed: bool
    caller: str
    scheme: str
    forwarded_for: str | None
    forwarded_proto: str | None
    busy: int | None
    threads: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseCalls:
    """Signs and opens questions and answers: the first key signs, all verify."""

    keys: tuple[str, ...]

    def ask(self, *, now: datetime, object_key: ObjectKey | None = None) -> Question:
        """Make a new question."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        text = self._serializer("asks").dumps([nonce, int(now.timestamp()), object_key])
        return Question(nonce=nonce, text=str(text), object_key=object_key)

    def open(self, text: str, *, now: datetime) -> Question:
        """Answer the question that came.

        Raises:
            QuestionInvalid: it is none of ours, or not of now.
        """
        if len(text) > MAX_CHARS:
            raise QuestionInvalid
        try:
            nonce, asked_at, object_key = self._serializer("asks").loads(text)
            apart = now - datetime.fromtimestamp(asked_at, UTC)
        except (BadData, ValueError, TypeError, OverflowError, OSError) as error:
            raise QuestionInvalid from error
        if abs(apart) > WINDOW or not (object_key is None or _is_hers(object_key)):
            raise QuestionInvalid
        return Question(nonce=str(nonce), text=text, object_key=object_key)

    def answer(self, question: Question, seen: Seen) -> str:
        """Make the answer to a question."""
        found = asdict(seen) | {"at": seen.at.isoformat()}
        return str(self._serializer(f"hears {question.nonce}").dumps(found))

    def read(self, question: Question, text: str) -> Seen:
        """Read the answer to a question.

        Raises:
            AnswerInvalid: it was not given to it by a house with these keys.
        """
        try:
            found: Any = self._serializer(f"hears {question.nonce}").loads(text)
            named = {each.name: found[each.name] for each in fields(Seen)}
            return Seen(**{**named, "at": datetime.fromisoformat(named["at"])})
        except (BadData, ValueError, TypeError, KeyError) as error:
            raise AnswerInvalid from error

    def _serializer(self, what: str) -> URLSafeSerializer:
        # itsdangerous signs with the last key of a list.
        return URLSafeSerializer(
            list(reversed(self.keys)),
            salt=f"cadans doctor {what}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )


def _is_hers(object_key: object) -> bool:
    return (
        isinstance(object_key, str)
        and is_object_key(object_key)
        and object_key.startswith(f"{ROOM}/")
    )
