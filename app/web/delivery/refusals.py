"""What a refused request reads: one line, in the course's language."""

from app.services.delivery import Decision, Verdict
from app.services.feeds import ServedCourse
from app.words import catalogue, say_moment


def line_for(decision: Decision, course: ServedCourse, *, zone: str) -> str:
    """Answer why not, for a verdict that is neither allowed nor unknown; dates on her clock."""
    _ = catalogue(course.language).gettext
    if decision.verdict is Verdict.CLOSED:
        return _("This address no longer plays. Your new one is in our mail.")
    if decision.verdict is Verdict.REMOVED:
        return _("This lesson was taken down.")
    number = decision.lesson.number if decision.lesson else None
    if decision.unlocks_at is None:
        return _("Lesson %(number)s is not unlocked yet.") % {"number": number}
    moment = say_moment(
        decision.unlocks_at, zone=zone, house_zone=course.zone, language=course.language
    )
    return _("Lesson %(number)s unlocks on %(moment)s.") % {"number": number, "moment": moment}
