"""The settings: read once from the environment, typed, every problem said at once.

Each field names its variable, its default and what it is for; README's table is tested against it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Self, get_type_hints

from app import setting_mail, setting_rights, setting_watch
from app import setting_values as values
from app.keys import key_folder
from app.setting_mail import BounceTarget, Credentials
from app.setting_reader import Reader, Setting
from app.setting_rights import Particulars
from app.setting_values import AudioDelivery, Bind, Demo, Maildir, MailTarget, StoreLocation
from app.setting_watch import LogFormat
from feeds.tokens import FeedKeys
from media.location import FolderLocation, S3Location


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
    keep_fetches: Annotated[
        timedelta,
        Setting(
            setting_rights.parse_days(30, 3650),
            "365",
            "days that it is kept which app fetched what, 30 to 3650",
        ),
    ]
    keep_mails: Annotated[
        timedelta,
        Setting(
            setting_rights.parse_days(7, 30),
            "30",
            "days after sending that it is kept to which address a mail went, 7 to 30",
        ),
    ]
    keep_signs: Annotated[
        timedelta,
        Setting(
            setting_rights.parse_days(14, 365),
            "90",
            "days that signs are kept that an address is in other hands, 14 to 365",
        ),
    ]
    keep_left: Annotated[
        timedelta | None,
        Setting(
            setting_rights.parse_days_or_never(90, 3650),
            "",
            "days after which a listener is erased who left every course and whose apps asked for"
            " nothing since, 90 to 3650; never by default",
        ),
    ]
    privacy: Annotated[
        Particulars,
        Setting(
            setting_rights.parse_privacy,
            None,
            "TOML file that says who runs this house, for the page on what is kept; `cadans"
            " privacy` prints one to fill in; default `privacy.toml` in VAR, where there is one",
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
    metrics_bind: Annotated[
        Bind | None,
        Setting(
            setting_watch.parse_metrics_bind,
            "",
            "address and port where `cadans worker` answers `/metrics`, `/healthz` and `/readyz`,"
            " on a host where nothing else does",
        ),
    ]
    sentry_dsn: Annotated[
        str | None,
        Setting(
            setting_watch.parse_sentry_dsn,
            "",
            "where faults are reported, kind and place without words; `pip install cadans[sentry]`",
            is_secret=True,
        ),
    ]
    otlp_endpoint: Annotated[
        str | None,
        Setting(
            setting_watch.parse_otlp_endpoint,
            "",
            "OpenTelemetry collector that gets traces, `http://127.0.0.1:4318`; further settings by"
            " the usual OTEL variables; `pip install cadans[traces]`",
        ),
    ]
    source_url: Annotated[
        str,
        Setting(
            values.parse_source_url,
            None,
            "where the source of this very version can be had, for every footer; `{version}` and,"
            " in a checkout, `{commit}` are filled in; default an archive that this house makes of"
            " its own code",
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
        found = os.environ if environ is None else environ
        return cls(**Reader(found, all_settings()).read())

    @property
    def is_embedded(self) -> bool:
        """Whether all data lie in `var`: one process, its worker a thread of it."""
        return self.database_url.startswith("sqlite") and isinstance(self.store, FolderLocation)

    @property
    def is_redirecting(self) -> bool:
        """Whether listeners fetch audio from the store itself."""
        return self.audio is AudioDelivery.REDIRECT and isinstance(self.store, S3Location)

    @property
    def plain_particulars(self) -> frozenset[str]:
        """Which particulars need no words: recordings or mails that stay on this machine."""
        here = {"storage": isinstance(self.store, FolderLocation)}
        here["mail"] = isinstance(self.mail, Maildir)
        return frozenset(key for key, is_here in here.items() if is_here)

    @property
    def missing_particulars(self) -> list[str]:
        """What who runs this house has not said of it yet."""
        return self.privacy.missing(not_asked=self.plain_particulars)

    @property
    def key_folder(self) -> Path:
        """Where the keys of the embedded shape lie."""
        return key_folder(self.var)

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over https."""
        return self.base_url.startswith("https://")


def environment() -> Mapping[str, str]:
    """Answer what settings are read from, for who must know what stands there without them."""
    return os.environ


def all_settings() -> dict[str, Setting]:
    """Answer every setting by its name, in the order of the class."""
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}
