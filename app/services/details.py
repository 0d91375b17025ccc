"""What a listener says of herself: her name, and the language of her mails and pages."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.db.models import Listener, Subscription
from app.errors import InvalidInput
from app.services.signup import parse_name
from app.words import LANGUAGES


def rename(session: Session, listener_id: int, typed: str) -> None:
    """Call a listener by another name.

    Raises:
        NameInvalid: it is no name.
    """
    session.get_one(Listener, listener_id).name = parse_name(typed)
    session.flush()


def set_language(
    session: Session, listener_id: int, language: str, *, only: int | None = None
) -> None:
    """Write and speak to a listener in this language; `only`: about that subscription alone.

    Raises:
        InvalidInput: we do not speak it.
    """
    if language not in LANGUAGES:
        raise InvalidInput({"language": "is not spoken here"})
    hers = update(Subscription).where(Subscription.listener_id == listener_id)
    if only is not None:
        hers = hers.where(Subscription.id == only)
    session.execute(hers.values(language=language))
