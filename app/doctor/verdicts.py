"""One verdict per app in words, from what the checks found and how that app behaves. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from app.doctor.apps import APPS, GPODDER, App, Condition
from app.doctor.report import Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of the feed in one app."""

    app: str
    grade: Grade
    sentence: str

    def as_json(self) -> Mapping[str, str]:
        """Answer the object that `--json` prints."""
        return {"app": self.app, "grade": self.grade.value, "verdict": self.sentence}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What some findings mean to the apps that it holds for."""

    codes: Collection[str]
    grade: Grade
    says: str
    holds_for: Callable[[App], bool] = lambda _: True


_UNREADABLE: Final = ("feed.status", "feed.huge", "feed.rss", "feed.entities")
EFFECTS: Final = (
    Effect(codes=_UNREADABLE, grade=Grade.FAIL, says="cannot read this feed"),
    Effect(
        codes=("feed.xml",),
        grade=Grade.FAIL,
        says="cannot read this feed, because it is no valid XML",
        holds_for=lambda app: not app.reads_broken_xml,
    ),
    Effect(
        codes=("feed.xml",),
        grade=Grade.WARN,
        says="reads this feed only as far as its XML is valid",
        holds_for=lambda app: app.reads_broken_xml,
    ),
    Effect(
        codes=("feed.web-page-type",),
        grade=Grade.FAIL,
        says="takes this feed for a web page and does not read it",
        holds_for=lambda app: app is GPODDER,
    ),
    Effect(
        codes=("items.empty", "items.audio"),
        grade=Grade.FAIL,
        says="will not add this feed, because it is empty",
        holds_for=lambda app: app.refuses_empty,
    ),
    Effect(codes=("feed.stale",), grade=Grade.FAIL, says="will never see a new episode"),
    Effect(
        codes=("audio.status", "audio.sound"),
        grade=Grade.FAIL,
        says="cannot play every episode",
    ),
    Effect(
        codes=("audio.range", "audio.content-range"),
        grade=Grade.FAIL,
        says="will not play it, because the audio is not answered piece by piece",
        holds_for=lambda app: app.probes_two_bytes,
    ),
    Effect(
        codes=("audio.range", "audio.content-range", "audio.resume"),
        grade=Grade.WARN,
        says="cannot go on with a download that broke off",
        holds_for=lambda app: app.resumes and not app.probes_two_bytes,
    ),
    Effect(
        codes=("audio.head", "audio.head-redirect"),
        grade=Grade.FAIL,
        says="cannot play without downloading first, because its player asks HEAD",
        holds_for=lambda app: app.asks_head_first,
    ),
    Effect(
        codes=("audio.text",),
        grade=Grade.FAIL,
        says="refuses the audio, because it is sent as text",
        holds_for=lambda app: not app.may_be_loose_with_text,
    ),
    Effect(
        codes=("audio.signed", "enclosure.changes"),
        grade=Grade.FAIL,
        says="loses episodes when their addresses change",
    ),
    Effect(
        codes=("items.guid-changes",),
        grade=Grade.FAIL,
        says="shows every episode again and again",
    ),
    Effect(
        codes=("items.guid-twice",),
        grade=Grade.FAIL,
        says="shows only one of the episodes that share a guid",
    ),
    Effect(
        codes=("items.alike",),
        grade=Grade.FAIL,
        says="shows only one of the episodes that look alike",
        holds_for=lambda app: app.guesses_duplicates,
    ),
    Effect(
        codes=("feed.moved",),
        grade=Grade.WARN,
        says="stores the address it is redirected to, and forgets the one you gave",
        holds_for=lambda app: app.rewrites_address,
    ),
    Effect(
        codes=("items.future",),
        grade=Grade.WARN,
        says="may take what comes after the item from the future for old",
        holds_for=lambda app: app.old_after is not None,
    ),
    Effect(
        codes=("enclosure.ending",),
        grade=Grade.WARN,
        says="may pass over an episode, because its address has the wrong ending",
        holds_for=lambda app: app.judges_by_ending,
    ),
    Effect(
        codes=("feed.not-modified", "feed.validator"),
        grade=Grade.NOTE,
        says="fetches the whole feed at every poll",
    ),
    Effect(
        codes=("feed.last-modified",),
        grade=Grade.NOTE,
        says="fetches the whole feed at every poll",
        holds_for=lambda app: app.condition is Condition.DATE_FIRST,
    ),
    Effect(
        codes=("feed.local",),
        grade=Grade.NOTE,
        says="its own servers read feeds, and cannot reach this network",
        holds_for=lambda app: app.asks_from_its_own_servers,
    ),
)
_ORDER: Final = (Grade.FAIL, Grade.WARN, Grade.NOTE)


def judge_apps(codes: Collection[str], refused: Mapping[str, str]) -> tuple[Verdict, ...]:
    """Answer one verdict per app.

    `codes`: of checks that found something; `refused`: apps that got something else than others,
    and what.
    """
    return tuple(_verdict(app, codes, refused.get(app.name, "")) for app in APPS)


def _verdict(app: App, codes: Collection[str], refused: str) -> Verdict:
    if refused:
        sentence = f"gets something else than others: {refused}."
        return Verdict(app=app.name, grade=Grade.FAIL, sentence=sentence)
    hits = [
        effect
        for effect in EFFECTS
        if effect.holds_for(app) and not set(effect.codes).isdisjoint(codes)
    ]
    if not hits:
        return Verdict(app=app.name, grade=Grade.OK, sentence="works.")
    worst = min((effect.grade for effect in hits), key=_ORDER.index)
    said = "; ".join(dict.fromkeys(e.says for grade in _ORDER for e in hits if e.grade is grade))
    lead = "" if worst is Grade.FAIL else "works, but "
    return Verdict(app=app.name, grade=worst, sentence=f"{lead}{said}.")
