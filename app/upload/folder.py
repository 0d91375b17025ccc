"""What lies in the folder: audio in its order, and what `lessons.csv` says of it."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.upload.errors import (
    BadList,
    BadPublish,
    ListedFileMissing,
    ListedTwice,
    ListNotUtf8,
    ListTooWide,
    ListWithoutFiles,
    NoAudio,
    UnknownColumns,
    UnreadableFile,
)
from media.audio import AudioFormat
from media.probe import probe
from media.titles import natural_key

LIST_NAME: Final = "lessons.csv"
COLUMNS: Final = ("file", "title", "notes", "publish")
# What people name audio; every file with such a name gets a verdict, whatever is in it.
ENDINGS: Final = frozenset(
    {
        "mp3",
        "mp2",
        "m4a",
        "m4b",
        "mp4",
        "aac",
        "wav",
        "wave",
        "flac",
        "ogg",
        "oga",
        "opus",
        "aif",
        "aiff",
        "aifc",
        "caf",
        "wma",
        "amr",
        "alac",
        "weba",
        "mka",
    }
)
YES: Final = frozenset({"yes", "y", "ja", "j", "true", "1", "x"})
NO: Final = frozenset({"", "no", "n", "nee", "false", "0"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the list says of one file. `title` and `notes` None: it says nothing."""

    title: str | None = None
    notes: str | None = None
    is_to_publish: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioFile:
    """A file that gets a verdict."""

    path: Path
    line: Line = field(default_factory=Line)

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return self.path.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The audio of a folder in the order of its lessons, and the names of what is none."""

    files: tuple[AudioFile, ...]
    ignored: tuple[str, ...]


def read_folder(path: Path) -> Folder:
    """Read a folder: first what the list names, in its order, then the rest as people count.

    Raises:
        NoAudio: there is none in it.
        UnknownColumns, BadList: `lessons.csv` cannot be used.
        UnreadableFile: a file cannot be opened.
    """
    entries = sorted(
        (entry for entry in path.iterdir() if not _is_silent(entry)),
        key=lambda entry: natural_key(entry.name),
    )
    audio = {entry.name: entry for entry in entries if _is_audio(entry)}
    if not audio:
        raise NoAudio(folder=path)
    lines = _read_list(path, audio)
    order = [*lines, *(name for name in audio if name not in lines)]
    return Folder(
        files=tuple(AudioFile(path=audio[name], line=lines.get(name, Line())) for name in order),
        ignored=tuple(entry.name for entry in entries if entry.name not in audio),
    )


def read_lines(text: str, names: Sequence[str]) -> dict[str, Line]:
    """Read the list, by the file's name; with commas or semicolons, as spreadsheets write it.

    Raises:
        UnknownColumns: it has others than `COLUMNS`.
        BadList: a file is not there or named twice, or a value is none.
    """
    delimiter = ";" if ";" in text.partition("\n")[0] else ","
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter, restkey="", strict=True)
    found: dict[str, Line] = {}
    try:
        _check_columns([name.strip().lower() for name in rows.fieldnames or ()])
        for row in rows:
            values = {str(key).strip().lower(): value for key, value in row.items()}
            if any(isinstance(value, list) for value in values.values()):
                raise ListTooWide(line=rows.line_num)
            name = _name(values, names, found, rows.line_num)
            found[name] = _line(values, rows.line_num)
    except csv.Error as error:
        raise BadList(line=rows.line_num, why=str(error)) from error
    return found


def _is_silent(entry: Path) -> bool:
    return entry.name.startswith(".") or entry.name.lower() == LIST_NAME


def _is_audio(entry: Path) -> bool:
    """Tell whether a file is audio or is named like it."""
    if not entry.is_file():
        return False
    if entry.suffix.lower().removeprefix(".") in ENDINGS:
        return True
    with opened(entry) as file:
        found = probe(file, entry.name, entry.stat().st_size)
    return found.format.is_sound and found.format is not AudioFormat.VIDEO and found.is_readable


def opened(path: Path) -> io.BufferedReader:
    """Open a file.

    Raises:
        UnreadableFile: that is not to be had.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFile(file=path.name, why=error.strerror) from error


def _read_list(folder: Path, audio: Mapping[str, Path]) -> dict[str, Line]:
    for entry in _lists(folder):
        with opened(entry) as file:
            content = file.read()
        try:
            # spreadsheets put a mark in front
            return read_lines(content.decode("utf-8-sig"), list(audio))
        except UnicodeDecodeError as error:
            raise ListNotUtf8 from error
    return {}


def _lists(folder: Path) -> Iterator[Path]:
    return (entry for entry in folder.iterdir() if entry.name.lower() == LIST_NAME)


def _check_columns(columns: Sequence[str]) -> None:
    unknown = [name or "(without a name)" for name in columns if name not in COLUMNS]
    if unknown:
        raise UnknownColumns(unknown=", ".join(unknown), allowed=", ".join(COLUMNS))
    if "file" not in columns:
        raise ListWithoutFiles


def _name(
    values: Mapping[str, str | None], names: Sequence[str], found: Mapping[str, Line], line: int
) -> str:
    name = (values.get("file") or "").strip()
    if name not in names:
        raise ListedFileMissing(line=line, name=name)
    if name in found:
        raise ListedTwice(line=line, name=name)
    return name


def _line(values: Mapping[str, str | None], line: int) -> Line:
    publish = (values.get("publish") or "").strip().casefold()
    if publish not in YES | NO:
        raise BadPublish(line=line, value=publish)
    title = " ".join((values.get("title") or "").split())
    # an empty cell says nothing; it does not empty the notes of a lesson
    return Line(
        title=title or None, notes=values.get("notes") or None, is_to_publish=publish in YES
    )
