"""A listener's own pages: in by a link from a mail, out by a button."""

from app.web.my import entering, following, leaving, listening, stopping
from app.web.my.face import my

__all__ = ["entering", "following", "leaving", "listening", "my", "stopping"]
