"""Listen as a listener of day N would."""

from flask import render_template, request

from app import policy
from app.policy import Access
from app.services import previews, unlocks
from app.web import access
from app.web.admin.face import admin, get_course, needs
from app.web.babel import gettext as _
from app.web.babel import moment, ngettext
from app.web.current import house, now
from app.web.rhythm_forms import whole_number
from app.web.rhythms import say_rhythm


@admin.get("/admin/courses/<int:course_id>/listen")
@access.for_(Access.COURSE)
@needs(policy.may_edit_lessons)
def listen_as(course_id: int) -> str:
    """Show what somebody hears who starts now, so many days on."""
    day = min(whole_number(request.args.get("day", "")) or 0, previews.LAST_DAY)
    with house().database.reading() as session:
        course = get_course(session, course_id)
        found = previews.preview(session, course, day=day, now=now())
    turns = sorted({(each.at - now()).days for each in found.lessons if each.at is not None})
    return render_template(
        "admin/listen.html",
        course=course,
        day=day,
        preview=found,
        beats=[each.beat.value for each in found.lessons],
        label=_label(found, course.zone),
        days=turns,
        rhythm=say_rhythm(unlocks.course_rhythm(course)),
    )


def _label(found: previews.Preview, zone: str) -> str:
    """Say the beat row in words."""
    words = ngettext(
        "%(done)s of %(num)s lesson unlocked",
        "%(done)s of %(num)s lessons unlocked",
        len(found.lessons),
        done=found.unlocked,
    )
    if found.next_at is None:
        return words
    next_on = moment(found.next_at, zone).striptags()
    return _("%(words)s, the next on %(moment)s", words=words, moment=next_on)
