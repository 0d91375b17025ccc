"""Takes what is nobody's business out of text that leaves the house: logs, traces, fault reports.

A second lock. The first is that no name, address or token is put there; but libraries write texts
of their own, and quote what they were given.
"""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

# What stands around an e-mail address in a text.
_AROUND: Final = r"\s@<>\"'()\[\],;:"
# In this order: what is part of an address goes before addresses are looked for. Each run of signs
# is tried from its beginning alone and never given back (`++`): libraries log what strangers sent,
# and a long run tried from every sign in it would hold up the whole process.
_SECRETS: Final = (
    # A feed token (feeds/tokens.py): lower-case base32.
    (re.compile(r"(?<![0-9A-Za-z])[a-z2-7]{40}(?![0-9A-Za-z])"), "[token]"),
    (re.compile(r"cadans_[0-9A-Fa-f]{16,}"), "[API token]"),
    # A mail link or a session, signed by itsdangerous: content, perhaps an instant, signature.
    (
        re.compile(r"(?<![\w-])[\w-]{10,}+(?:\.[\w-]{6})?\.[\w-]{27,43}(?![\w-])", re.ASCII),
        "[signed]",
    ),
    # user:password@ in an address.
    (re.compile(r"(?<=//)[^/\s@]++@"), "[login]@"),
    # A presigned address says in its query who may fetch.
    (re.compile(r"(?<=[\w/])\?[\w.%-]++=[^\s\"'<>]*"), "?[query]"),
    (re.compile(rf"(?<![^{_AROUND}=])[^{_AROUND}=]++@[^{_AROUND}]+"), "[address]"),
    (re.compile(r"(?i)\b(bearer|basic) [\w.~+/=-]{8,}"), r"\1 [secret]"),
)


def scrub(text: str) -> str:
    """Answer the text without tokens, signed links, passwords in addresses and e-mail addresses."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def scrub_all(value: Any) -> Any:  # noqa: ANN401 (whatever a field of an event holds)
    """Scrub every text in a value, however deep; numbers and the like stay as they are."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bytes):
        return scrub(value.decode(errors="replace"))
    if isinstance(value, Mapping):
        return {scrub_all(name): scrub_all(each) for name, each in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [scrub_all(each) for each in value]
    return value if isinstance(value, int | float | bool | None) else scrub(str(value))


def say_where(error: BaseException) -> str:
    """Say what went wrong and in which lines, causes first, without any message.

    Messages quote: a constraint its e-mail address, a parser the name it could not read.
    """
    lines = []
    for each in reversed(list(_causes(error))):
        for frame in traceback.extract_tb(each.__traceback__):
            lines.append(f"{frame.filename}:{frame.lineno} in {frame.name}")  # noqa: PERF401 (reads as it is said)
        lines.append(f"{type(each).__module__}.{type(each).__qualname__}")
    return "\n".join(lines)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Answer the error, what caused it, what caused that; each once."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or (None if each.__suppress_context__ else each.__context__)
