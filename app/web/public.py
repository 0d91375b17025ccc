"""The pages for everybody: the courses, one course and its sign-up form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug import Response as AnyResponse

from app import consent
from app.db.models import Course
from app.errors import CourseNotFound
from app.policy import Access, may_sign_up
from app.services import courses, shelf, signup, stories, unlocks
from app.services.email_addresses import Address, AddressInvalid, parse_address
from app.services.signup import NameInvalid, SignUp, SignUpClosed
from app.web import access, babel
from app.web.babel import gettext as _
from app.web.babel import lazy_gettext
from app.web.current import house, now
from app.web.links import cover_path, host, is_demo_seen_from_here, keeper, network
from app.web.rhythms import say_rhythm
from app.web.security import csrf

public = Blueprint("public", __name__)

MOVED: Final = 301
NOT_MODIFIED: Final = 304
UNPROCESSABLE: Final = 422
# A cover is never changed under its address.
FOR_EVER: Final = "public, max-age=31536000, immutable"
SUMMARY_CHARS: Final = 200
WORDS: Final = {
    NameInvalid: ("name", lazy_gettext("Fill in your name, in at most 200 letters.")),
    AddressInvalid: (
        "email",
        lazy_gettext("This is no e-mail address. Write it like name@example.org."),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The sign-up form as it came in: what was typed, and what of it is not right."""

    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)


@public.get("/")
@access.for_(Access.ANYONE)
def home() -> str:
    """Show the courses that people can sign up for."""
    with house().database.reading() as session:
        lines = [_shelf_line(each) for each in shelf.open_courses(session)]
    return render_template("public/home.html", courses=lines, my_url=url_for("my.home"))


@public.get("/<slug>")
@access.for_(Access.ANYONE)
def course(slug: str) -> AnyResponse:
    """Show a course; a slug that it once had leads to the one it has."""
    with house().database.reading() as session:
        try:
            found = shelf.get_visible(session, slug)
        except CourseNotFound:
            return _moved(session, slug, "public.course")
        return _course_page(session, found, Form())


@public.post("/<slug>")
@access.for_(Access.ANYONE)
def sign_up(slug: str) -> AnyResponse:
    """Take a sign-up. The answer is the same whoever is subscribed already."""
    with house().database.reading() as session:
        found = shelf.get_visible(session, slug)
        form = _read_form()
        if form.errors:
            return _course_page(session, found, form, UNPROCESSABLE)
        babel.speak(found.language)
    # Only a robot fills that in: let it think that all went well.
    if not request.form.get("website"):
        try:
            with house().database.writing() as session:
                signup.ask(session, _asked(found), network=network(), host=host(), now=now())
        except SignUpClosed:
            return redirect(url_for("public.course", slug=slug), 303)
    return _look_in_your_mailbox(form.values["email"], url_for("public.course", slug=slug))


@public.get("/<slug>/cover-<int:number>.<any(jpg, jpeg, png):extension>")
@access.for_(Access.ANYONE)
def cover(slug: str, number: int, extension: str) -> AnyResponse:
    """Send a course's cover."""
    with house().database.reading() as session:
        try:
            picture = shelf.get_cover(session, slug, number)
        except CourseNotFound:
            return _moved(session, slug, "public.cover", number=number, extension=extension)
    return _picture(picture, picture.content_type, lambda: shelf.read_cover(house().store, picture))


@public.get("/<slug>/cover-<int:number>-<int:side>.jpg")
@access.for_(Access.ANYONE)
def small_cover(slug: str, number: int, side: int) -> AnyResponse:
    """Send a course's cover as small as a page needs it."""
    if side not in shelf.COVER_SIDES:
        raise CourseNotFound(slug)
    with house().database.reading() as session:
        try:
            picture = shelf.get_cover(session, slug, number)
        except CourseNotFound:
            return _moved(session, slug, "public.small_cover", number=number, side=side)
    return _picture(
        picture, "image/jpeg", lambda: shelf.read_small_cover(house().store, picture, side)
    )


def _picture(
    picture: shelf.CoverPicture, content_type: str, read: Callable[[], bytes]
) -> AnyResponse:
    """Answer a picture that never changes; it is only read for who does not have it yet."""
    response = Response(mimetype=content_type)
    response.headers["Cache-Control"] = FOR_EVER
    response.set_etag(picture.key.rpartition("/")[2].partition(".")[0])
    response.make_conditional(request)
    if response.status_code != NOT_MODIFIED:
        response.set_data(read())
    return response


def _moved(session: Session, slug: str, endpoint: str, **values: Any) -> AnyResponse:  # noqa: ANN401 (as url_for)
    current = courses.find_current_slug(session, slug)
    if current is None:
        raise CourseNotFound(slug)
    return redirect(url_for(endpoint, slug=current, **values), MOVED)


def _course_page(session: Session, found: Course, form: Form, status: int = 200) -> AnyResponse:
    babel.speak(found.language)
    base_url = house().settings.base_url
    page = render_template(
        "public/course.html",
        course={
            "title": found.title,
            "author": found.author,
            "summary": _summary(found),
            "cover_url": cover_path(found),
            "story": Markup(stories.render_story(found.story)),  # noqa: S704 (cleaned by nh3)
            "is_open": may_sign_up(found.state),
        },
        rhythm=say_rhythm(unlocks.course_rhythm(found)),
        lessons=shelf.published_lessons(session, found.id, now=now()),
        values={"name": "", "email": ""} | dict(form.values),
        errors=form.errors,
        sign_up_url=url_for("public.sign_up", slug=found.slug, lang=request.args.get("lang")),
        keeper=keeper(),
        consent=consent.current(babel.current_language()),
        share_url=f"{base_url}{url_for('public.course', slug=found.slug)}",
        my_url=url_for("my.home"),
    )
    return make_response(page, status)


def _read_form() -> Form:
    values = {name: request.form.get(name, "").strip() for name in ("name", "email")}
    errors: dict[str, str] = {}
    for name, parse in (("name", signup.parse_name), ("email", parse_address)):
        try:
            parse(values[name])
        except (NameInvalid, AddressInvalid) as error:
            field_name, words = WORDS[type(error)]
            errors[field_name] = str(words)
    if not values["email"]:
        errors["email"] = _("Fill in your e-mail address: the link goes there.")
    if not values["name"]:
        errors["name"] = _("Fill in your name.")
    return Form(values=values, errors=errors)


def _asked(found: Course) -> SignUp:
    address: Address = parse_address(request.form["email"])
    return SignUp(
        course_id=found.id,
        name=signup.parse_name(request.form["name"]),
        address=address,
        language=babel.current_language(),
        zone=signup.find_zone(request.form.get("zone")),
        agreed_to=request.form.get("consent"),
    )


def _look_in_your_mailbox(email: str, back_url: str) -> AnyResponse:
    dev_mail_url = url_for("dev.mails") if is_demo_seen_from_here() else None
    return make_response(
        render_template(
            "public/check_mail.html",
            kind="sign-up",
            email=email,
            back_url=back_url,
            dev_mail_url=dev_mail_url,
        )
    )


def _shelf_line(line: shelf.ShelfCourse) -> dict[str, object]:
    return {
        "url": url_for("public.course", slug=line.course.slug),
        "title": line.course.title,
        "author": line.course.author,
        "summary": _summary(line.course),
        "cover_url": cover_path(line.course),
        "lesson_count": line.lesson_count,
        "rhythm": say_rhythm(unlocks.course_rhythm(line.course)),
    }


def _summary(found: Course) -> str:
    if found.summary:
        return found.summary
    words = stories.render_plain(found.story)
    return words if len(words) <= SUMMARY_CHARS else f"{words[:SUMMARY_CHARS].rpartition(' ')[0]}…"


# Signing up needs no cookie; browsers say themselves when another site sent the form.
csrf.exempt(sign_up)
