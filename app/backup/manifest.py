"""What an archive says of itself."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from app.backup.errors import ArchiveDamaged

FORMAT: Final = 1


class Objects(StrEnum):
    """Where the bytes of the store are."""

    INSIDE = "inside"
    # In the folder `objects` beside the archive, shared by all archives there.
    BESIDE = "beside"
    # Where they were; the archive only says how long each is, and what its ETag was.
    IN_STORE = "in_store"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTable:
    """The rows of one table, in the order in which they can be put back. `sha256` is hex."""

    name: str
    columns: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptObject:
    """One object. `sha256` (hex) None: nobody read it, so only `etag` tells it from others."""

    key: str
    size_bytes: int
    content_type: str
    etag: str
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKeys:
    """The keys by their fingerprints, and themselves if they were sealed with a passphrase."""

    feed: tuple[str, ...]
    secret: tuple[str, ...]
    sealed: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in an archive, and what it was made of."""

    release: str
    created_at: datetime
    base_url: str
    revision: str
    keys: KeptKeys
    tables: tuple[KeptTable, ...]
    objects_are: Objects
    objects: tuple[KeptObject, ...]

    def to_json(self) -> bytes:
        """Answer it as it is written into the archive."""
        values = {"format": FORMAT, **asdict(self), "created_at": self.created_at.isoformat()}
        return json.dumps(values, indent=1).encode()

    @classmethod
    def from_json(cls, document: bytes) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ArchiveDamaged: it is something else, or of a later format.
        """
        try:
            values = json.loads(document)
            if values.pop("format") != FORMAT:
                raise ArchiveDamaged("a later release made this archive: restore it with that one")
            return cls(
                **{
                    **values,
                    "created_at": datetime.fromisoformat(values["created_at"]),
                    "keys": _keys(values["keys"]),
                    "tables": tuple(
                        KeptTable(**{**each, "columns": tuple(each["columns"])})
                        for each in values["tables"]
                    ),
                    "objects_are": Objects(values["objects_are"]),
                    "objects": tuple(KeptObject(**each) for each in values["objects"]),
                }
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArchiveDamaged(
                "this is no archive of ours: its manifest cannot be read"
            ) from error


def _keys(values: Mapping[str, Any]) -> KeptKeys:
    return KeptKeys(
        feed=tuple(values["feed"]), secret=tuple(values["secret"]), sealed=values["sealed"]
    )
