"""The mailbox that mail comes back to: a folder, or a server (IMAP).

Other people may read it too. What is no report stays unread; nothing is ever deleted.
"""

import contextlib
import imaplib
import ssl
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from app.errors import CadansError
from app.mail.reports import MAX_REPORT_BYTES
from app.setting_mail import BounceTarget, Imap
from app.setting_values import Maildir

IMAP_TIMEOUT_SECONDS: Final = 20
# A keyword of ours (RFC 3501 2.3.2): we have looked at it.
LOOKED: Final = "CadansLooked"


class BoxUnreachable(CadansError):
    """The mailbox cannot be read now; nothing in it was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """One mail in the box. `raw` None: it is larger than any report of ours."""

    key: str
    raw: bytes | None


class Box(Protocol):
    """An open mailbox."""

    def unseen(self, limit: int) -> Iterator[Returned]:
        """Answer the mails that were not looked at yet, at most `limit`."""

    def looked_at(self, key: str, *, is_report: bool) -> None:
        """Remember that we did: a report is marked as read, anything else stays unread."""


class MaildirBox:
    """A Maildir: what is new moves from `new` to `cur`, a report with the flag for "seen"."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def unseen(self, limit: int) -> Iterator[Returned]:
        """Answer what lies in `new`."""
        new = self._path / "new"
        paths = sorted(new.iterdir())[:limit] if new.is_dir() else []
        for path in paths:
            if path.is_symlink() or not path.is_file():
                continue
            is_small = path.stat().st_size <= MAX_REPORT_BYTES
            yield Returned(key=path.name, raw=path.read_bytes() if is_small else None)

    def looked_at(self, key: str, *, is_report: bool) -> None:
        """Move it to `cur`."""
        cur = self._path / "cur"
        cur.mkdir(exist_ok=True)
        (self._path / "new" / key).rename(cur / f"{key}:2,{'S' if is_report else ''}")


class ImapBox:
    """A folder on an IMAP server; mails are fetched without marking them as read."""

    def __init__(self, server: imaplib.IMAP4, *, has_keywords: bool) -> None:
        self._server = server
        self._has_keywords = has_keywords

    def unseen(self, limit: int) -> Iterator[Returned]:
        """Answer what has neither our keyword nor the flag for "seen"."""
        wanted = ["UNSEEN", *(["UNKEYWORD", LOOKED] if self._has_keywords else [])]
        for key in self._ask("SEARCH", *wanted)[0].split()[:limit]:
            uid = key.decode("ascii")
            yield Returned(key=uid, raw=self._fetch(uid))

    def looked_at(self, key: str, *, is_report: bool) -> None:
        """Set our keyword; and "seen" on a report, or on all where keywords cannot be kept."""
        flags = [LOOKED] if self._has_keywords else []
        if is_report or not self._has_keywords:
            flags.append(r"\Seen")
        self._ask("STORE", key, "+FLAGS.SILENT", f"({' '.join(flags)})")

    def _fetch(self, uid: str) -> bytes | None:
        size = b"".join(_bytes_in(self._ask("FETCH", uid, "(RFC822.SIZE)")))
        digits = size.rpartition(b"RFC822.SIZE ")[2].partition(b")")[0].split()
        if not digits or not digits[0].isdigit() or int(digits[0]) > MAX_REPORT_BYTES:
            return None
        found = [
            part[1] for part in self._ask("FETCH", uid, "(BODY.PEEK[])") if isinstance(part, tuple)
        ]
        return found[0] if found else None

    def _ask(self, command: str, *words: str) -> list[Any]:
        kind, answer = self._server.uid(command, *words)
        if kind != "OK":
            raise BoxUnreachable(f"the mailbox answered {kind} to {command}")
        return [part for part in answer if part is not None]


def open_box(target: BounceTarget) -> AbstractContextManager[Box]:
    """Open the mailbox that the settings name.

    Raises:
        BoxUnreachable: it is not there, or does not let us in.
    """
    return _maildir(target) if isinstance(target, Maildir) else _imap(target)


@contextmanager
def _maildir(target: Maildir) -> Iterator[Box]:
    try:
        yield MaildirBox(target.path)
    except OSError as error:
        raise BoxUnreachable(f"cannot use the folder of bounces: {error.strerror}") from error


@contextmanager
def _imap(target: Imap) -> Iterator[Box]:
    try:
        with contextlib.closing(_Connection(target)) as connection:
            yield connection.box
    except (OSError, imaplib.IMAP4.error) as error:
        # What the server said may hold the name of the mailbox.
        raise BoxUnreachable(f"mailbox of bounces: {type(error).__name__}") from error


class _Connection:
    def __init__(self, target: Imap) -> None:
        self._server = _connect(target)
        try:
            self._server.login(target.user, target.password)
            self._server.select(f'"{target.folder}"')
            flags = b" ".join(_bytes_in(self._server.response("PERMANENTFLAGS")[1]))
            self.box = ImapBox(self._server, has_keywords=rb"\*" in flags)
        except BaseException:
            self._server.shutdown()
            raise

    def close(self) -> None:
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            self._server.logout()


def _connect(target: Imap) -> imaplib.IMAP4:
    context = ssl.create_default_context()
    if target.tls == "implicit":
        return imaplib.IMAP4_SSL(
            target.host, target.port, ssl_context=context, timeout=IMAP_TIMEOUT_SECONDS
        )
    server = imaplib.IMAP4(target.host, target.port, timeout=IMAP_TIMEOUT_SECONDS)
    if target.tls == "starttls":
        server.starttls(ssl_context=context)
    return server


def _bytes_in(answer: Iterable[object]) -> Iterator[bytes]:
    for part in answer:
        pieces = part if isinstance(part, tuple) else (part,)
        yield from (piece for piece in pieces if isinstance(piece, bytes))
