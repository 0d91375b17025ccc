"""The keys of the embedded shape: made once, kept in the folder of all embedded data."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

KEY_BYTES = 32


def key_folder(var: Path) -> Path:
    """Answer where they lie in the folder of all embedded data."""
    return var / "keys"


def embedded_feed_keys(folder: Path) -> str:
    """Answer the feed keys kept in `folder`, made there at the first call: `1:<hex>`."""
    return _kept(folder / "feed_keys", f"1:{secrets.token_hex(KEY_BYTES)}")


def embedded_secret_keys(folder: Path) -> str:
    """Answer the secret keys kept in `folder`, made there at the first call."""
    return _kept(folder / "secret_keys", secrets.token_hex(KEY_BYTES))


def are_kept(folder: Path, *, feed: str, secret: str) -> bool:
    """Whether these are the keys that lie in `folder`, and not ones that the settings name."""
    kept = {folder / "feed_keys": feed, folder / "secret_keys": secret}
    return all(path.exists() and _read(path) == keys for path, keys in kept.items())


def replace(folder: Path, *, feed: str, secret: str) -> None:
    """Put other keys in the place of those in `folder`, each file whole or not at all."""
    for name, keys in (("feed_keys", feed), ("secret_keys", secret)):
        with _written_beside(folder / name, keys) as draft:
            draft.replace(folder / name)


def _kept(path: Path, fresh: str) -> str:
    """Answer what `path` holds; of several processes that start at once, the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        # Linked to its place: never a second key.
        with suppress(FileExistsError), _written_beside(path, fresh) as draft:
            os.link(draft, path)
    return _read(path)


@contextmanager
def _written_beside(path: Path, keys: str) -> Iterator[Path]:
    """Write keys whole beside their place, where nobody ever finds half a key."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600)
        draft.write_text(keys, encoding="ascii")
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _read(path: Path) -> str:
    # Whoever reads what stands there says in words what is wrong with it.
    return path.read_text(encoding="ascii", errors="replace").strip()
