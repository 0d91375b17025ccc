"""Whether the parts that a house leans on answer: asked with little patience, and not too often."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy import text

from app.house import House

log = structlog.get_logger()

PATIENCE_SECONDS: Final = 3.0
# Whoever asks more often gets the answer of before: strangers may ask too, and S3 counts questions.
KEPT_SECONDS: Final = 2.0
# A question that has not come back by then went to a server that is gone: it is asked anew.
LOST_SECONDS: Final = 60.0

SILENT: Final = "does not answer"


@dataclass(kw_only=True)
class _Question:
    """One question under way; `trouble` None: it was answered well."""

    begun: float
    is_done: threading.Event = field(default_factory=threading.Event)
    trouble: str | None = None


class Probe:
    """Asks one part in a thread of its own: one that is silent holds up this thread alone."""

    def __init__(self, part: str, ask: Callable[[], object]) -> None:
        self._part = part
        self._ask = ask
        self._turn = threading.Lock()
        self._question: _Question | None = None
        self._was_in_trouble = False

    def trouble(self) -> str | None:
        """Answer what is wrong, as the rest of a sentence that starts with the part; None: well."""
        question = self._current()
        left = question.begun + PATIENCE_SECONDS - time.monotonic()
        trouble = question.trouble if question.is_done.wait(max(left, 0.0)) else SILENT
        self._note(trouble)
        return trouble

    def _current(self) -> _Question:
        """Answer the question under way, or the last one while it is fresh, else a new one."""
        now = time.monotonic()
        with self._turn:
            known = self._question
            if known is not None:
                good_for = KEPT_SECONDS if known.is_done.is_set() else LOST_SECONDS
                if now - known.begun < good_for:
                    return known
            question = self._question = _Question(begun=now)
        name = f"cadans-ask-{self._part}"
        threading.Thread(target=self._carry_out, args=(question,), name=name, daemon=True).start()
        return question

    def _carry_out(self, question: _Question) -> None:
        try:
            self._ask()
        except Exception as error:  # noqa: BLE001 (whatever a driver may raise says the same)
            question.trouble = f"{SILENT} ({type(error).__name__})"
        question.is_done.set()

    def _note(self, trouble: str | None) -> None:
        """Write down when it begins and ends, not each time that somebody asks."""
        if (trouble is not None) is not self._was_in_trouble:
            self._was_in_trouble = trouble is not None
            if trouble:
                log.error("part_lost", part=self._part, why=trouble)
            else:
                log.info("part_back", part=self._part)


class Readiness:
    """Asks every part."""

    def __init__(self, house: House) -> None:
        self._probes = {
            "database": Probe("database", lambda: _ask_database(house)),
            "store": Probe("store", house.store.check),
        }

    def troubles(self) -> Mapping[str, str | None]:
        """Answer what is wrong with each part by its name; None: it answers."""
        return {part: probe.trouble() for part, probe in self._probes.items()}


def _ask_database(house: House) -> None:
    with house.database.reading() as session:
        session.execute(text("SELECT 1"))
