"""A real IMAP server (Dovecot) with one mailbox, on a port of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from imaplib import IMAP4
from pathlib import Path

import pytest

from tests.parts.missing import missing
from tests.parts.server import free_port

PATIENCE_SECONDS = 60
PASSWORD = "a/secret:with@signs"
CONFIG = """
base_dir = {here}/run
state_dir = {here}/run
log_path = {here}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{here}/mail
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={here}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


@dataclass(frozen=True, kw_only=True)
class ImapServer:
    """Where it listens; a test puts mails into it and looks at their flags."""

    port: int

    def open(self) -> IMAP4:
        server = IMAP4("127.0.0.1", self.port)
        server.login("bounces", PASSWORD)
        server.select("INBOX")
        return server

    def put(self, raw: bytes) -> None:
        server = self.open()
        server.append("INBOX", "", "", raw)
        server.logout()

    def clear(self) -> None:
        server = self.open()
        if server.search(None, "ALL")[1][0]:
            server.store("1:*", "+FLAGS", r"(\Deleted)")
            server.expunge()
        server.logout()

    def flags(self) -> list[str]:
        """The flags of every mail, in the order in which they came."""
        server = self.open()
        _, found = server.fetch("1:*", "(FLAGS)")
        server.logout()
        return [part.decode() for part in found if isinstance(part, bytes)]


@pytest.fixture
def imap_server(dovecot: ImapServer) -> ImapServer:
    """The server, its mailbox empty."""
    dovecot.clear()
    return dovecot


@pytest.fixture(scope="session")
def dovecot() -> Iterator[ImapServer]:
    program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None or os.getuid() != 0:
        missing("Dovecot, started by root,", "dovecot-imapd")
    here = Path(tempfile.mkdtemp(prefix="cadans-imap-"))
    here.chmod(0o755)
    nobody = pwd.getpwnam("nobody")
    (here / "mail").mkdir()
    os.chown(here / "mail", nobody.pw_uid, nobody.pw_gid)
    port = free_port()
    config = here / "dovecot.conf"
    config.write_text(
        CONFIG.format(here=here, port=port, password=PASSWORD, uid=nobody.pw_uid, gid=nobody.pw_gid)
    )
    process = subprocess.Popen([program, "-F", "-c", str(config)])
    try:
        _wait(port, process, here / "log")
        yield ImapServer(port=port)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        shutil.rmtree(here, ignore_errors=True)


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as found:
            if found.recv(4).startswith(b"* OK"):
                return
        time.sleep(0.1)
    pytest.fail(f"Dovecot does not answer: {log.read_text() if log.exists() else 'no log'}")
