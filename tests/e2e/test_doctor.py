"""`cadans doctor` on a whole house as operators have it, all well, and then with one fault a time.

nginx with TLS in front, PostgreSQL, S3 behind the same nginx, a mail server that wants STARTTLS and
a password, a worker of its own.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import cadans
from app.db.session import open_database
from app.doctor.house_web import look_at_address
from app.setting_rights import BLANKS
from app.settings import Settings
from app.wiring import open_store
from media.s3 import cors_rules
from tests.builders import a_course, a_subscription
from tests.e2e.behind_nginx import Front, behind_nginx
from tests.parts.certificates import an_authority
from tests.parts.nginx import Nginx, nginx_before
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server, environ_of, url_of
from tests.parts.server import free_port, installation
from tests.parts.smtp import Login, MailServer, receiving
from tests.parts.strangers import answering

pytestmark = [pytest.mark.s3, pytest.mark.postgres, pytest.mark.slow]

LOGIN = Login(user="cadans", password="hush-hush-hush")
PATIENCE_SECONDS = 60
Found = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A house that is well, and what it consists of."""

    environ: Mapping[str, str]
    nginx: Nginx
    port: int
    mail_server: MailServer
    s3_server: S3Server
    bucket: str

    def look(self, *words: str, **changes: str) -> tuple[int, Found]:
        """Look around with these settings changed; answer the exit code and what was found."""
        command = ["doctor", "--json", "--least-free", "1 MB", *words]
        done = CliRunner().invoke(cadans, command, env={**self.environ, **changes})
        return done.exit_code, {each["code"]: each for each in json.loads(done.stdout)["checks"]}

    def until(self, is_so: Callable[[set[str]], bool]) -> Found:
        """Look until the set of what fails is as it should be: nginx takes a while to read anew."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            _, found = self.look()
            if is_so(failing(found)) or time.monotonic() > give_up_at:
                return found
            time.sleep(0.2)


def failing(found: Found) -> set[str]:
    return {code for code, check in found.items() if check["grade"] == "fail"}


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, s3_server: S3Server
) -> Iterator[Whole]:
    folder, port, bucket = tmp_path_factory.mktemp("whole"), free_port(), s3_server.make_bucket()
    gateway = int(s3_server.endpoint.rpartition(":")[2])
    with ExitStack() as stack:
        nginx = stack.enter_context(nginx_before(port, gateway=gateway))
        certified = an_authority().certified()
        mail_server = stack.enter_context(receiving(context=certified, login=LOGIN))
        database_url = stack.enter_context(postgres.fresh())
        authorities = folder / "authorities.pem"
        authorities.write_bytes(nginx.authority.read_bytes() + an_authority().pem)
        environ = {
            "CADANS_VAR": str(folder / "var"),
            "CADANS_BIND": f"127.0.0.1:{port}",
            "CADANS_BASE_URL": nginx.url,
            "CADANS_TRUSTED_PROXIES": "127.0.0.1",
            "CADANS_DATABASE_URL": database_url.replace("+psycopg", ""),
            "CADANS_FEED_KEYS": f"1:{'ab' * 32}",
            "CADANS_SECRET_KEYS": "cd" * 32,
            "CADANS_MAIL": f"smtp://{LOGIN.user}:{LOGIN.password}@localhost:{mail_server.port}",
            "CADANS_MAIL_FROM": "Cadans <cadans@example.org>",
            **environ_of(bucket),
            "CADANS_STORE": f"{url_of(bucket)}&public_endpoint={nginx.store_url}",
            "SSL_CERT_FILE": str(authorities),
        }
        fill_in_who_keeps_it(folder / "var")
        here = stack.enter_context(installation(folder, environ))
        here.port = port
        put_a_listener(environ["CADANS_DATABASE_URL"])
        here.serve()
        here.start("worker")
        found = Whole(
            environ=environ,
            nginx=nginx,
            port=port,
            mail_server=mail_server,
            s3_server=s3_server,
            bucket=bucket.bucket,
        )
        allow_uploads(found)
        # The worker takes a moment to be seen.
        found.until(lambda wrong: not wrong)
        yield found


def fill_in_who_keeps_it(var: Path) -> None:
    var.mkdir()
    said = {key: "30" if key.endswith("_days") else '"ada@example.org"' for key in BLANKS}
    text = "".join(f"{key} = {value}\n" for key, value in said.items())
    (var / "privacy.toml").write_text(text)


def put_a_listener(database_url: str) -> None:
    database = open_database(database_url.replace("postgresql:", "postgresql+psycopg:"))
    with database.writing() as session:
        a_subscription(session, a_course(session))
    database.close()


def allow_uploads(whole: Whole) -> None:
    rules = cors_rules(whole.nginx.url)
    whole.s3_server.client.put_bucket_cors(
        Bucket=whole.bucket, CORSConfiguration={"CORSRules": rules}
    )


def test_house_that_is_well_is_found_well(whole: Whole) -> None:
    exit_code, found = whole.look("--send-to", "ada@example.org")
    unwell = {code: check for code, check in found.items() if check["grade"] in {"warn", "fail"}}
    assert (exit_code, unwell) == (0, {})
    # The worker may have written to the listener of this house meanwhile.
    recipients = [each.recipients for each in whole.mail_server.received]
    assert recipients.count(("ada@example.org",)) == 1
    assert found["proxies"]["message"] == "The proxy at 127.0.0.1 says who asks, and is believed."
    assert found["store_listener"]["grade"] == "ok"


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"CADANS_SECRET_KEYS": "ef" * 32}, "address", "but not this house"),
        ({"CADANS_FEED_KEYS": f"1:{'00' * 32}"}, "feed_keys", "that no longer work: 1;"),
        ({"CADANS_FEED_KEYS": f"2:{'ab' * 32}"}, "feed_keys", "under number 1"),
        ({"AWS_SECRET_ACCESS_KEY": "another"}, "store", "cannot be used"),
        ({"CADANS_MAIL": "smtp://cadans:x@localhost:{mail}"}, "mail", "does not know us (535)"),
        ({"CADANS_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "database", "does not let us in"),
        ({"SSL_CERT_FILE": "/dev/null"}, "tls", "no authority that this machine knows"),
        ({"CADANS_SECRET_KEYS": "short"}, "keys", "under 32 characters"),
    ],
)
def test_setting_that_is_wrong_is_found(
    whole: Whole, changes: dict[str, str], code: str, words: str
) -> None:
    filled = {
        name: value.format(mail=whole.mail_server.port) if "{mail}" in value else value
        for name, value in changes.items()
    }
    exit_code, found = whole.look(**filled)
    assert exit_code == 1
    assert words in found[code]["message"]
    # Who trusts no authority of ours trusts neither mail server nor store.
    follows = {"mail", "store_listener", "store_uploads"} if code == "tls" else set()
    assert failing(found) - follows == {code}


def test_full_disk_is_found(whole: Whole) -> None:
    exit_code, found = whole.look("--least-free", "900000 GB")
    assert (exit_code, failing(found)) == (1, {"disk"})


@contextmanager
def no_cors(whole: Whole) -> Iterator[None]:
    whole.s3_server.client.delete_bucket_cors(Bucket=whole.bucket)
    yield
    allow_uploads(whole)


@contextmanager
def open_bucket(whole: Whole) -> Iterator[None]:
    whole.s3_server.client.put_bucket_acl(Bucket=whole.bucket, ACL="public-read")
    yield
    whole.s3_server.client.put_bucket_acl(Bucket=whole.bucket, ACL="private")


@contextmanager
def proxy_that_says_nothing(whole: Whole) -> Iterator[None]:
    path = whole.nginx.folder / "cadans" / "proxy.conf"
    text = path.read_text()
    path.write_text("\n".join(line for line in text.splitlines() if "X-Forwarded-" not in line))
    whole.nginx.reload()
    yield
    path.write_text(text)
    whole.nginx.reload()


@contextmanager
def proxy_that_hands_on(whole: Whole) -> Iterator[None]:
    """As HAProxy does with `option forwardfor if-none`."""
    path = whole.nginx.folder / "cadans" / "proxy.conf"
    text = path.read_text()
    path.write_text(text.replace("X-Forwarded-For $remote_addr", "X-Forwarded-For $who"))
    who = 'map $http_x_forwarded_for $who { "" $remote_addr; default $http_x_forwarded_for; }'
    (whole.nginx.folder / "conf.d" / "who.conf").write_text(who)
    whole.nginx.reload()
    yield
    path.write_text(text)
    whole.nginx.reload()


@contextmanager
def another_program_behind(whole: Whole) -> Iterator[None]:
    with answering() as stranger:
        whole.nginx.send_to(stranger.port)
        yield
    whole.nginx.send_to(whole.port)


@contextmanager
def nobody_behind(whole: Whole) -> Iterator[None]:
    whole.nginx.send_to(free_port())
    yield
    whole.nginx.send_to(whole.port)


@pytest.mark.parametrize(
    ("plant", "code", "words"),
    [
        (no_cors, "store_uploads", "does not let pages"),
        (open_bucket, "store_public", "Anybody can list"),
        (proxy_that_says_nothing, "proxies", "does not say for whom it speaks, nor that it is"),
        (proxy_that_hands_on, "proxies", "anybody may claim any address"),
        (another_program_behind, "address", "Something else answers"),
        (nobody_behind, "address", "does not reach us (503)"),
    ],
)
def test_part_that_is_wrong_is_found(
    whole: Whole,
    plant: Callable[[Whole], AbstractContextManager[None]],
    code: str,
    words: str,
) -> None:
    with plant(whole):
        found = whole.until(lambda wrong: code in wrong)
        assert words in found[code]["message"]
        assert failing(found) == {code}
        assert found[code]["remedy"]
    assert failing(whole.until(lambda wrong: not wrong)) == set()


@pytest.fixture
def accelerated(tmp_path: Path, mail_server: MailServer) -> Iterator[Front]:
    """A house whose recordings lie in a folder, from which nginx sends them."""
    with behind_nginx(tmp_path / "house", mail_server, "accel") as front:
        yield front


def test_folder_that_nginx_does_not_send_is_found(accelerated: Front) -> None:
    nginx = accelerated.nginx
    here = {"CADANS_VAR": str(accelerated.here.folder / "var"), **accelerated.here.environ}
    settings = Settings.from_env(here)
    assert audio_of(settings)["grade"] == "ok"
    site = nginx.folder / "conf.d" / "cadans.conf"
    site.write_text(site.read_text().replace(f"alias {nginx.store}/", f"alias {nginx.folder}/"))
    nginx.reload()
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while audio_of(settings)["grade"] == "ok" and time.monotonic() < give_up_at:
        time.sleep(0.2)
    found = audio_of(settings)
    assert "does not come through (CADANS_AUDIO=accel): the answer is 503" in found["message"]
    assert "/_store/" in found["remedy"]


def audio_of(settings: Settings) -> Mapping[str, str]:
    checks = look_at_address(settings, open_store(settings.store))
    return next(check.as_json() for check in checks if check.code == "audio")
