"""The settings: read once from the environment, typed, every problem said at once.

Each field names its variable, its default and what it is for; README's table is tested against it.
"""

import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any, Self

from app import setting_values as values
from app.errors import SettingsInvalid
from app.keys import embedded_feed_keys, embedded_secret_keys
from app.setting_values import AudioDelivery, Bind, Demo, MailTarget, Problem
from feeds.tokens import FeedKeys
from media.store import StoreLocation

PREFIX = "CADANS_"


def _setting(default: str | None, about: str) -> Any:  # noqa: ANN401 (dataclasses.field is typed so)
    """Declare a setting; `default` is text as it would stand in the environment, None: worked out."""
    return field(metadata={"default": default, "about": about})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that tells one installation from another."""

    var: Path = _setting("var", "folder of all embedded data")
    bind: Bind = _setting("127.0.0.1:8000", "address and port to listen on")
    base_url: str = _setting(None, "the address people use, without a slash at the end; default http:// and BIND")
    database_url: str = _setting(None, "`sqlite:///file` or `postgresql://user:pass@host/name`; default SQLite in VAR")
    store: StoreLocation = _setting(
        None,
        "`folder:path` or `s3://bucket?endpoint=…&public_endpoint=…&region=…&addressing=path|virtual`; "
        "default a folder in VAR; credentials by the usual AWS variables",
    )
    audio: AudioDelivery = _setting(
        "redirect", "`redirect` to the store where it can be reached, `serve` the bytes ourselves, or `accel` by nginx"
    )
    presign_seconds: timedelta = _setting("43200", "how long a redirect to the store stays good")
    max_upload: int = _setting("500 MB", "largest audio file that is accepted")
    feed_keys: FeedKeys = _setting(
        None, "`1:<64 hex digits>`, further ones after a comma, the last one makes new addresses; never remove one"
    )
    secret_keys: tuple[str, ...] = _setting(
        None, "for sessions and mail links, comma between; the first signs, all verify"
    )
    mail: MailTarget = _setting(
        None, "`smtp://user:pass@host:587?tls=starttls` (or `tls=implicit`, `tls=none`) or `maildir:path`; default a Maildir in VAR"
    )
    mail_from: str = _setting(None, "sender of every mail, `Name <address>`; default cadans@ and the host of BASE_URL")
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = _setting(
        "", "networks whose X-Forwarded headers are believed, comma between; none by default"
    )
    source_url: str = _setting(
        "https://pypi.org/project/cadans/", "where the source of this very version can be had; in every footer"
    )
    demo: Demo = _setting("0", "`1`: demo on this machine alone; `lan`: demo for the phones in the same network")
    demo_clock: timedelta = _setting("+0d", "how far ahead the demo's clock runs: `+7d`, `+12h`")

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
        return self.database_url.startswith("sqlite") and self.store.is_folder

    @property
    def is_secure(self) -> bool:
        """Whether people reach us over https."""
        return self.base_url.startswith("https://")


class _Reader:
    """Reads one environment and collects what is wrong with it."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.problems: list[str] = []
        self.read_values: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        self._refuse_unknown()
        for name in ("var", "bind", "demo", "demo_clock", "audio", "presign_seconds", "max_upload"):
            self._take(name)
        for name in ("trusted_proxies", "source_url"):
            self._take(name)
        var = self.read_values.get("var", Path("var"))
        bind = self.read_values.get("bind", Bind(host="127.0.0.1", port=8000))
        self._take("base_url", f"http://{bind}")
        self._take("database_url", f"sqlite:///{var / 'cadans.sqlite3'}")
        self._take("store", f"folder:{var / 'store'}")
        self._take("mail", f"maildir:{var / 'mail'}")
        self._take("mail_from", values.default_sender(self.read_values.get("base_url", "")))
        self._take_keys(var / "keys")
        self._refuse_unsafe_together()
        if self.problems:
            raise SettingsInvalid(self.problems)
        return self.read_values

    def _take(self, name: str, default: str | None = None) -> None:
        spec = next(each for each in fields(Settings) if each.name == name)
        try:
            text = self._text(name)
            if text is None:
                text = spec.metadata["default"] if default is None else default
            self.read_values[name] = PARSERS[name](text)
        except Problem as problem:
            self.problems.append(f"{variable(spec)} {problem}")

    def _text(self, name: str) -> str | None:
        """Answer the variable's text, or that of the file which its _FILE variant names."""
        key = PREFIX + name.upper()
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
        for name, make in (("feed_keys", embedded_feed_keys), ("secret_keys", embedded_secret_keys)):
            is_given = {PREFIX + name.upper(), f"{PREFIX}{name.upper()}_FILE"} & set(self.environ)
            if is_given or not self._is_embedded():
                self._take(name, "")
            elif not self.problems:
                self._take(name, make(folder))

    def _is_embedded(self) -> bool:
        store = self.read_values.get("store")
        database = self.read_values.get("database_url", "")
        return database.startswith("sqlite") and store is not None and store.is_folder

    def _refuse_unknown(self) -> None:
        known = {variable(each) for each in fields(Settings)}
        known |= {f"{name}_FILE" for name in known} | CLIENT_VARIABLES
        for name in sorted(self.environ):
            if name.startswith(PREFIX) and name not in known:
                self.problems.append(f"{name} is no setting of Cadans: remove it or mend its name.")

    def _refuse_unsafe_together(self) -> None:
        if {"base_url", "mail", "demo", "demo_clock", "audio"} <= self.read_values.keys():
            self.problems += values.unsafe_together(self.read_values)


def variable(spec: "Field[Any]") -> str:
    """Name the environment variable of a setting's field."""
    assert spec.default is MISSING  # noqa: S101 (no default but the one in its metadata)
    return PREFIX + spec.name.upper()


# Read by the upload command on a laptop, not by the server.
CLIENT_VARIABLES = {"CADANS_SERVER", "CADANS_TOKEN"}

PARSERS = {
    "var": values.parse_folder,
    "bind": values.parse_bind,
    "base_url": values.parse_base_url,
    "database_url": values.parse_database_url,
    "store": values.parse_store,
    "audio": values.parse_audio,
    "presign_seconds": values.parse_presign_seconds,
    "max_upload": values.parse_size,
    "feed_keys": values.parse_feed_keys,
    "secret_keys": values.parse_secret_keys,
    "mail": values.parse_mail,
    "mail_from": values.parse_sender,
    "trusted_proxies": values.parse_networks,
    "source_url": values.parse_source_url,
    "demo": values.parse_demo,
    "demo_clock": values.parse_offset,
}
