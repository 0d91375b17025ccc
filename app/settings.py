"""The settings: read once from the environment, typed, every problem said at once.

Each field names its variable, its default and what it is for; README's table is tested against it.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Self, get_type_hints

from app import setting_mail, setting_watch
from app import setting_values as values
from app.errors import SettingsInvalid
from app.keys import embedded_feed_keys, embedded_secret_keys, key_folder
from app.setting_mail import BounceTarget, Credentials
from app.setting_values import AudioDelivery, Bind, Demo, MailTarget, Problem, StoreLocation
from app.setting_watch import LogFormat
from feeds.tokens import FeedKeys
from media.location import FolderLocation

PREFIX = "CADANS_"


Parse = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """How one setting is read: parser, default as text (None: worked out), what it is for.

    `is_secret`: its text, or a part of it, must never be printed.
    """

    parse: Parse
    default: str | None
    about: str
    is_secret: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that tells one installation from another."""

    var: Annotated[Path, Setting(values.parse_folder, "var", "folder of all embedded data")]
    bind: Annotated[
        Bind, Setting(values.parse_bind, "127.0.0.1:8000", "address and port to listen on")
    ]
    base_url: Annotated[
        str,
        Setting(
            values.parse_base_url,
            None,
            "the address people use, scheme and host only; default `http://` and BIND",
        ),
    ]
    database_url: Annotated[
        str,
        Setting(
            values.parse_database_url,
            None,
            "`sqlite:///file` or `postgresql://user:pass@host/name`; default SQLite in VAR",
            is_secret=True,
        ),
    ]
    store: Annotated[
        StoreLocation,
        Setting(
            values.parse_store,
            None,
            "`folder:path` or `s3://bucket?endpoint=…&public_endpoint=…&region=…&addressing=path`"
            " (or `virtual`); default a folder in VAR; credentials by the usual AWS variables",
        ),
    ]
    audio: Annotated[
        AudioDelivery,
        Setting(
            values.parse_audio,
            "redirect",
            "`redirect` to the store if it can be reached, `serve` the bytes, or `accel` by nginx",
        ),
    ]
    presign_seconds: Annotated[
        timedelta,
        Setting(
            values.parse_presign_seconds, "43200", "how long a redirect to the store stays good"
        ),
    ]
    max_upload: Annotated[
        int, Setting(values.parse_size, "500 MB", "largest audio file that is accepted")
    ]
    feed_keys: Annotated[
        FeedKeys,
        Setting(
            values.parse_feed_keys,
            None,
            "`1:` and 64 hex digits, further keys after a comma, the last one makes new addresses;"
            " never remove one; made in VAR for SQLite with a folder store, required otherwise",
            is_secret=True,
        ),
    ]
    secret_keys: Annotated[
        tuple[str, ...],
        Setting(
            values.parse_secret_keys,
            None,
            "for sessions and mail links, comma between, the first signs, all verify; made in VAR"
            " for SQLite with a folder store, required otherwise",
            is_secret=True,
        ),
    ]
    mail: Annotated[
        MailTarget,
        Setting(
            values.parse_mail,
            None,
            "`smtp://user:pass@host:587?tls=starttls` (or `tls=implicit`, `tls=none`), or"
            " `maildir:path`; default a Maildir in VAR",
            is_secret=True,
        ),
    ]
    mail_from: Annotated[
        str,
        Setting(
            values.parse_sender,
            None,
            "sender of every mail, `Name <address>`; default cadans at the host of BASE_URL, at"
            " localhost when that is a number",
        ),
    ]
    mail_pace: Annotated[
        int,
        Setting(
            setting_mail.parse_pace, "100", "how many mails go to one recipient domain in a minute"
        ),
    ]
    bounces: Annotated[
        BounceTarget | None,
        Setting(
            setting_mail.parse_bounces,
            "",
            "mailbox that is read for mail that came back: `maildir:path` or"
            " `imap://user:pass@host/INBOX?tls=implicit` (or `tls=starttls`, `tls=none`)",
            is_secret=True,
        ),
    ]
    bounce_address: Annotated[
        str | None,
        Setting(
            setting_mail.parse_bounce_address,
            "",
            "where mail comes back to, `bounces+*@example.org` with a `*` for the mark of each"
            " mail; default the address of MAIL_FROM",
        ),
    ]
    hook_ses: Annotated[
        tuple[str, ...],
        Setting(
            setting_mail.parse_topics,
            "",
            "ARN of the SNS topic by which SES tells of bounces; opens `/hooks/mail/ses`",
        ),
    ]
    hook_postmark: Annotated[
        Credentials | None,
        Setting(
            setting_mail.parse_credentials,
            "",
            "`user:password` that Postmark sends; opens `/hooks/mail/postmark`",
            is_secret=True,
        ),
    ]
    hook_mailgun: Annotated[
        str | None,
        Setting(
            setting_mail.parse_signing_key,
            "",
            "signing key of Mailgun's webhooks; opens `/hooks/mail/mailgun`",
            is_secret=True,
        ),
    ]
    trusted_proxies: Annotated[
        tuple[IPv4Network | IPv6Network, ...],
        Setting(
            values.parse_networks,
            "",
            "networks whose X-Forwarded headers are believed, comma between; none by default",
        ),
    ]
    log: Annotated[
        LogFormat,
        Setting(
            setting_watch.parse_log,
            "people",
            "events on standard error, written for `people` or as `json`, one a line",
        ),
    ]
    metrics_token: Annotated[
        str | None,
        Setting(
            setting_watch.parse_metrics_token,
            "",
            "bearer token that opens `/metrics`, for Prometheus; closed without it",
            is_secret=True,
        ),
    ]
    source_url: Annotated[
        str,
        Setting(
            values.parse_source_url,
            "https://pypi.org/project/cadans/",
            "where the source of this very version can be had; stands in every footer",
        ),
    ]
    demo: Annotated[
        Demo,
        Setting(
            values.parse_demo,
            "0",
            "`1`: a demo for this machine alone; `lan`: for the phones in the same network too",
        ),
    ]
    demo_clock: Annotated[
        timedelta,
        Setting(
            values.parse_offset, "+0d", "how far ahead the clock of a demo runs: `+7d`, `+12h`"
        ),
    ]

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Raises:
            SettingsInvalid: with every problem and its remedy.
        """
        return cls(**_Reader(os.environ if environ is None else environ).read())

    @property
    def is_embedded(self) -> bool:
        """Whether all data lie in `var`: one process, its worker a thread of it."""
        return self.database_url.startswith("sqlite") and isinstance(self.store, FolderLocation)

    @property
    def key_folder(self) -> Path:
        """Where the keys of the embedded shape lie."""
        return key_folder(self.var)

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over https."""
        return self.base_url.startswith("https://")


class _Reader:
    """Reads one environment and collects what is wrong with it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.settings = all_settings()
        self.problems: list[str] = []
        self.read_values: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        self._refuse_unknown()
        for name in ("var", "bind", "demo", "demo_clock", "audio", "presign_seconds", "max_upload"):
            self._take(name)
        for name in ("trusted_proxies", "source_url", *MAIL_SETTINGS, *WATCH_SETTINGS):
            self._take(name)
        var = self.read_values.get("var", Path("var"))
        bind = self.read_values.get("bind", Bind(host="127.0.0.1", port=8000))
        self._take("base_url", f"http://{bind}")
        self._take("database_url", f"sqlite:///{var / 'cadans.sqlite3'}")
        self._take("store", f"folder:{var / 'store'}")
        self._take("mail", f"maildir:{var / 'mail'}")
        self._take("mail_from", values.default_sender(self.read_values.get("base_url", "")))
        self._take_keys(key_folder(var))
        self._refuse_unsafe_together()
        if self.problems:
            raise SettingsInvalid(self.problems)
        return self.read_values

    def _take(self, name: str, default: str | None = None) -> None:
        setting = self.settings[name]
        try:
            text = self._text(name)
            if text is None:
                text = setting.default or "" if default is None else default
            self.read_values[name] = setting.parse(text)
        except Problem as problem:
            self.problems.append(f"{variable(name)} {problem}")

    def _text(self, name: str) -> str | None:
        """Answer the variable's text, or that of the file which its _FILE variant names."""
        key = variable(name)
        direct, path = self.environ.get(key), self.environ.get(f"{key}_FILE")
        if direct is not None and path is not None:
            raise Problem(f"and {key}_FILE are both set: remove one of them.")
        if path is None:
            return direct
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"_FILE names {path}, which cannot be read ({error}).") from error

    def _take_keys(self, folder: Path) -> None:
        for name, make in (
            ("feed_keys", embedded_feed_keys),
            ("secret_keys", embedded_secret_keys),
        ):
            is_given = {variable(name), f"{variable(name)}_FILE"} & set(self.environ)
            if is_given or not self._is_embedded():
                self._take(name, "")
            elif not self.problems:
                self._take(name, make(folder))

    def _is_embedded(self) -> bool:
        store = self.read_values.get("store")
        database = self.read_values.get("database_url", "")
        return database.startswith("sqlite") and isinstance(store, FolderLocation)

    def _refuse_unknown(self) -> None:
        known = {variable(name) for name in self.settings}
        known |= {f"{name}_FILE" for name in known} | CLIENT_VARIABLES
        for name in sorted(self.environ):
            if name.startswith(PREFIX) and name not in known:
                self.problems.append(f"{name} is no setting of Cadans: remove it or mend its name.")

    def _refuse_unsafe_together(self) -> None:
        if {"base_url", "mail", "demo", "demo_clock", "audio"} <= self.read_values.keys():
            self.problems += values.unsafe_together(self.read_values)


def environment() -> Mapping[str, str]:
    """Answer what settings are read from, for who must know what stands there without them."""
    return os.environ


def variable(name: str) -> str:
    """Name the environment variable of a setting."""
    return PREFIX + name.upper()


def all_settings() -> dict[str, Setting]:
    """Answer every setting by its name, in the order of the class."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


MAIL_SETTINGS = (
    "mail_pace",
    "bounces",
    "bounce_address",
    "hook_ses",
    "hook_postmark",
    "hook_mailgun",
)
WATCH_SETTINGS = ("log", "metrics_token")
# Read by the upload command on a laptop, not by the server.
CLIENT_VARIABLES = {"CADANS_SERVER", "CADANS_TOKEN"}
