"""One examination of a feed: look, judge, and a verdict per app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.doctor.addresses import mask
from app.doctor.extras import judge_extras, judge_privacy
from app.doctor.fetch import Fetcher
from app.doctor.look import Seen, Tell, Wanted, look
from app.doctor.polling import judge_polling, refused_apps
from app.doctor.report import Check, Grade
from app.doctor.rules import judge_document
from app.doctor.sound import judge_sounds
from app.doctor.verdicts import Verdict, judge_apps


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was found at an address."""

    address: str
    """Masked, unless it was asked for in full."""
    title: str
    items: int
    listened_to: int
    checks: tuple[Check, ...]
    verdicts: tuple[Verdict, ...]

    def as_json(self) -> Mapping[str, object]:
        """Answer the object that `--json` prints."""
        return {
            "address": self.address,
            "title": self.title,
            "items": self.items,
            "recordings_looked_at": self.listened_to,
            "checks": [check.as_json() for check in self.checks],
            "apps": [verdict.as_json() for verdict in self.verdicts],
        }


def examine(
    fetcher: Fetcher, wanted: Wanted, tell: Tell, *, is_address_shown: bool = False
) -> Report:
    """Look at a feed as apps would, and say what is found.

    Raises:
        FeedUnreachable: nobody answered.
    """
    seen = look(fetcher, wanted, tell)
    checks = judge(seen)
    found = {check.code for check in checks if check.grade is not Grade.OK}
    document = seen.document
    return Report(
        address=wanted.address if is_address_shown else mask(wanted.address),
        title=document.title if document else "",
        items=len(document.items) if document else 0,
        listened_to=len(seen.sounds),
        checks=checks,
        verdicts=judge_apps(found, refused_apps(seen)),
    )


def judge(seen: Seen) -> tuple[Check, ...]:
    """Answer every finding, and a good word for each subject in which nothing is wrong."""
    checks = [
        *judge_polling(seen),
        *judge_document(seen),
        *judge_sounds(seen),
        *judge_extras(seen),
        *judge_privacy(seen),
    ]
    return (*checks, *_good_words(seen, checks))


def _good_words(seen: Seen, checks: Sequence[Check]) -> list[Check]:
    found = {check.code.partition(".")[0] for check in checks if check.grade is not Grade.OK}
    document = seen.document
    if document is None:
        return []
    said = (
        ("channel", True, "The feed describes itself as Apple Podcasts and PSP-1 ask."),
        ("items", True, "Every item has a title, a date and a guid of its own."),
        ("cover", seen.cover is not None, "The cover is there, square and of a good size."),
        ("audio", bool(seen.sounds), "The audio is there, in pieces too, and is what it says."),
        ("transcript", _has(seen, "transcript"), "Transcripts are there."),
        ("chapters", _has(seen, "chapters"), "Chapters are there."),
        ("privacy", document.says_private, "Directories and search engines are told to stay away."),
    )
    return [
        Check(code=f"{subject}.fine", grade=Grade.OK, message=message)
        for subject, is_there, message in said
        if is_there and subject not in found
    ]


def _has(seen: Seen, kind: str) -> bool:
    return any(asset.kind == kind for asset, _ in seen.assets)
