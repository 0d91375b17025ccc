"""The keys of the embedded shape: made once, kept in the folder of all embedded data."""

import os
import secrets
from pathlib import Path

KEY_BYTES = 32


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
