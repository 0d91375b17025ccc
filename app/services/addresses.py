"""Feed addresses live here; e-mail addresses are read in `app.services.email_addresses`."""

from app.services.email_addresses import Address, AddressInvalid, parse_address

__all__ = ["Address", "AddressInvalid", "parse_address"]
