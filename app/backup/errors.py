"""Why a backup cannot be made, or not be restored; each says what to do."""

from app.errors import CadansError


class BackupError(CadansError):
    """A backup cannot be made."""


class RestoreError(CadansError):
    """An archive cannot be restored here; nothing was overwritten."""


class ArchiveDamaged(RestoreError):
    """An archive is not one of ours, or not as it was written."""
