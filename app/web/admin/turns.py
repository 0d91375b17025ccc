"""The turns of a course: what each does, and the words with which it asks first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from app.db.models import Course
from app.services import openings
from app.web.babel import lazy_gettext as later


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One turn; `question` takes the course's name. Said in the language of the page."""

    carry_out: Callable[..., Course]
    question: str
    meanings: tuple[str, ...]
    label: str
    done: str
    is_danger: bool = False


TURNS: Final[dict[str, Turn]] = {
    "open": Turn(
        carry_out=openings.open_course,
        question=later("Open “%(name)s” for sign-up?"),
        meanings=(
            later("Everybody sees its page and can sign up."),
            later("Who confirms hears the first lesson at once; the others come in the rhythm."),
        ),
        label=later("Open the course"),
        done=later("The course is open. Share the address of its page."),
    ),
    "close": Turn(
        carry_out=openings.close_course,
        question=later("Close “%(name)s”?"),
        meanings=(
            later("Nobody new can sign up. Who listens already goes on, and gets every lesson."),
            later("You can open it again at any time."),
        ),
        label=later("Close the course"),
        done=later("The course is closed. Who listens goes on."),
        is_danger=True,
    ),
    "archive": Turn(
        carry_out=openings.archive_course,
        question=later("Archive “%(name)s”?"),
        meanings=(
            later("Its page is gone for everybody, and nobody new can sign up."),
            later("Who listens already keeps the feed. You can open the course again."),
        ),
        label=later("Archive the course"),
        done=later("The course is archived."),
        is_danger=True,
    ),
    "finish": Turn(
        carry_out=openings.finish,
        question=later("Is “%(name)s” finished?"),
        meanings=(
            later("You say that no more lessons come."),
            later(
                "Who has every lesson is told that the course is complete. Some apps then stop"
                " looking for new lessons for good."
            ),
            later("If you add a lesson later after all, not everybody may notice."),
        ),
        label=later("Yes, it is finished"),
        done=later("The course is finished. Who has every lesson is told that it is complete."),
    ),
    "unfinish": Turn(
        carry_out=openings.unfinish,
        question=later("Do more lessons come in “%(name)s”?"),
        meanings=(
            later("The course is no longer called complete."),
            later("Apps that stopped looking when it was complete may not notice new lessons."),
        ),
        label=later("Yes, more lessons come"),
        done=later("The course goes on: more lessons may come."),
    ),
}
