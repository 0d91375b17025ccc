import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from app import source
from app.errors import SettingsInvalid
from app.setting_reader import variable
from app.setting_values import AudioDelivery, Bind, Demo, Maildir, Smtp
from app.settings import Settings, all_settings
from app.version import __version__
from media.location import S3Location

README = Path(__file__).parents[2] / "README.md"
FEED_KEY = f"1:{'ab' * 32}"
SECRET = "s" * 40


def read(tmp_path: Path, **variables: str) -> Settings:
    environ = {"CADANS_VAR": str(tmp_path / "var")}
    return Settings.from_env(environ | {f"CADANS_{name}": text for name, text in variables.items()})


def problems(tmp_path: Path, **variables: str) -> str:
    with pytest.raises(SettingsInvalid) as caught:
        read(tmp_path, **variables)
    return str(caught.value)


def in_public(**more: str) -> dict[str, str]:
    base = {
        "BASE_URL": "https://courses.example.org",
        "DATABASE_URL": "postgresql://cadans@db/cadans",
        "STORE": "s3://lessons?endpoint=https://s3.example.org",
        "MAIL": "smtp://me:p%40ss@mail.example.org",
        "FEED_KEYS": FEED_KEY,
        "SECRET_KEYS": SECRET,
    }
    return base | more


def test_no_setting_at_all_is_the_embedded_shape(tmp_path: Path) -> None:
    settings = read(tmp_path)

    assert settings.is_embedded
    assert settings.bind == Bind(host="127.0.0.1", port=8000)
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.mail == Maildir(path=tmp_path / "var" / "mail")
    assert settings.max_upload == 500_000_000
    assert settings.presign_seconds == timedelta(hours=12)
    assert settings.audio is AudioDelivery.REDIRECT
    assert settings.demo is Demo.OFF


def test_embedded_keys_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    first, second = read(tmp_path), read(tmp_path)

    assert first.feed_keys == second.feed_keys
    assert first.secret_keys == second.secret_keys
    for name in ("feed_keys", "secret_keys"):
        mode = (tmp_path / "var" / "keys" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


def test_embedded_data_is_closed_to_other_users_of_the_machine(tmp_path: Path) -> None:
    read(tmp_path)

    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) & 0o007 == 0


def test_folder_of_embedded_data_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")

    assert "- CADANS_VAR must be a folder that this user can make and write" in problems(tmp_path)


def test_kept_keys_that_are_none_are_said_to_be(tmp_path: Path) -> None:
    read(tmp_path)
    (tmp_path / "var" / "keys" / "feed_keys").write_bytes(bytes(range(128, 256)))

    assert "- CADANS_FEED_KEYS" in problems(tmp_path)


def test_a_house_in_public_reads_every_setting(tmp_path: Path) -> None:
    settings = read(tmp_path, **in_public(TRUSTED_PROXIES="10.0.0.0/8, ::1", AUDIO="serve"))

    assert not settings.is_embedded
    assert settings.is_secure
    assert isinstance(settings.store, S3Location)
    assert settings.database_url == "postgresql+psycopg://cadans@db/cadans"
    assert settings.mail == Smtp(
        host="mail.example.org", port=587, user="me", password="p@ss", tls="starttls"
    )
    assert len(settings.trusted_proxies) == 2


@pytest.mark.parametrize("name", ["FEED_KEYS", "SECRET_KEYS"])
def test_outside_the_embedded_shape_a_missing_key_is_a_start_error(
    tmp_path: Path, name: str
) -> None:
    variables = in_public()
    del variables[name]

    assert f"CADANS_{name} is missing: make one with" in problems(tmp_path, **variables)
    assert not (tmp_path / "var").exists()


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")

    settings = read(tmp_path, SECRET_KEYS_FILE=str(path))

    assert settings.secret_keys == (SECRET,)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    words = problems(tmp_path, SECRET_KEYS_FILE=str(tmp_path / "nowhere"))

    assert "CADANS_SECRET_KEYS _FILE names" in words
    assert "nowhere" in words


def test_every_setting_wrong_at_once_is_said_at_once(tmp_path: Path) -> None:
    wrong = dict.fromkeys((name.upper() for name in all_settings()), "\0wrong:\n//")

    words = problems(tmp_path, **(wrong | {"VAR": ""}))

    for name in all_settings():
        assert f"- {variable(name)} " in words


def test_a_misspelt_setting_is_no_silent_default(tmp_path: Path) -> None:
    assert "CADANS_BASEURL is no setting" in problems(tmp_path, BASEURL="https://x.example")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BIND", "8000"),
        ("BIND", "127.0.0.1:99999"),
        ("BASE_URL", "courses.example.org"),
        ("BASE_URL", "https://courses.example.org/path"),
        ("BASE_URL", "http://[::1"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "postgresql://host"),
        ("STORE", "ftp://x"),
        ("AUDIO", "stream"),
        ("PRESIGN_SECONDS", "0"),
        ("PRESIGN_SECONDS", "604801"),
        ("MAX_UPLOAD", "lots"),
        ("MAX_UPLOAD", "0"),
        ("FEED_KEYS", "1:abc"),
        ("FEED_KEYS", f"256:{'ab' * 32}"),
        ("FEED_KEYS", f"{FEED_KEY},{FEED_KEY}"),
        ("SECRET_KEYS", "short"),
        ("MAIL", "sendmail"),
        ("MAIL", "smtp://h?tls=maybe"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "A <a@b.c>\nBcc: all@example.org"),
        ("TRUSTED_PROXIES", "everyone"),
        ("SOURCE_URL", "javascript:alert(1)"),
        ("SOURCE_URL", "https://example.org/{branch}"),
        ("DEMO", "yes"),
        ("DEMO_CLOCK", "-7d"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(tmp_path: Path, name: str, text: str) -> None:
    assert f"CADANS_{name} " in problems(tmp_path, **{name: text})


@pytest.mark.parametrize(
    ("text", "size"), [("500 MB", 500_000_000), ("2GB", 2 * 10**9), ("7", 7), ("10 kb", 10_000)]
)
def test_sizes_are_read_in_decimal_units(tmp_path: Path, text: str, size: int) -> None:
    assert read(tmp_path, MAX_UPLOAD=text).max_upload == size


def test_the_last_feed_key_makes_new_addresses(tmp_path: Path) -> None:
    settings = read(tmp_path, FEED_KEYS=f"{FEED_KEY},2:{'cd' * 32}")

    assert settings.feed_keys.current == 2


def test_source_is_given_by_the_house_itself_unless_somebody_says_where(tmp_path: Path) -> None:
    own = f"https://courses.example.org/my/source/cadans-{__version__}.tar.gz"
    assert read(tmp_path, **in_public()).source_url == own
    elsewhere = read(tmp_path, SOURCE_URL="https://example.org/cadans/{version}.zip")
    assert elsewhere.source_url == f"https://example.org/cadans/{__version__}.zip"


def test_source_of_a_commit_needs_a_checkout_that_knows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "find_commit", lambda: "c0ffee")
    found = read(tmp_path, SOURCE_URL="https://example.org/tree/{commit}")
    assert found.source_url == "https://example.org/tree/c0ffee"
    monkeypatch.setattr(source, "find_commit", lambda: None)
    assert "only a checkout" in problems(tmp_path, SOURCE_URL="https://example.org/{commit}")


def test_a_demo_is_refused_where_others_can_reach_it(tmp_path: Path) -> None:
    assert "CADANS_DEMO is 1" in problems(tmp_path, **in_public(DEMO="1"))


def test_a_lan_demo_runs_on_an_address_of_its_own_network_only(tmp_path: Path) -> None:
    settings = read(tmp_path, DEMO="lan", BASE_URL="http://192.168.1.20:8000")

    assert settings.demo is Demo.LAN
    assert "CADANS_DEMO is lan" in problems(
        tmp_path, DEMO="lan", BASE_URL="http://93.184.216.34:8000"
    )


def test_private_feeds_are_never_served_over_http_in_public(tmp_path: Path) -> None:
    words = problems(tmp_path, **in_public(BASE_URL="http://courses.example.org"))

    assert "CADANS_BASE_URL must be https://" in words


def test_mail_into_a_folder_is_refused_in_public(tmp_path: Path) -> None:
    words = problems(tmp_path, **in_public(MAIL=f"maildir:{tmp_path}"))

    assert "CADANS_MAIL is a folder" in words


def test_the_clock_can_be_set_ahead_in_a_demo_only(tmp_path: Path) -> None:
    assert read(tmp_path, DEMO="1", DEMO_CLOCK="+7d").demo_clock == timedelta(days=7)
    assert "CADANS_DEMO_CLOCK works only" in problems(tmp_path, DEMO_CLOCK="+7d")


def test_a_password_does_not_show_when_settings_are_printed(tmp_path: Path) -> None:
    settings = read(tmp_path, **in_public())

    assert "p@ss" not in repr(settings.mail)


def test_the_readme_has_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(CADANS_\w+)` \| (.*?) \|", README.read_text(), re.MULTILINE))

    wanted = {
        variable(name): f"`{setting.default}`" if setting.default else "-"
        for name, setting in all_settings().items()
    }
    assert rows == wanted
