"""The keys of the embedded shape: made once, kept in the folder of all embedded data."""

import os
import secrets
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


def _kept(path: Path, fresh: str) -> str:
    """Answer what `path` holds; of several processes that start at once, the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        if not path.exists():
            # Written whole beside its place and linked there: never half a key, never a second one.
            draft.touch(mode=0o600)
            draft.write_text(fresh, encoding="ascii")
            os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


def are_kept(folder: Path, *, feed: str, secret: str) -> bool:
    """Whether these are the keys that lie in `folder`, and not ones that the settings name."""
    files = (folder / "feed_keys", folder / "secret_keys")
    return [_read(path) for path in files] == [feed, secret]


def replace(folder: Path, *, feed: str, secret: str) -> None:
    """Put other keys in the place of those in `folder`, each file whole or not at all."""
    for name, keys in (("feed_keys", feed), ("secret_keys", secret)):
        draft = folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        draft.touch(mode=0o600)
        draft.write_text(keys, encoding="ascii")
        draft.replace(folder / name)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="ascii").strip() if path.exists() else None
