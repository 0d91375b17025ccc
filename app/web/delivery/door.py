"""What both doors share: from a token to the standing of whoever holds it."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from app.db.standing import Standing, StandingReader
from app.house import House
from app.services.addresses import digest_of
from app.services.feeds import ServedCourse, ServedCourses
from app.web.delivery.answers import Answer
from app.web.delivery.counting import FetchCounter
from feeds.errors import InvalidToken
from feeds.tokens import VerifiedToken, verify_token

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


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

    def now(self) -> datetime:
        """Answer the instant of this request."""
        return self.house.clock()

    def course_of(self, standing: Standing) -> ServedCourse:
        """Answer the course as it stood when the standing was read, or later."""
        return self.courses.get(
            standing.course_id, standing.course_revision, standing.plan_revision
        )

    def stand(self, token: VerifiedToken) -> tuple[Standing, ServedCourse] | None:
        """Answer how the holder of a genuine token stands, and her course; None: it is no more.

        The course may have come to another plan since the standing was read. Then it is read once
        more: what was due under the old plan was written down in the same transaction, and a
        standing from before it would know nothing of that.
        """
        standing = self.find_standing(token)
        if standing is None:
            return None
        course = self.course_of(standing)
        if course.plan_revision != standing.plan_revision:
            standing = self.find_standing(token) or standing
        return standing, course

    def find_standing(self, token: VerifiedToken) -> Standing | None:
        """Answer how the holder of a genuine token stands; None: its address is no more."""
        standing = self.reader.find(token.random_id)
        if standing is None or standing.key_number != token.key_number:
            return None
        return standing

    def is_erased(self, token: VerifiedToken) -> bool:
        """Whether a genuine token without a standing was erased; else it never was, or is lost."""
        return self.reader.is_erased(digest_of(token.random_id))

    def find_token(self, text: str) -> VerifiedToken | None:
        """Answer what a token says; None: it is none of ours. Asks no database."""
        try:
            return verify_token(self.house.settings.feed_keys, text)
        except InvalidToken:
            return None
