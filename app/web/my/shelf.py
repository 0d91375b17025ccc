"""My courses: every subscription with its beat row."""

from flask import render_template, url_for
from sqlalchemy.orm import Session

from app.services import erasures, progress, subscriptions, suppressions, unlocks
from app.services.progress import Progress
from app.services.unlocks import Plan
from app.web import babel
from app.web.current import house, now
from app.web.links import cover_path
from app.web.my.face import Reader, speak_as
from feeds.lives import find_running, local_day


def my_courses(reader: Reader) -> str:
    """Answer the page of her courses."""
    with house().database.reading() as rows:
        all_of_hers = subscriptions.of_listener(rows, reader.listener.id, only=reader.only)
        # What she began again stands there once, as it is now.
        own = [each for each in all_of_hers if each.successor_id is None]
        if own:
            speak_as(own[0])
        erasure = find_erasure(rows, reader)
        silence = suppressions.find(rows, reader.listener.email_key)
        plans = unlocks.load_plans(rows, own)
        cards = [_card(rows, plan) for plan in plans]
    return render_template(
        "public/my.html",
        subscriptions=cards,
        email=reader.listener.email,
        details_url=url_for("my.details_page"),
        sign_out_url=url_for("my.sign_out"),
        home_url=url_for("public.home"),
        erasure=erasure,
        silence=silence.reason.value if silence else None,
        export_url=url_for("my.export_page"),
        erase_url=url_for("my.erase_page") if reader.only is None else None,
        ask_url=url_for("my.ask") if reader.only is not None else None,
    )


def find_erasure(rows: Session, reader: Reader) -> dict[str, object] | None:
    """Answer what pages say of her wish to be erased; None: she has none.

    Undone on a page it is only by who asked for a link herself; the mail about it can always.
    """
    erasure = erasures.find(rows, reader.listener.id)
    if erasure is None:
        return None
    undo_url = url_for("my.keep_me") if reader.only is None else None
    zone = subscriptions.zone_of(rows, reader.listener.id)
    return {"due_at": erasure.due_at, "zone": zone, "undo_url": undo_url}


def speak_as_hers(reader: Reader) -> None:
    """Let a page that is about her, not about one course, speak the language of her newest one."""
    with house().database.reading() as rows:
        own = subscriptions.of_listener(rows, reader.listener.id, only=reader.only)
    if own:
        speak_as(own[0])


def describe(shown: Progress, plan: Plan) -> dict[str, object]:
    """Answer what her pages say of one subscription."""
    course, subscription = shown.course, plan.subscription
    return {
        "title": course.title,
        "cover_url": cover_path(course),
        "beats": shown.beats,
        "beats_label": shown.label(babel.current_language()),
        "state": shown.state.value,
        "paused": paused(plan),
        "next_at": shown.next_at,
        "zone": subscription.zone,
        "page_url": url_for("my.course_page", public_id=subscription.public_id),
        "leave_url": url_for("my.leave_page", public_id=subscription.public_id),
    }


def paused(plan: Plan) -> dict[str, object] | None:
    """Answer until when lessons wait, as parts/standing.html says it; None: they come."""
    running = find_running(plan.life.pauses, local_day(plan.life, now()))
    if running is None or plan.subscription.ended_at is not None:
        return None
    return {"until": babel.say_day(running.ends_on) if running.ends_on else None}


def _card(rows: Session, plan: Plan) -> dict[str, object]:
    shown = progress.of_plan(rows, plan, now=now())
    return {
        **describe(shown, plan),
        "follow_url": url_for("my.follow", public_id=plan.subscription.public_id),
        "course_url": url_for("public.course", slug=plan.course.slug),
    }
