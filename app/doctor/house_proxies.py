"""What stands in front of the house, and whether CADANS_TRUSTED_PROXIES tells the truth about it.

Twice the doctor asks how the house saw her come in; the second time she claims to be somebody else.
"""

from collections.abc import Sequence
from typing import Final

from app.doctor.report import Check, Grade
from app.services.house_calls import Seen

# Nobody has it (RFC 5737, TEST-NET-1).
CLAIMED: Final = "192.0.2.77"
_REMEDY: Final = (
    "In nginx: `proxy_set_header X-Forwarded-For $remote_addr;` and"
    " `proxy_set_header X-Forwarded-Proto $scheme;`."
)


def judge_proxies(honest: Seen, claiming: Seen) -> Check:
    """Judge by how two questions came in: a plain one, and one that claimed to be from `CLAIMED`.

    The first fault is said: what comes after it follows from it.
    """
    if honest.forwarded_for is None and honest.forwarded_proto is None:
        return _without_headers(honest)
    if not honest.is_believed:
        words = (
            f"A proxy at {honest.peer} speaks for all people, and CADANS_TRUSTED_PROXIES does not"
            " name it: one who tries too often closes the door for everybody."
        )
        return _fail(words, f"If that is your proxy, set CADANS_TRUSTED_PROXIES={honest.peer}.")
    return _untold(honest) or _overlooked(honest) or _gullible(claiming) or _fine(honest)


def _without_headers(honest: Seen) -> Check:
    if honest.base_url.startswith("https://"):
        words = f"The proxy at {honest.peer} does not say for whom it speaks, nor that it is https."
        return _fail(words, f"{_REMEDY} Then name it in CADANS_TRUSTED_PROXIES.")
    if honest.is_believed:
        return Check(
            code="proxies",
            grade=Grade.WARN,
            message=f"Who asks from {honest.peer} may claim any address (CADANS_TRUSTED_PROXIES),"
            " though no proxy speaks for people from there.",
            remedy="Take it out of CADANS_TRUSTED_PROXIES until one does.",
        )
    return _ok("No proxy stands in front.")


def _untold(honest: Seen) -> Check | None:
    """Find what a proxy that is believed leaves out."""
    if honest.forwarded_for is None:
        return _fail(f"The proxy at {honest.peer} does not say for whom it speaks.", _REMEDY)
    if honest.base_url.startswith("https://") and honest.scheme != "https":
        words = f"The proxy at {honest.peer} does not say that people come by https."
        return _fail(words, _REMEDY)
    return None


def _overlooked(honest: Seen) -> Check | None:
    """Find a second proxy that is taken for a person: the first hop is whom the outermost saw."""
    hops = _hops(honest)
    if len(hops) < 2 or honest.caller in {hops[0], honest.peer}:  # noqa: PLR2004 (a second one)
        return None
    words = (
        f"Another proxy, {honest.caller}, is taken for a person: CADANS_TRUSTED_PROXIES does not"
        " name it."
    )
    remedy = f"If that is your proxy, add {honest.caller} to CADANS_TRUSTED_PROXIES."
    return _fail(words, remedy)


def _gullible(claiming: Seen) -> Check | None:
    """Find a proxy that hands on what whoever asks wrote, and adds nothing behind it."""
    if claiming.caller != CLAIMED or _hops(claiming)[-1:] != [CLAIMED]:
        return None
    words = (
        f"The proxy at {claiming.peer} hands on the X-Forwarded-For of whoever asks: anybody may"
        " claim any address, and limits stop nobody."
    )
    return _fail(words, _REMEDY)


def _fine(honest: Seen) -> Check:
    return _ok(f"The proxy at {honest.peer} says who asks, and is believed.")


def _hops(seen: Seen) -> Sequence[str]:
    return [hop.strip() for hop in (seen.forwarded_for or "").split(",") if hop.strip()]


def _ok(message: str) -> Check:
    return Check(code="proxies", grade=Grade.OK, message=message)


def _fail(message: str, remedy: str) -> Check:
    return Check(code="proxies", grade=Grade.FAIL, message=message, remedy=remedy)
