"""Reads the settings from an environment and collects everything that is wrong with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app import setting_values as values
from app.errors import SettingsInvalid
from app.keys import embedded_feed_keys, embedded_secret_keys, key_folder
from app.setting_values import Bind, Problem
from app.source import SOURCE_PATH
from media.location import FolderLocation

PREFIX: Final = "CADANS_"
# Read by the upload command on a laptop, not by the server.
CLIENT_VARIABLES: Final = frozenset({"CADANS_SERVER", "CADANS_TOKEN"})

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


def variable(name: str) -> str:
    """Name the environment variable of a setting."""
    return PREFIX + name.upper()


class Reader:
    """Reads one environment and collects what is wrong with it."""

    def __init__(self, environ: Mapping[str, str], settings: Mapping[str, Setting]) -> None:
        self.environ = environ
        self.settings = settings
        self.problems: list[str] = []
        self.read_values: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Answer the value of every setting.

        Raises:
            SettingsInvalid: with every problem and its remedy.
        """
        self._refuse_unknown()
        for name, setting in self.settings.items():
            if setting.default is not None:
                self._take(name)
        self._work_out()
        self._refuse_unsafe_together()
        if self.problems:
            raise SettingsInvalid(self.problems)
        return self.read_values

    def _work_out(self) -> None:
        """Take the settings whose defaults hang on others."""
        var = self.read_values.get("var", Path("var"))
        bind = self.read_values.get("bind", Bind(host="127.0.0.1", port=8000))
        self._take("base_url", f"http://{bind}")
        self._take("source_url", f"{self.read_values.get('base_url', 'http:')}{SOURCE_PATH}")
        self._take("database_url", f"sqlite:///{var / 'cadans.sqlite3'}")
        self._take("store", f"folder:{var / 'store'}")
        particulars = var / "privacy.toml"
        self._take("privacy", str(particulars) if particulars.is_file() else "")
        self._take("mail", f"maildir:{var / 'mail'}")
        self._take("mail_from", values.default_sender(self.read_values.get("base_url", "")))
        self._use(var)

    def _use(self, var: Path) -> None:
        """Make the folder of all embedded data, closed to strangers, if anything will lie there.

        Our group may look in: nginx, where it sends recordings of a store there.
        """
        try:
            if self._is_sqlite() and not self.problems:
                var.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._take_keys(key_folder(var))
        except OSError as error:
            self.problems.append(
                f"{variable('var')} must be a folder that this user can make and write"
                f" ({error.filename}: {error.strerror})."
            )

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
        return self._is_sqlite() and isinstance(self.read_values.get("store"), FolderLocation)

    def _is_sqlite(self) -> bool:
        return str(self.read_values.get("database_url", "")).startswith("sqlite")

    def _refuse_unknown(self) -> None:
        known = {variable(name) for name in self.settings}
        known |= {f"{name}_FILE" for name in known} | CLIENT_VARIABLES
        for name in sorted(self.environ):
            if name.startswith(PREFIX) and name not in known:
                self.problems.append(f"{name} is no setting of Cadans: remove it or mend its name.")

    def _refuse_unsafe_together(self) -> None:
        if {"base_url", "mail", "demo", "demo_clock", "audio"} <= self.read_values.keys():
            self.problems += values.unsafe_together(self.read_values)
