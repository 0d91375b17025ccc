"""What is typed about a course, as fields or as sentences about what is wrong with them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from zoneinfo import available_timezones

from babel.numbers import format_decimal

from app.services.courses import CourseFields
from app.web.babel import current_language
from app.web.babel import gettext as _
from app.web.rhythm_forms import (
    Choices,
    hour_choices,
    read_rhythm,
    weekday_choices,
    whole_number,
    zone_choices,
)
from app.words import LANGUAGES
from feeds.categories import category_names

LONGEST_MINUTES: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseForm:
    """What was typed; `fields` None: something is wrong, `errors` says what."""

    values: Mapping[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    fields: CourseFields | None = None

    @property
    def version(self) -> int:
        """The version that the form was filled in over."""
        return whole_number(self.values.get("version", "")) or 0


def parse(typed: Mapping[str, str]) -> CourseForm:
    """Read the form of a course."""
    values = dict(typed)
    errors: dict[str, str] = {}
    if not values.get("title", "").strip():
        errors["title"] = _("Give the course a title.")
    rhythm = read_rhythm(values, errors)
    target = _minutes(values, "target", errors)
    tolerance = _minutes(values, "tolerance", errors)
    _check_choices(values, errors)
    if errors:
        return CourseForm(values=values, errors=errors)
    fields = CourseFields(
        title=values["title"],
        author=values.get("author", ""),
        summary=values.get("summary", ""),
        story=values.get("story", ""),
        slug=values.get("slug", "").strip() or None,
        language=values["language"],
        category=values["category"],
        zone=values["zone"],
        is_explicit=values.get("is_explicit") == "1",
        may_hurry=values.get("may_hurry") == "1",
        rhythm=rhythm,
        target=target,
        tolerance=tolerance,
    )
    return CourseForm(values=values, fields=fields)


def typed(fields: CourseFields, version: int) -> dict[str, str]:
    """Answer what would have to be typed to get these fields."""
    return {
        "title": fields.title,
        "slug": fields.slug or "",
        "author": fields.author,
        "language": fields.language,
        "summary": fields.summary,
        "story": fields.story,
        "category": fields.category,
        "is_explicit": "1" if fields.is_explicit else "",
        "may_hurry": "1" if fields.may_hurry else "",
        "zone": fields.zone,
        "rhythm": fields.rhythm.kind.value,
        "every_days": str(fields.rhythm.every_days or ""),
        "weekday": "" if fields.rhythm.weekday is None else str(fields.rhythm.weekday),
        "hour": "" if fields.rhythm.hour is None else str(fields.rhythm.hour),
        "target": _say_minutes(fields.target),
        "tolerance": _say_minutes(fields.tolerance),
        "version": str(version),
    }


def differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> list[dict[str, str]]:
    """Answer what stands differently in two forms, by label, for people to choose from."""
    labels = {
        "title": _("Title"),
        "slug": _("Address"),
        "author": _("Made by"),
        "language": _("Language"),
        "summary": _("In one sentence"),
        "story": _("Story"),
        "category": _("Category"),
        "is_explicit": _("Not for children"),
        "zone": _("Time zone"),
        "rhythm": _("Rhythm"),
        "every_days": _("Days between lessons"),
        "weekday": _("Weekday"),
        "hour": _("Hour"),
        "may_hurry": _("Listeners may have their next lesson now"),
        "target": _("Length of a lesson, in minutes"),
        "tolerance": _("Give or take, in minutes"),
        "notes": _("Notes"),
        "release_at": _("Date"),
    }
    return [
        {"label": label, "mine": mine.get(name, ""), "theirs": theirs.get(name, "")}
        for name, label in labels.items()
        if _plain(mine.get(name, "")) != _plain(theirs.get(name, ""))
    ]


def choices() -> dict[str, Choices]:
    """Answer what can be chosen from in the form."""
    return {
        "languages": [("nl", "Nederlands"), ("en", "English")],
        "categories": [(name, name) for name in category_names()],
        "zones": zone_choices(),
        "weekdays": weekday_choices(),
        "hours": hour_choices(),
    }


def _minutes(values: Mapping[str, str], name: str, errors: dict[str, str]) -> timedelta:
    try:
        minutes = float(values.get(name, "").strip().replace(",", "."))
    except ValueError:
        minutes = -1.0
    # Written so that "nan" is refused too.
    if not (0 <= minutes <= LONGEST_MINUTES and (minutes > 0 or name == "tolerance")):
        errors[name] = _("Write a number of minutes, such as 15.")
        return timedelta()
    return timedelta(seconds=max(round(minutes * 60), 0 if name == "tolerance" else 1))


def _say_minutes(length: timedelta) -> str:
    """Answer minutes as people write them; two decimals are enough to read a second back."""
    minutes = length / timedelta(minutes=1)
    return str(format_decimal(minutes, format="0.##", locale=current_language()))


def _check_choices(values: Mapping[str, str], errors: dict[str, str]) -> None:
    if values.get("language") not in LANGUAGES:
        errors["language"] = _("Choose a language.")
    if values.get("category") not in category_names():
        errors["category"] = _("Choose a category from the list.")
    if values.get("zone") not in available_timezones():
        errors["zone"] = _("Choose a time zone.")


def _plain(text: str) -> str:
    # Browsers send line ends in their own way, and services trim.
    return text.replace("\r\n", "\n").strip()
