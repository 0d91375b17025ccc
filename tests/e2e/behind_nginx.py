"""The demo course behind the nginx that we ship, over HTTPS, with each way to send audio."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.by_http import Mailbox, text_of, wait_for_mail
from tests.parts.nginx import Nginx, nginx_before
from tests.parts.rgw import S3Server, environ_of, url_of
from tests.parts.server import Installation, free_port, installation
from tests.parts.smtp import MailServer

KEYS = {"CADANS_FEED_KEYS": f"1:{'ab' * 32}", "CADANS_SECRET_KEYS": "cd" * 32}


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """A house that people reach by its nginx alone, and the mails it sent."""

    here: Installation
    nginx: Nginx
    mail_server: MailServer

    @property
    def url(self) -> str:
        return self.nginx.url

    @property
    def mailbox(self) -> Mailbox:
        return lambda: [each.message for each in self.mail_server.received]

    def link_to(self, address: str, path: str) -> str:
        """The link of this kind in her mail, once it is there."""
        found = re.search(
            rf"https://\S+{path}\S+", text_of(wait_for_mail(self.mailbox, address, path))
        )
        assert found is not None
        return found[0]

    def becomes_listener(self) -> str:
        """Sign up and confirm; answer the personal address."""
        email = f"noor-{secrets.token_hex(4)}@example.org"
        with self.nginx.client() as browser:
            sent = browser.post("/bloeiende-community", data={"name": "Noor", "email": email})
            assert sent.status_code == 200, sent.text
            page = browser.post(self.link_to(email, "/my/confirm/"), follow_redirects=True)
        found = re.search(r"https://[^\s<\"]+/f/[a-z2-7]{40}\.xml", page.text)
        assert found is not None, page.text
        return found[0]


@contextmanager
def behind_nginx(
    folder: Path, mail_server: MailServer, audio: str, s3_server: S3Server | None = None
) -> Iterator[Front]:
    """The demo course with this AUDIO; its store is a bucket where there is a server for one."""
    port = free_port()
    gateway = int(s3_server.endpoint.rpartition(":")[2]) if s3_server else None
    with nginx_before(port, gateway=gateway) as nginx:
        environ = {
            "CADANS_DEMO": "1",
            "CADANS_BIND": f"127.0.0.1:{port}",
            "CADANS_BASE_URL": nginx.url,
            "CADANS_TRUSTED_PROXIES": "127.0.0.1",
            "CADANS_MAIL": mail_server.url,
            "CADANS_AUDIO": audio,
            "CADANS_STORE": f"folder:{nginx.store}",
            **KEYS,
            **(_bucket(s3_server, nginx) if s3_server else {}),
        }
        with installation(folder, environ) as here:
            here.port = port
            here.make_tables()
            here.run("demo")
            here.serve()
            if s3_server:
                here.start("worker")
            yield Front(here=here, nginx=nginx, mail_server=mail_server)


def _bucket(s3_server: S3Server, nginx: Nginx) -> dict[str, str]:
    bucket = s3_server.make_bucket()
    store = f"{url_of(bucket)}&public_endpoint={nginx.store_url}"
    return {**environ_of(bucket), "CADANS_STORE": store}
