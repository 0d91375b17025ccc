"""How a mail says whom it comes back to, and how we know it again when it does.

A Message-ID of ours holds 128 random bits: nobody who did not get the mail can name it. The same
bits stand in the address that the mail comes back to, where the setting has room for them (VERP).
"""

import re
from typing import Final

MARK: Final = re.compile(r"[0-9a-f]{32}")
PLACE: Final = "*"


def envelope_sender(bounce_address: str | None, message_id: str) -> str | None:
    """Answer whom one mail comes back to; None: whom it is from."""
    if bounce_address is None:
        return None
    mark = MARK.search(message_id)
    return bounce_address.replace(PLACE, mark[0] if mark else "")


def mark_of(bounce_address: str | None, text: str) -> str | None:
    """Find the mark of one of our mails in an address of ours inside a text; None: it has none."""
    if bounce_address is None or PLACE not in bounce_address:
        return None
    before, _, after = bounce_address.partition(PLACE)
    found = re.search(f"{re.escape(before)}({MARK.pattern}){re.escape(after)}", text, re.IGNORECASE)
    return found[1].lower() if found else None
