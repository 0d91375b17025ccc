"""Follow in your app: one tap per app, the address itself, and the lessons to hear right here."""

import uuid
from typing import Final

import segno
from flask import render_template, request, url_for
from markupsafe import Markup

from app.policy import Access
from app.services import positions, progress, subscriptions, unlocks
from app.services.addresses import feed_path
from app.setting_values import is_loopback
from app.web import access
from app.web.babel import gettext as _
from app.web.babel import lazy_gettext
from app.web.current import house, now
from app.web.links import feed_addresses
from app.web.my.face import my, reader, speak_as
from app.web.my.listening import describe_lesson, save_url
from app.web.my.shelf import describe
from feeds.apps import AppLink, Platform, app_links

GROUPS: Final = (
    ("iphone", Platform.IOS, lazy_gettext("iPhone or iPad")),
    ("android", Platform.ANDROID, lazy_gettext("Android phone")),
    ("computer", Platform.DESKTOP, lazy_gettext("Computer")),
)


@my.get("/my/follow/<uuid:public_id>")
@access.for_(Access.LISTENER)
def follow(public_id: uuid.UUID) -> str:
    """Show the way into her app."""
    who = reader()
    with house().database.reading() as rows:
        subscription = subscriptions.get_of_listener(
            rows, who.listener.id, public_id, only=who.only
        )
        plan = unlocks.get_plan(rows, subscription.id)
        shown = progress.of_plan(rows, plan, now=now())
        token = feed_addresses().get_token(rows, subscription.id)
        heard = positions.of_subscription(rows, subscription.id)
    speak_as(subscription)
    feed_url = f"{house().settings.base_url}{feed_path(token)}"
    about = describe(shown, plan)
    return render_template(
        "public/follow.html",
        course=about,
        **{name: about[name] for name in ("beats", "beats_label", "state", "zone")},
        app_groups=_app_groups(feed_url),
        feed_url=feed_url,
        address_parts=address_parts(feed_url),
        qr=qr_svg(feed_url),
        is_loopback=is_loopback(house().settings.base_url),
        lessons=[describe_lesson(step, token, heard) for step in shown.steps],
        save_url=save_url(subscription),
        my_url=url_for("my.home"),
        leave_url=about["leave_url"],
    )


def address_parts(feed_url: str) -> list[str]:
    """Answer an address in pieces of ten signs from its token on: what an eye can hold."""
    start, slash, rest = feed_url.rpartition("/")
    return [start + slash, *(rest[at : at + 10] for at in range(0, len(rest), 10))]


def qr_svg(text: str) -> Markup:
    """Draw a text as a QR code: black on white whatever the page's colours, as cameras want it."""
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        border=2, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return Markup(drawn)  # noqa: S704 (made of numbers by segno)


def _app_groups(feed_url: str) -> list[dict[str, object]]:
    hers = _device()
    offered = app_links(feed_url)
    return [
        {
            "key": key,
            "label": str(label),
            "is_hers": key == hers,
            "apps": [
                {"name": app.name, "url": app.url, "help": _help(app.code, platform)}
                for app in _in_her_order(offered)
                if platform in app.platforms
            ],
        }
        for key, platform, label in GROUPS
    ]


def _in_her_order(offered: tuple[AppLink, ...]) -> list[AppLink]:
    """Put what only runs on a Mac behind the rest, for who sits at another computer."""
    is_apple = any(word in request.user_agent.string for word in ("Macintosh", "iPhone", "iPad"))
    return sorted(offered, key=lambda app: app.code == "apple" and not is_apple)


def _help(code: str, platform: Platform) -> str | None:
    if platform is Platform.DESKTOP:
        return {"apple": _("on a Mac"), "gpodder": _("Windows, Mac and Linux; free")}.get(code)
    return {"antennapod": _("free, without advertising")}.get(code)


def _device() -> str:
    agent = request.user_agent.string
    if "Android" in agent:
        return "android"
    return "iphone" if "iPhone" in agent or "iPad" in agent else "computer"
