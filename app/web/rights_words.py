"""What the page on what is kept says of this very house: periods in words, and what was filled in.

No period stands in the page's own text: each comes from the constant or the setting that the code
goes by, so the page cannot promise something else.
"""

from datetime import timedelta
from functools import reduce

from app.services import erasures, mailing, signup, soft_bounces
from app.setting_rights import BLANKS, OPTIONAL
from app.settings import Settings
from app.web import babel
from app.web.babel import ngettext
from app.web.security import SESSION_LIFETIME

DAY = timedelta(days=1)


def say_days(period: timedelta) -> str:
    """Say a period in whole days, one that was begun counted as one."""
    return ngettext("%(num)s day", "%(num)s days", -(-period // DAY))


def say_periods(settings: Settings) -> dict[str, str | None]:
    """Answer how long this house keeps what; of `left` None: for ever.

    `web_log` and `backups` are what who runs the house says of things that are not ours: None when
    nothing was said, "" when there are none.
    """
    last_mail = reduce(timedelta.__add__, mailing.BACKOFF)
    return {
        "confirm": say_days(signup.CONFIRM_WITHIN),
        "fetches": say_days(settings.keep_fetches),
        "signs": say_days(settings.keep_signs),
        "soft_bounces": say_days(soft_bounces.KEPT_FOR),
        "mails": say_days(settings.keep_mails),
        "language": say_days(timedelta(seconds=babel.COOKIE_SECONDS)),
        "session": say_days(SESSION_LIFETIME),
        "left": say_days(settings.keep_left) if settings.keep_left else None,
        "cool_off": say_days(erasures.COOL_OFF),
        "last_mail": say_days(last_mail),
        "web_log": _say_filled_in(settings, "web_log_days"),
        "backups": _say_filled_in(settings, "backup_days"),
    }


def say_own(settings: Settings) -> dict[str, str | None]:
    """Answer what who runs the house filled in, in the language of the page; None: a blank."""
    language = babel.current_language()
    return {key: settings.privacy.say(key, language) for key in (*BLANKS, *OPTIONAL)}


def _say_filled_in(settings: Settings, key: str) -> str | None:
    days = settings.privacy.days.get(key)
    if days is None:
        return None
    return say_days(timedelta(days=days)) if days else ""
