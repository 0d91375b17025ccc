"""`cadans backup` and `cadans restore`: a whole house in one archive, and back."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from app.backup import sealing
from app.backup.archive import ArchiveReader
from app.backup.making import SUFFIX, Made, back_up, path_for
from app.backup.manifest import Objects
from app.backup.restoring import Restored, check
from app.backup.restoring import restore as bring_back
from app.house import House
from app.settings import Settings
from app.wiring import open_house
from media.location import FolderLocation


class _Screen:
    """Shows progress on standard error, where that is a terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)

    @contextmanager
    def part(self, name: str, total: int) -> Iterator[Callable[[], object]]:
        """Show a bar for one part."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Bars(
            *columns,
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        ) as bars:
            task = bars.add_task(name, total=total)
            yield lambda: bars.advance(task)


def _passphrase(_context: click.Context, _option: click.Parameter, path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{path} is no text: write the passphrase into it") from error
    if len(text) < sealing.MIN_PASSPHRASE_CHARS:
        raise click.BadParameter(
            f"{path} holds fewer than {sealing.MIN_PASSPHRASE_CHARS} characters: make it longer"
        )
    return text


_PASSPHRASE = click.option(
    "--passphrase-file",
    "passphrase",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    callback=_passphrase,
    help="File with the passphrase for the keys.",
)
_JSON = click.option("--json", "is_json", is_flag=True, help="One JSON object instead of words.")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@_PASSPHRASE
@click.option("--without-keys", is_flag=True, help="Only name the keys; you keep them elsewhere.")
@click.option(
    "--with-objects/--without-objects",
    default=None,
    help="Copy what lies in the store, or only list it; the default is with a folder store, and"
    " without on S3.",
)
@_JSON
@click.pass_obj
def backup(  # noqa: PLR0913 (its options)
    house: House,
    target: Path,
    *,
    passphrase: str | None,
    without_keys: bool,
    with_objects: bool | None,
    is_json: bool,
) -> None:
    """Put the whole house into TARGET while it goes on working.

    TARGET is a file ending in .zip that will hold everything; or a folder, where each call adds an
    archive named after its instant, and recordings lie once for all of them: made for every night.

    The archive holds names and mail addresses. Keep it where nobody else reads it.
    """
    if (passphrase is None) != without_keys:
        raise click.UsageError(
            "every feed address hangs on the keys: give --passphrase-file, and they are in the"
            " archive, sealed; or --without-keys, and you keep them elsewhere"
        )
    if with_objects is None:
        with_objects = isinstance(house.settings.store, FolderLocation)
    kept = Objects.INSIDE if target.suffix == SUFFIX else Objects.BESIDE
    made = back_up(
        house,
        path_for(target, house),
        objects_are=kept if with_objects else Objects.IN_STORE,
        passphrase=passphrase,
        progress=_Screen(),
    )
    click.echo(json.dumps(_made_facts(made)) if is_json else _made_words(made))


@click.command()
@click.argument("archive", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_PASSPHRASE
@click.option("--dry-run", is_flag=True, help="Read the whole archive, change nothing.")
@click.option("--print-keys", is_flag=True, help="Print the settings with the keys, and end.")
@_JSON
def restore(
    archive: Path, *, passphrase: str | None, dry_run: bool, print_keys: bool, is_json: bool
) -> None:
    """Bring the house in ARCHIVE here, with every feed address as it was.

    The settings say where to: another database, another store. The database must be empty. Run
    `cadans serve` only when this is done.
    """
    with ArchiveReader(archive) as reader:
        if print_keys:
            _print_keys(reader, passphrase)
            return
        with closing(open_house(Settings.from_env())) as house:
            act = check if dry_run else bring_back
            done = act(house, reader, passphrase=passphrase, progress=_Screen())
    if is_json:
        click.echo(json.dumps(_restored_facts(done, is_done=not dry_run)))
        return
    for line in _restored_words(done, is_done=not dry_run):
        click.echo(line)


def _print_keys(reader: ArchiveReader, passphrase: str | None) -> None:
    if passphrase is None:
        raise click.UsageError("--print-keys needs --passphrase-file")
    keys = sealing.unseal(reader.manifest.keys, passphrase)
    click.echo(f"CADANS_FEED_KEYS={keys.feed}\nCADANS_SECRET_KEYS={keys.secret}")


def _made_facts(made: Made) -> dict[str, object]:
    manifest = made.manifest
    return {
        "archive": str(made.path),
        "archive_bytes": made.path.stat().st_size,
        "rows": sum(table.rows for table in manifest.tables),
        "objects": len(manifest.objects),
        "object_bytes": sum(each.size_bytes for each in manifest.objects),
        "objects_are": manifest.objects_are,
        "has_keys": manifest.keys.sealed is not None,
        "missing": list(made.missing),
    }


def _made_words(made: Made) -> str:
    facts, manifest = _made_facts(made), made.manifest
    where = {
        Objects.INSIDE: "in it",
        Objects.BESIDE: "in the folder `objects` beside it",
        Objects.IN_STORE: "listed; they stay in the store, see to copies of it yourself",
    }[manifest.objects_are]
    lines = [
        f"{made.path}: {facts['rows']} rows; {facts['objects']} objects {where}.",
        "Keys are in it, sealed with the passphrase: without that nobody opens them."
        if manifest.keys.sealed
        else f"Keys are not in it; CADANS_FEED_KEYS must hold {', '.join(manifest.keys.feed)}.",
    ]
    if made.missing:
        lines.append(f"Missing in the store, so not kept: {', '.join(made.missing)}.")
    return "\n".join(lines)


def _restored_facts(done: Restored, *, is_done: bool) -> dict[str, object]:
    return {
        "restored": is_done,
        "created_at": done.manifest.created_at.isoformat(),
        "rows": sum(table.rows for table in done.manifest.tables),
        "objects": len(done.manifest.objects),
        "keys_written": done.keys_written,
        "other_address": done.other_address,
    }


def _restored_words(done: Restored, *, is_done: bool) -> Iterator[str]:
    facts = _restored_facts(done, is_done=is_done)
    verb = "Restored" if is_done else "Nothing was changed; this can be restored here:"
    made = f"{done.manifest.created_at:%Y-%m-%d %H:%M} UTC"
    yield f"{verb} {facts['rows']} rows and {facts['objects']} objects as they were at {made}."
    yield "Who was erased after that instant is in it again: `cadans erasures now` erases them."
    yield "Settings and privacy.toml are yours to bring."
    if done.other_address:
        yield (
            f"Addresses in people's apps begin with {done.other_address}: they work once that name"
            " leads here and CADANS_BASE_URL says so."
        )
