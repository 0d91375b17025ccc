"""E-mail addresses: kept as typed, compared by a key."""

import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

from app.errors import InvalidInput

# What our columns hold; RFC 5321 4.5.3.1 allows 254 between the angle brackets.
MAX_CHARS = 254


class AddressInvalid(InvalidInput):
    """This is no e-mail address that mail could be sent to."""

    def __init__(self) -> None:
        super().__init__({"email": "this is no e-mail address"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One e-mail address: `email` as typed, `key` what is unique.

    The key is NFC, casefolded, its domain in IDNA form. Plus signs and dots mean what the mailbox's
    owner wants them to mean, so they stay.
    """

    email: str
    key: str


def parse_address(text: str) -> Address:
    """Take what somebody typed as an address.

    Raises:
        AddressInvalid: no mail could be sent there, or it would break out of a header.
    """
    typed = unicodedata.normalize("NFC", text.strip())
    if len(typed) > MAX_CHARS or not typed.isprintable():
        raise AddressInvalid
    try:
        found = validate_email(typed, check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError as error:
        raise AddressInvalid from error
    local = unicodedata.normalize("NFC", found.local_part.casefold())
    return Address(email=typed, key=f"{local}@{found.ascii_domain.casefold()}")
