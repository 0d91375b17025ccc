"""What letters are made of: the desk where they are written, and what all news has in common."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db.models import Listener, OutboxMail, Subscription
from app.errors import CadansError
from app.mail.letters import Letter
from app.services import progress, unlocks
from app.services.links import Links, Purpose
from app.services.progress import Progress


class NotWanted(CadansError):
    """The notice has nothing to say any more; `leaves_no_trace`: forget that anybody asked."""

    def __init__(self, why: str, *, leaves_no_trace: bool = False) -> None:
        self.leaves_no_trace = leaves_no_trace
        super().__init__(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where letters are written: signs their links and knows the address of the house."""

    links: Links
    base_url: str

    def url(self, path: str, purpose: Purpose, row_id: int, now: datetime, epoch: int = 0) -> str:
        """Answer the address of a signed link."""
        return f"{self.base_url}{path}/{self.links.sign(purpose, row_id, now=now, epoch=epoch)}"

    @property
    def my_url(self) -> str:
        """Answer where a listener asks for a link."""
        return f"{self.base_url}/my/"


Writer = Callable[[Session, OutboxMail, Desk, datetime], Letter]


def news_letter(  # noqa: PLR0913 (one place for what all news has in common)
    template: str,
    subscription: Subscription,
    listener: Listener,
    *,
    desk: Desk,
    now: datetime,
    values: Mapping[str, object],
) -> Letter:
    """Answer a letter about one course, with a link that opens it."""
    return Letter(
        template=template,
        language=subscription.language,
        address=listener.email,
        unsubscribe_url=stop_url(desk, subscription, now),
        values={
            "url": desk.url("/my/open", Purpose.MANAGE, subscription.id, now),
            "name": listener.name,
            **values,
        },
    )


def find_listener(session: Session, email_key: str | None) -> Listener | None:
    """Answer the listener with this key; None: nobody has it."""
    return session.scalar(select(Listener).where(Listener.email_key == email_key))


def progress_of(session: Session, subscription: Subscription, now: datetime) -> Progress:
    """Answer how far one subscription is."""
    return progress.of_plan(session, unlocks.get_plan(session, subscription.id), now=now)


def beats_of(shown: Progress, language: str) -> dict[str, object]:
    """Answer the beat row and its words, as templates take them."""
    return {"beats": shown.beats, "beats_label": shown.label(language)}


def stop_url(desk: Desk, subscription: Subscription, now: datetime) -> str:
    """Answer the link that stops the mails about one course."""
    return desk.url("/my/unsubscribe", Purpose.UNSUBSCRIBE, subscription.id, now)
