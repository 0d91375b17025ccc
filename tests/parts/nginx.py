"""nginx with the files that we ship, in front of our processes: TLS, a free port, an ordinary user.

The files of scripts/deploy/nginx are copied, and nothing in them is changed but what an operator
changes: names, ports, folders, certificate. Its certificate comes from an authority of the tests.
"""

import base64
import hashlib
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.parts.certificates import a_certificate, a_key, pem, pem_of_key
from tests.parts.missing import missing
from tests.parts.server import end, free_port

SHIPPED = Path(__file__).parents[2] / "scripts" / "deploy" / "nginx"
HOST = "localhost"
PATIENCE_SECONDS = 30
MAIN = """daemon off;
pid {folder}/pid;
error_log {folder}/log/error.log;
worker_processes 2;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    client_body_temp_path {folder}/temporary/body;
    proxy_temp_path {folder}/temporary/proxy;
    fastcgi_temp_path {folder}/temporary/fastcgi;
    uwsgi_temp_path {folder}/temporary/uwsgi;
    scgi_temp_path {folder}/temporary/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


class NginxFailed(Exception):
    """nginx does not run, or the shipped files are not what these tests change."""


@dataclass(kw_only=True)
class Nginx:
    """A running nginx; `behind` are the ports it sends requests to, which may come and go.

    `store` is where a folder store must lie so that nginx may read it. `gateway` is the port of an
    S3 server, which listeners then reach at `store_url`.
    """

    folder: Path
    behind: Sequence[int]
    gateway: int | None = None
    port: int = field(default_factory=free_port)
    plain_port: int = field(default_factory=free_port)
    store_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def store_url(self) -> str:
        return f"https://{HOST}:{self.store_port}"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def authority(self) -> Path:
        """The certificate that a client has to trust."""
        return self.folder / "tls" / "authority.pem"

    @property
    def fingerprint(self) -> str:
        """Its certificate's key as Chromium names it (`--ignore-certificate-errors-spki-list`)."""
        leaf = x509.load_pem_x509_certificate((self.folder / "tls" / "fullchain.pem").read_bytes())
        key = leaf.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    @property
    def log(self) -> str:
        """Everything it wrote down so far, of requests and of errors."""
        files = sorted((self.folder / "log").iterdir())
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in files)

    def client(self, **arguments: object) -> httpx.Client:
        """A client that trusts the authority of the tests, and asks this nginx."""
        trust = ssl.create_default_context(cafile=str(self.authority))
        return httpx.Client(base_url=self.url, verify=trust, timeout=30, **arguments)  # type: ignore[arg-type]  # (passed on as they are)

    def send_to(self, *ports: int) -> None:
        """Let other processes answer from now on, as an operator does: change a line, reload."""
        self.behind = ports
        self._write_servers()
        self.reload()

    def reload(self) -> None:
        """Read the files again; what is being answered is finished by the old ones."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def lay_out(self) -> None:
        """Copy the shipped files, with what is this machine's own."""
        for name in ("log", "temporary", "cache", "store", "tls", "conf.d"):
            (self.folder / name).mkdir()
        shutil.copytree(SHIPPED / "cadans", self.folder / "cadans")
        _make_certificate(self.folder / "tls")
        self._write_site()
        self._write_servers()
        if self.gateway is not None:
            self._write_gateway(self.gateway)
        (self.folder / "nginx.conf").write_text(MAIN.format(folder=self.folder))
        for path in (self.folder / "cadans").iterdir():
            path.write_text(self._at_home(path.read_text()))

    def _write_site(self) -> None:
        text = _changed(
            (SHIPPED / "cadans.conf").read_text(),
            {
                "/etc/letsencrypt/live/courses.example.org/": f"{self.folder}/tls/",
                "https://courses.example.org$": f"{self.url}$",
                "courses.example.org": HOST,
                "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
                "listen [::]:80;": "",
                "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
                "listen [::]:443 ssl http2;": "",
                "/srv/cadans/store/": f"{self.store}/",
            },
        )
        (self.folder / "conf.d" / "cadans.conf").write_text(self._at_home(text))

    def _write_servers(self) -> None:
        shipped = (SHIPPED / "cadans" / "servers.conf").read_text()
        [line] = [each for each in shipped.splitlines() if each.startswith("server")]
        lines = [line.replace("8000", str(port)) for port in self.behind]
        (self.folder / "cadans" / "servers.conf").write_text("\n".join(lines))

    def _write_gateway(self, port: int) -> None:
        text = _changed(
            (SHIPPED / "store.conf").read_text(),
            {
                "/etc/letsencrypt/live/store.example.org/": f"{self.folder}/tls/",
                "store.example.org": HOST,
                "listen 443 ssl": f"listen 127.0.0.1:{self.store_port} ssl",
                "listen [::]:443 ssl http2;": "",
                "127.0.0.1:7480": f"127.0.0.1:{port}",
            },
        )
        (self.folder / "conf.d" / "store.conf").write_text(self._at_home(text))

    def _at_home(self, text: str) -> str:
        for there, here in (
            ("/etc/nginx/cadans/", f"{self.folder}/cadans/"),
            ("/var/log/nginx/", f"{self.folder}/log/"),
            ("/var/cache/", f"{self.folder}/cache/"),
        ):
            text = text.replace(there, here)
        return text


@contextmanager
def nginx_before(*behind: int, gateway: int | None = None) -> Iterator[Nginx]:
    """An nginx that runs until the block ends; what is behind it may start later."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("nginx", "nginx-light")
    # Not pytest's folder: it is closed to the ordinary user that nginx runs as.
    with tempfile.TemporaryDirectory(prefix="cadans-nginx-") as name:
        here = Nginx(folder=Path(name), behind=behind, gateway=gateway)
        here.lay_out()
        with (here.folder / "log" / "said").open("wb") as said:
            here.process = _start(program, here.folder, said)
        try:
            _wait_until_it_answers(here)
            yield here
        finally:
            end(here.process)


def _changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        if old not in text:
            raise NginxFailed(f"the shipped files have no {old!r} any more")
        text = text.replace(old, new)
    return text


def _make_certificate(folder: Path) -> None:
    now = datetime.now().replace(microsecond=0) - timedelta(days=2)
    authority_key, key = a_key(), a_key()
    authority = a_certificate(authority_key, name="An authority of the tests", since=now)
    leaf = a_certificate(key, name=HOST, issuer=(authority, authority_key), since=now)
    (folder / "authority.pem").write_bytes(pem(authority))
    (folder / "fullchain.pem").write_bytes(pem(leaf))
    (folder / "privkey.pem").write_bytes(pem_of_key(key))


def _start(program: str, folder: Path, said: IO[bytes]) -> subprocess.Popen[bytes]:
    # Told to end, not killed, when the tests die: else its workers would stay.
    command = ["setpriv", "--pdeathsig", "TERM"]
    if os.getuid() == 0:
        user = pwd.getpwnam("www-data")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
        folder.chmod(0o755)
        command += ["--reuid=www-data", "--regid=www-data", "--init-groups"]
    return subprocess.Popen(
        [*command, program, "-e", "stderr", "-c", str(folder / "nginx.conf")],
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
    )


def _wait_until_it_answers(here: Nginx) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        with suppress(OSError), socket.create_connection(("127.0.0.1", here.port), timeout=2):
            return
        if here.process is None or here.process.poll() is not None:
            break
        time.sleep(0.05)
    raise NginxFailed(here.log[-2000:])
