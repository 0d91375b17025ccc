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

PATH: Final = "/hooks/doctor"
# How the question comes: `Authorization: Cadans-Doctor …`.
SCHEME: Final = "Cadans-Doctor"
# How old or early a question may be. Whoever keeps one learns how a later one would be answered;
# clocks that differ by more are told apart by the Date of the refusal.
WINDOW: Final = timedelta(minutes=5)
# A longer text is none of ours; nothing is computed over it.
MAX_CHARS: Final = 300
NONCE_BYTES: Final = 12


class QuestionInvalid(CadansError):
    """Not asked with a key of this house, or not now."""


class AnswerInvalid(CadansError):
    """Not given by this house to this question, or by a release that answers otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; `nonce` is what its answer is bound to."""

    nonce: str
    text: str


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

    def ask(self, *, now: datetime) -> Question:
        """Make a new question."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        text = self._serializer("asks").dumps([nonce, int(now.timestamp())])
        return Question(nonce=nonce, text=str(text))

    def open(self, text: str, *, now: datetime) -> Question:
        """Answer the question that came.

        Raises:
            QuestionInvalid: it is none of ours, or not of now.
        """
        if len(text) > MAX_CHARS:
            raise QuestionInvalid
        try:
            nonce, asked_at = self._serializer("asks").loads(text)
            apart = now - datetime.fromtimestamp(asked_at, UTC)
        except (BadData, ValueError, TypeError, OverflowError, OSError) as error:
            raise QuestionInvalid from error
        if abs(apart) > WINDOW:
            raise QuestionInvalid
        return Question(nonce=str(nonce), text=text)

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
