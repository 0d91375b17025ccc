"""DKIM: the key with which receivers check the signature of a mail (RFC 6376, 8301, 8463)."""

import base64
import binascii
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from app.doctor.names import Names
from app.doctor.report import Check, Grade

# RFC 8301 3.2: shorter keys count as no signature at all; these should not be used any more.
MIN_BITS: Final = 1024
GOOD_BITS: Final = 2048
ED25519_BYTES: Final = 32


def check_dkim(names: Names, domain: str, selector: str | None) -> list[Check]:
    """Look at the key under a selector; None: say how to find it, for it cannot be guessed.

    Raises:
        DnsSilent: the DNS does not answer.
    """
    if selector is None:
        return [
            Check(
                code="dkim",
                grade=Grade.NOTE,
                message="Whether mail is signed (DKIM) cannot be seen without the selector.",
                remedy="Look for `DKIM-Signature: … s=SELECTOR` in the source of a mail that"
                " arrived, and run this again with --dkim-selector SELECTOR. If there is no such"
                f" line, let your mail server sign with d={domain}.",
            )
        ]
    name = f"{selector}._domainkey.{domain}"
    records = names.texts(name)
    if not records:
        return [
            Check(
                code="dkim",
                grade=Grade.FAIL,
                message=f"There is no key at {name}: the signature of every mail fails.",
                remedy=f'Publish `{name}. TXT "v=DKIM1; k=rsa; p=…"` with the public key of your'
                " mail server, or the CNAME that your provider names.",
            )
        ]
    if len(records) > 1:
        return [_fail(name, "has more than one record: receivers may take the wrong one.")]
    tags = parse_tags(records[0])
    return [_judge(name, tags), *_testing(name, tags)]


def parse_tags(record: str) -> dict[str, str]:
    """Read `a=b; c=d` (RFC 6376 3.2)."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().casefold(): "".join(value.split()) for name, _, value in pairs if name}


def _judge(name: str, tags: dict[str, str]) -> Check:
    key, kind = tags.get("p"), tags.get("k", "rsa").casefold()
    if not key:
        return _fail(name, "holds no key: it was withdrawn, and the signature of every mail fails.")
    try:
        raw = base64.b64decode(key, validate=True)
        if kind == "ed25519" and len(raw) == ED25519_BYTES:
            return Check(
                code="dkim",
                grade=Grade.NOTE,
                message=f"{name} holds an Ed25519 key, which some receivers cannot read yet.",
                remedy="Sign with an RSA key of 2048 bits as well, under another selector.",
            )
        found = load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return _fail(name, "holds something that is no key: the signature of every mail fails.")
    if kind != "rsa" or not isinstance(found, RSAPublicKey):
        return _fail(name, "holds a key of a kind that receivers do not read.")
    return _judge_length(name, found.key_size)


def _judge_length(name: str, bits: int) -> Check:
    if bits < MIN_BITS:
        return _fail(name, f"holds a key of {bits} bits; under {MIN_BITS} receivers heed none.")
    if bits < GOOD_BITS:
        return Check(
            code="dkim",
            grade=Grade.WARN,
            message=f"{name} holds a key of {bits} bits, which is getting too short.",
            remedy=f"Make one of {GOOD_BITS} bits under a new selector, and sign with that.",
        )
    return Check(code="dkim", grade=Grade.OK, message=f"{name} holds a key of {bits} bits.")


def _testing(name: str, tags: dict[str, str]) -> list[Check]:
    if "y" not in tags.get("t", "").split(":"):
        return []
    return [
        Check(
            code="dkim_testing",
            grade=Grade.WARN,
            message=f"{name} says t=y, that it is only being tried: receivers do not heed it.",
            remedy="Remove t=y from the record.",
        )
    ]


def _fail(name: str, what: str) -> Check:
    return Check(
        code="dkim",
        grade=Grade.FAIL,
        message=f"{name} {what}",
        remedy=f'Publish one record `{name}. TXT "v=DKIM1; k=rsa; p=…"` with the public key of'
        " your mail server.",
    )
