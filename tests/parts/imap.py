"""A real IMAP server (Dovecot) with one mailbox: in the clear, after STARTTLS, and by TLS."""

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
from datetime import datetime, timedelta
from imaplib import IMAP4
from pathlib import Path

import pytest

from tests.parts.certificates import a_certificate, a_key, pem, pem_of_key
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
ssl = yes
ssl_cert = <{here}/server.pem
ssl_key = <{here}/server.pem
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
    port = {tls_port}
    ssl = yes
  }}
}}
namespace inbox {{
  inbox = yes
}}
"""


@dataclass(frozen=True, kw_only=True)
class ImapServer:
    """Where it listens; a test puts mails into it and looks at their flags.

    `tls_port`: by TLS from the first byte. `authority`: the file with the certificate that signed
    the server's, which is for `localhost`.
    """

    port: int
    tls_port: int
    authority: Path

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
    port, tls_port = free_port(), free_port()
    ports = {"port": port, "tls_port": tls_port}
    config = here / "dovecot.conf"
    config.write_text(
        CONFIG.format(here=here, password=PASSWORD, uid=nobody.pw_uid, gid=nobody.pw_gid, **ports)
    )
    authority = _certify(here)
    process = subprocess.Popen([program, "-F", "-c", str(config)])
    try:
        _wait(port, process, here / "log")
        yield ImapServer(authority=authority, **ports)
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
        shutil.rmtree(here, ignore_errors=True)


def _certify(here: Path) -> Path:
    """Write a certificate for localhost with its key; answer the file of who signed it."""
    since = datetime.now() - timedelta(days=1)
    authority_key, server_key = a_key(), a_key()
    authority = a_certificate(authority_key, name="Our own", since=since)
    signed = a_certificate(
        server_key, name="localhost", issuer=(authority, authority_key), since=since
    )
    (here / "server.pem").write_bytes(pem(signed) + pem_of_key(server_key))
    found = here / "authority.pem"
    found.write_bytes(pem(authority))
    return found


def _wait(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as found:
            if found.recv(4).startswith(b"* OK"):
                return
        time.sleep(0.1)
    pytest.fail(f"Dovecot does not answer: {log.read_text() if log.exists() else 'no log'}")
