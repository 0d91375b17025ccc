#!/usr/bin/env python3
"""Make the recordings for the turns of a subscription from app/spoken/texts.toml.

What this script makes is kept in the repository: run it again after a change to a text, with the
edition raised in app/spoken. Recordings of earlier editions stay listed and are left as they are.
"""

import argparse
import hashlib
import json
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from speech import (
    ToolFailedError,
    ToolMissingError,
    Voice,
    encode,
    silence,
    write_wav,
)

from app.spoken import EDITION, file_name, pronunciation, texts
from feeds.messages import TurnKind, title_of
from feeds.words import LANGUAGES

FOLDER: Final = Path(__file__).resolve().parents[1] / "app" / "spoken"
LIST: Final = FOLDER / "recordings.json"
BITRATE: Final = "64k"
# ISO 639-2/T, as ID3 wants languages
LONG_CODES: Final = {"en": "eng", "nl": "nld"}


def speak(text: str, voice: Voice, wav: Path) -> None:
    """Speak lines one after the other; an empty line is a breath."""
    samples = silence("start")
    between = None
    for line in text.splitlines():
        if not line:
            between = "breath"
            continue
        if between:
            samples += silence(between)
        samples += voice.speak(line, wav)
        between = "sentence"
    write_wav(samples + silence("end"), wav)


def make(kind: TurnKind, language: str) -> dict[str, Any]:
    """Write one recording; answers what the list says of it."""
    voice = Voice(language=language, pronunciation=pronunciation(language))
    mp3 = FOLDER / file_name(language, kind, EDITION)
    mp3.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="cadans-spoken-") as folder:
        wav, tags = Path(folder, "turn.wav"), Path(folder, "tags.txt")
        speak(texts(language)[kind], voice, wav)
        tags.write_text(render_tags(kind, language), encoding="utf-8")
        loudness = encode(wav, tags, mp3, bitrate=BITRATE)
        with wave.open(str(wav), "rb") as spoken:
            duration_ms = round(spoken.getnframes() / spoken.getframerate() * 1000)
    content = mp3.read_bytes()
    print(
        f"{language}/{mp3.name}: {duration_ms / 1000:.1f} s, {len(content) / 1000:.0f} kB, "
        f"{loudness.integrated_lufs} LUFS, peak {loudness.true_peak_db} dBTP"
    )
    return {
        "kind": kind.value,
        "language": language,
        "number": EDITION,
        "size_bytes": len(content),
        "duration_ms": duration_ms,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def render_tags(kind: TurnKind, language: str) -> str:
    """Tags in the format of ffmpeg's ffmetadata demuxer."""
    lines = [
        ";FFMETADATA1",
        f"title={title_of(kind, language)}",
        "artist=Cadans",
        "album=Cadans",
        f"language={LONG_CODES[language]}",
    ]
    return "\n".join(lines) + "\n"


def earlier() -> Iterator[dict[str, Any]]:
    """What the list says of recordings of earlier editions."""
    if LIST.exists():
        listed = json.loads(LIST.read_text(encoding="utf-8"))
        yield from (each for each in listed if each["number"] != EDITION)


def make_all() -> None:
    """Make every recording of this edition, and the list of all."""
    made = [make(kind, language) for language in sorted(LANGUAGES) for kind in TurnKind]
    listed = [*earlier(), *made]
    LIST.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def say_what_would_be_made() -> None:
    """Print what a real run would write, and write nothing."""
    for language in sorted(LANGUAGES):
        for kind in TurnKind:
            count = len(texts(language)[kind].split())
            print(f"would make {file_name(language, kind, EDITION)}: {count} words")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when everything was made, 1 when a tool is missing or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="say what would be made, and stop")
    options = parser.parse_args(arguments)
    if options.dry_run:
        say_what_would_be_made()
        return 0
    try:
        make_all()
    except (ToolMissingError, ToolFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
