"""What both doors share: from a token to the standing of whoever holds it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from app.db.asking import StandingReader
from app.db.standing import Standing
from app.house import House
from app.services.addresses import digest_of
from app.services.delivery import is_settled
from app.services.feeds import ServedCourse, ServedCourses
from app.web.delivery.answers import Answer
from app.web.delivery.counting import FetchCounter
from app.web.delivery.memory import Remembered, StandingMemory
from app.web.delivery.signed import SignedAddresses
from app.web.delivery.store_watch import StoreWatch
from feeds.errors import InvalidToken
from feeds.tokens import VerifiedToken, verify_token

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


T = TypeVar("T")


class _Overtaken(NamedTuple):
    """A standing under a plan that is no longer its course's."""

    standing: Standing


def _both(standing: Standing, course: ServedCourse) -> tuple[Standing, ServedCourse]:
    return standing, course


class Door(Protocol):
    """Answers the requests under one prefix."""

    def answer(self, environ: "WSGIEnvironment") -> Answer:
        """Answer one request."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a door reaches for."""

    house: House
    reader: StandingReader
    courses: ServedCourses
    counter: FetchCounter
    memory: StandingMemory
    store_watch: StoreWatch
    signed: SignedAddresses

    def now(self) -> datetime:
        """Answer the instant of this request."""
        return self.house.clock()

    def course_of(self, standing: Standing) -> ServedCourse:
        """Answer the course as it stood when the standing was read, or later."""
        return self.courses.get(
            standing.course_id, standing.course_revision, standing.plan_revision
        )

    def stand(self, token: VerifiedToken) -> tuple[Standing, ServedCourse] | None:
        """Answer how the holder of a genuine token stands, and her course; None: it is no more."""
        return self.look(token, _both)

    def look(self, token: VerifiedToken, see: Callable[[Standing, ServedCourse], T]) -> T | None:
        """Answer what `see` makes of how the holder of a genuine token stands; None: it is no more.

        The course may have come to another plan since the standing was read. Then it is read once
        more: what was due under the old plan was written down in the same transaction, and a
        standing from before it would know nothing of that.
        """

        def work(standing: Standing | None) -> T | _Overtaken | None:
            if standing is None or standing.key_number != token.key_number:
                return None
            course = self.course_of(standing)
            if course.plan_revision != standing.plan_revision:
                return _Overtaken(standing)
            return see(standing, course)

        seen = self.reader.work_out(token.random_id, work)
        if isinstance(seen, _Overtaken):
            standing = self.reader.find(token.random_id) or seen.standing
            return see(standing, self.course_of(standing))
        return seen

    def recall(self, token: VerifiedToken) -> tuple[Remembered, ServedCourse] | None:
        """Answer how the holder of a genuine token stood when last asked; None: better not say.

        It is said until her next lesson is due: whether that came to her, nobody can look up now.
        """
        now = self.now()
        known = self.memory.recall(token.random_id, now)
        if known is None or known.standing.key_number != token.key_number:
            return None
        course = self.courses.find_known(known.standing.course_id)
        # Settled is what was written down under the plan that this course has now.
        if course is None or not is_settled(known.standing, course, now):
            return None
        return known, course

    def is_erased(self, token: VerifiedToken) -> bool:
        """Whether a genuine token without a standing was erased; else it never was, or is lost."""
        return self.reader.is_erased(digest_of(token.random_id))

    def find_token(self, text: str) -> VerifiedToken | None:
        """Answer what a token says; None: it is none of ours. Asks no database."""
        try:
            return verify_token(self.house.settings.feed_keys, text)
        except InvalidToken:
            return None
