"""Reports faults to Sentry, or what speaks its protocol; the only module that imports its client.

A report says what an error was and where, in our code and around it, with the fields of its event
in the log. Not its words, no variable, no request, no person; nothing is sent but such reports.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.errors import ExtraMissing
from app.scrub import scrub_all
from app.version import __version__

RELEASE: Final = f"cadans@{__version__}"
Report = Callable[[BaseException, Mapping[str, object]], None]
"""Takes an error and the fields of the event that told of it; answers at once, raises nothing."""


def open_faults(dsn: str | None) -> Report | None:
    """Answer how to report a fault to this address; None: nobody wants to hear of it.

    Raises:
        ExtraMissing: Sentry's client is not installed.
    """
    if dsn is None:
        return None
    try:
        import sentry_sdk  # noqa: PLC0415 (only who asks for it has it)
        from sentry_sdk.utils import event_from_exception  # noqa: PLC0415
    except ImportError as error:
        raise ExtraMissing("CADANS_SENTRY_DSN", "sentry") from error
    client = sentry_sdk.Client(
        dsn=dsn,
        release=RELEASE,
        # Nothing of its own accord: no request, no log line, no variable, no session.
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        before_send=_without_words,
    )

    def report(error: BaseException, facts: Mapping[str, object]) -> None:
        event, hint = event_from_exception(error, client_options=client.options)
        event["tags"] = {name: str(value) for name, value in facts.items()}
        client.capture_event(event, hint)

    return report


def _without_words(event: Any, hint: object) -> Any:  # noqa: ANN401 (a dictionary of the client's)
    """Leave out what errors say, and clean what is left."""
    del hint
    for error in event.get("exception", {}).get("values", []):
        error["value"] = ""
        for frame in error.get("stacktrace", {}).get("frames", []):
            frame.pop("vars", None)
    for name in ("request", "user", "breadcrumbs", "extra"):
        event.pop(name, None)
    # Its form, name@version, is that of an address.
    return scrub_all(event) | {"release": RELEASE}
