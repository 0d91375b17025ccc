"""The doctor says no secret, whatever is wrong: every setting that holds one, and every fault."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import cadans
from app.doctor.house_secrets import secrets_in, secrets_of, without_secrets
from app.doctor.report import Check, Grade
from app.setting_reader import variable
from app.settings import Settings, all_settings
from tests.parts.server import free_port
from tests.parts.strangers import Stranger

PASSWORDS = {
    "database": "pw-of-the-database",
    "mail": "pw/of@the:mail",
    "bounces": "pw-of-the-mailbox",
    "postmark": "pw-of-postmark-with-over-32-letters",
    "metrics": "token-of-metrics-with-over-24-letters",
    "sentry": "key-of-sentry-with-over-24-letters",
}
KEYS = {
    "CADANS_SECRET_KEYS": f"{'5e' * 32},{'7d' * 32}",
    "CADANS_FEED_KEYS": f"1:{'ab' * 32},2:{'9f' * 32}",
    "CADANS_HOOK_MAILGUN": "key-of-mailgun-with-over-32-letters",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-store",
    "AWS_SESSION_TOKEN": "session-of-the-store",
}
SECRET = re.compile("|".join([
    *map(re.escape, PASSWORDS.values()), "pw%2Fof%40the%3Amail",
    *("5e" * 32, "7d" * 32, "ab" * 32, "9f" * 32),
    "key-of-mailgun", "secret-of-the-store", "session-of-the-store",
]))  # fmt: skip


def a_house_full_of_secrets(tmp_path: Path, store_url: str) -> dict[str, str]:
    """Settings in which everything that may hold a secret does, and nothing answers."""
    nobody = f"127.0.0.1:{free_port()}"
    return {
        **KEYS,
        "CADANS_VAR": str(tmp_path / "var"),
        "CADANS_BASE_URL": f"http://{nobody}",
        "CADANS_DATABASE_URL": f"postgresql://cadans:{PASSWORDS['database']}@{nobody}/cadans",
        "CADANS_STORE": f"s3://courses?endpoint={store_url}&region=us-east-1",
        "CADANS_MAIL": f"smtp://cadans:pw%2Fof%40the%3Amail@{nobody}?tls=none",
        "CADANS_BOUNCES": f"imap://cadans:{PASSWORDS['bounces']}@{nobody}/INBOX",
        "CADANS_HOOK_POSTMARK": f"cadans:{PASSWORDS['postmark']}",
        "CADANS_METRICS_TOKEN": PASSWORDS["metrics"],
        "CADANS_SENTRY_DSN": f"https://{PASSWORDS['sentry']}@faults.example.org/1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
    }


FAULTS = [
    {},
    {"CADANS_SECRET_KEYS": f"{'5e' * 32},short"},
    {"CADANS_FEED_KEYS": f"{'ab' * 32}"},
    {"CADANS_FEED_KEYS": f"1:{'ab' * 32}0"},
    {"CADANS_DATABASE_URL": f"mysql://cadans:{PASSWORDS['database']}@localhost/cadans"},
    {"CADANS_DATABASE_URL": f"postgresql://cadans:{PASSWORDS['database']}@localhost"},
    {"CADANS_MAIL": f"smtp://cadans:{PASSWORDS['mail']}@localhost"},
    {"CADANS_MAIL": f"smtp://cadans:{PASSWORDS['bounces']}@localhost?tls=perhaps"},
    {"CADANS_MAIL": f"smtps://cadans:{PASSWORDS['bounces']}@localhost"},
    {"CADANS_BOUNCES": f"pop3://cadans:{PASSWORDS['bounces']}@localhost"},
    {"CADANS_BASE_URL": f"https://cadans:{PASSWORDS['bounces']}@courses.example.org"},
    {"CADANS_STORE": "s3://AKIAEXAMPLE:secret-of-the-store@courses"},
    {"CADANS_STORE": "s3://courses?secret=secret-of-the-store"},
    {"CADANS_HOOK_POSTMARK": PASSWORDS["postmark"]},
    {"CADANS_HOOK_MAILGUN": "key-of-mailgun"},
    {"CADANS_METRICS_TOKEN": f"{PASSWORDS['metrics']} and more"},
    {"CADANS_SECRET": "7d" * 32},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: next(iter(fault), "nothing answers"))
@pytest.mark.parametrize("words", [(), ("--json",), ("--send-to", "ada@example.org")])
def test_no_secret_is_said_whatever_is_wrong(
    fault: dict[str, str], words: tuple[str, ...], tmp_path: Path, stranger: Stranger
) -> None:
    stranger.status, stranger.body = 403, b"no"
    environ = a_house_full_of_secrets(tmp_path, stranger.url) | fault
    done = CliRunner().invoke(cadans, ["doctor", *words], env=environ)
    assert done.exit_code == 1
    assert SECRET.search(done.output) is None
    assert done.output.strip()
    if "--json" in words:
        assert json.loads(done.stdout)["checks"]


def test_every_setting_that_may_hold_a_secret_is_known_to_hold_it(tmp_path: Path) -> None:
    full = a_house_full_of_secrets(tmp_path, "http://127.0.0.1:1")
    held = {name for name in full if SECRET.search(full[name]) and name.startswith("CADANS_")}
    known = {variable(name) for name, setting in all_settings().items() if setting.is_secret}
    assert held <= known
    # A setting that is added later stands in the house above, or says that it holds none.
    assert {name for name in known if name not in held} == set()


def test_secret_in_a_file_is_known(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{'5e' * 32}\n")
    assert "5e" * 32 in secrets_of({"CADANS_SECRET_KEYS_FILE": str(path)}, None)


def test_keys_that_were_made_here_are_known(settings: Settings) -> None:
    found = secrets_of({}, settings)
    assert settings.secret_keys[0] in found
    assert settings.feed_keys.secrets[1].hex() in found


def test_password_in_an_address_is_known_as_it_stands_there_and_as_it_is_meant() -> None:
    assert list(secrets_in("smtp://me:a%2Fb@c@localhost?tls=none")) == ["a%2Fb@c", "a/b@c"]


def test_key_in_a_web_address_is_known_and_the_name_of_a_user_is_none() -> None:
    assert set(secrets_in("https://0123abcd@faults.example.org/1")) == {"0123abcd"}
    assert list(secrets_in("postgresql://cadans@localhost/cadans")) == []


def test_path_is_no_secret() -> None:
    assert list(secrets_in("maildir:/var/lib/cadans/mail")) == []
    assert list(secrets_in("sqlite:////var/lib/cadans/db")) == []


def test_secret_is_taken_out_of_message_and_remedy() -> None:
    check = Check(code="x", grade=Grade.FAIL, message="It says hush-hush.", remedy="Not hush-hush.")
    [found] = without_secrets([check], ["hush-hush"])
    assert (found.message, found.remedy) == ("It says ….", "Not ….")
