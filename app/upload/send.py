"""Carries out the plan: sends what is new, says what the list says, publishes, keeps the order."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.upload.errors import NotPublished, UnreadableFile
from app.upload.folder import opened
from app.upload.judge import Judged
from app.upload.plan import Deed, Step, changes, order, plan
from app.upload.server import FileToSend, LessonThere, Server, UploadThere

CHUNK_BYTES: Final = 64 * 1024
# How long the server may take to hear a recording: a quarter of an hour takes it some ten seconds.
PATIENCE_SECONDS: Final = 300
POLL_SECONDS: Final = 1.0

# Told for each file: its name, its size, how many bytes have arrived.
Tell = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one file. `refusal`: what the server has against it."""

    file: str
    deed: Deed
    lesson_id: int | None
    refusal: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Sending:
    """One run against one course."""

    server: Server
    slug: str
    tell: Tell
    outcomes: list[Outcome] = field(default_factory=list)

    def send(self, files: Sequence[Judged]) -> list[Outcome]:
        """Send files in order; what the course has already is not sent again.

        Raises:
            UploadProblem: something is in the way; what arrived until then stays.
        """
        for step in plan(files, self.server.lessons(self.slug)):
            outcome = self._carry_out(step)
            self.outcomes.append(outcome)
        self._keep_order()
        for judged, outcome in zip(files, list(self.outcomes), strict=True):
            self._follow_list(judged, outcome)
        return self.outcomes

    def _carry_out(self, step: Step) -> Outcome:
        judged = step.judged
        if step.deed is Deed.KEEP and step.lesson is not None:
            return Outcome(file=judged.file.name, deed=Deed.KEEP, lesson_id=step.lesson.id)
        begun = self.server.begin(
            self.slug,
            FileToSend(
                name=judged.send_as,
                size_bytes=judged.size_bytes,
                sha256=judged.sha256,
                lesson_id=step.lesson.id if step.lesson else None,
            ),
        )
        if isinstance(begun, int):
            return Outcome(file=judged.file.name, deed=Deed.KEEP, lesson_id=begun)
        self._send_parts(judged, begun)
        sent = self.server.complete(begun, judged.title, judged.file.line.notes or "")
        return Outcome(
            file=judged.file.name,
            deed=step.deed,
            lesson_id=sent.lesson_id,
            refusal=sent.findings if sent.lesson_id is None else (),
        )

    def _send_parts(self, judged: Judged, upload: UploadThere) -> None:
        counter = _Counter(judged=judged, upload=upload, tell=self.tell)
        counter.say()
        for number in range(1, upload.part_count + 1):
            if number not in upload.arrived:
                self.server.send_part(upload, number, counter.read)

    def _keep_order(self) -> None:
        """Put new lessons where their files stand among the others."""
        new = {o.lesson_id for o in self.outcomes if o.deed is Deed.ADD and o.lesson_id}
        if not new:
            return
        in_folder = list(dict.fromkeys(o.lesson_id for o in self.outcomes if o.lesson_id))
        present = [lesson.id for lesson in self.server.lessons(self.slug)]
        wanted = order(present, in_folder, frozenset(new))
        if wanted != present:
            self.server.put_in_order(self.slug, wanted)

    def _follow_list(self, judged: Judged, outcome: Outcome) -> None:
        """Set title and notes as the list beside the audio has them, and publish what it says."""
        if outcome.lesson_id is None:
            return
        lesson = self.server.lesson(self.slug, outcome.lesson_id)
        wanted = changes(judged, lesson)
        if wanted:
            self.server.edit(self.slug, lesson, wanted)
        if judged.file.line.is_to_publish and lesson.state != "published":
            self._publish(judged, outcome)

    def _publish(self, judged: Judged, outcome: Outcome) -> None:
        lesson = self._wait_for(judged, outcome.lesson_id or 0)
        if lesson.recording_state == "refused":
            self.outcomes[self.outcomes.index(outcome)] = Outcome(
                file=outcome.file,
                deed=outcome.deed,
                lesson_id=outcome.lesson_id,
                refusal=lesson.findings,
            )
        else:
            self.server.publish(self.slug, lesson.id)

    def _wait_for(self, judged: Judged, lesson_id: int) -> LessonThere:
        """Wait until the server has heard the recording."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            lesson = self.server.lesson(self.slug, lesson_id)
            if lesson.recording_state not in {"waiting", "analysing"}:
                return lesson
            if time.monotonic() > give_up_at:
                raise NotPublished(file=judged.file.name, server=self.server.name)
            time.sleep(POLL_SECONDS)


@dataclass(kw_only=True)
class _Counter:
    """Reads a file in parts and tells how far it is."""

    judged: Judged
    upload: UploadThere
    tell: Tell
    sent: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        whole = self.upload.part_bytes
        for number in self.upload.arrived:
            self.sent[number] = min(whole, self.upload.size_bytes - (number - 1) * whole)

    @property
    def path(self) -> Path:
        return self.judged.file.path

    def say(self) -> None:
        self.tell(self.judged.file.name, self.upload.size_bytes, sum(self.sent.values()))

    def read(self, number: int, size_bytes: int) -> Iterator[bytes]:
        """Answer the bytes of one part, from its start at every call."""
        self.sent[number] = 0
        with opened(self.path) as file:
            file.seek((number - 1) * self.upload.part_bytes)
            while self.sent[number] < size_bytes:
                chunk = file.read(min(CHUNK_BYTES, size_bytes - self.sent[number]))
                if not chunk:
                    why = "it became shorter while it was being sent"
                    raise UnreadableFile(file=self.path.name, why=why)
                yield chunk
                self.sent[number] += len(chunk)
                self.say()
