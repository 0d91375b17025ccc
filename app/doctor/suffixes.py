"""Whose a domain is: the part that somebody registered; alone imports publicsuffixlist."""

from functools import cache

from publicsuffixlist import PublicSuffixList


def organisation_of(domain: str) -> str:
    """Answer the organisational domain (RFC 7489 3.2): one label below the public suffix.

    By the list that the library ships (publicsuffix.org); a domain that is itself a public suffix
    belongs to nobody else, so that it answers for itself.
    """
    return _suffixes().privatesuffix(domain) or domain


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
