"""What the page on what is kept says of this very house: periods in words, and what was filled in.

No period stands in the page's own text: each comes from the constant or the setting that the code
goes by, so the page cannot promise something else.
"""

from datetime import timedelta
from functools import reduce
from typing import Final

from app.services import erasures, mailing, signup, soft_bounces
from app.setting_rights import BLANKS, OPTIONAL
from app.settings import Settings
from app.web import babel
from app.web.babel import ngettext
from app.web.security import SESSION_LIFETIME

DAY: Final = timedelta(days=1)
DAYS_OF_A_YEAR: Final = 365


def say_period(period: timedelta) -> str:
    """Say a period in whole years or else in days, one that was begun counted as one."""
    days = -(-period // DAY)
    years, rest = divmod(days, DAYS_OF_A_YEAR)
    if years and not rest:
        return ngettext("%(num)s year", "%(num)s years", years)
    return ngettext("%(num)s day", "%(num)s days", days)


def say_periods(settings: Settings) -> dict[str, str | None]:
    """Answer how long this house keeps what; of `left` None: for ever.

    `web_log` and `backups` are what who runs the house says of things that are not ours: None when
    nothing was said, "" when there are none.
    """
    last_mail = reduce(timedelta.__add__, mailing.BACKOFF)
    return {
        "confirm": say_period(signup.CONFIRM_WITHIN),
        "fetches": say_period(settings.keep_fetches),
        "signs": say_period(settings.keep_signs),
        "soft_bounces": say_period(soft_bounces.KEPT_FOR),
        "mails": say_period(settings.keep_mails),
        "language": say_period(timedelta(seconds=babel.COOKIE_SECONDS)),
        "session": say_period(SESSION_LIFETIME),
        "left": say_period(settings.keep_left) if settings.keep_left else None,
        "cool_off": say_period(erasures.COOL_OFF),
        "last_mail": say_period(last_mail),
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
    return say_period(timedelta(days=days)) if days else ""
