"""The texts that people agreed to, read anew after a test put others in their place."""

from app import consent


def forget() -> None:
    """Forget every text that was read."""
    consent.versions.cache_clear()
    consent._text.cache_clear()  # noqa: SLF001 (the shelf of the texts that were read)
