"""Whether a message really comes from the provider that it names."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.errors import CadansError
from app.mail.fetch import Fetch, FetchFailed

# Mailgun tries again for 8 hours (its user manual, "Automatic Retries", 2026-11), with what it
# signed the first time.
MAILGUN_MAX_AGE: Final = timedelta(hours=9)
CLOCK_SKEW: Final = timedelta(minutes=5)
# Certificates lie at sns.<region>.amazonaws.com (Amazon SNS developer guide, "Verifying the
# signatures", 2026-11). Anything else on amazonaws.com, such as a bucket, is anybody's.
SNS_HOST: Final = re.compile(r"sns\.[a-z0-9-]{3,32}\.amazonaws\.com(\.cn)?")
CERTIFICATE_PATH: Final = re.compile(r"/SimpleNotificationService-[\w-]{1,80}\.pem")
# What is signed, in this order (same guide); a subject only where there is one.
NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
CONFIRMATION: Final = (
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
HASHES: Final = {"1": hashes.SHA1, "2": hashes.SHA256}


class NotGenuine(CadansError):
    """The signature is not there, wrong, too old, or made with a key that is not the provider's."""


def check_mailgun(signature: Mapping[str, Any], key: str, *, now: datetime) -> bytes:
    """Answer the SHA-256 of the message's token, to remember it by.

    Raises:
        NotGenuine: not signed with our key, or too long ago.
    """
    token, stamp = str(signature.get("token", "")), str(signature.get("timestamp", ""))
    # JSON can write half of a surrogate pair, which cannot be encoded.
    signed = f"{stamp}{token}".encode("utf-8", "replace")
    wanted = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
    given = str(signature.get("signature", ""))
    if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        raise NotGenuine("wrong signature")
    if not re.fullmatch(r"\d{1,12}", stamp):
        raise NotGenuine("no timestamp")
    age = timedelta(seconds=now.timestamp() - int(stamp))
    if not -CLOCK_SKEW <= age <= MAILGUN_MAX_AGE:
        raise NotGenuine("too old")
    return hashlib.sha256(token.encode()).digest()


def check_sns(message: Mapping[str, Any], fetch: Fetch, *, now: datetime) -> None:
    """Return when the message was signed by Amazon SNS.

    What is verified, of what its developer guide asks ("Verifying the signatures", 2026-11): the
    certificate lies at the host of SNS in one of its regions, and is fetched over https from a
    server whose own name and chain of trust the system's certificates vouch for, without following
    a redirect; it is valid at this hour and holds an RSA key; that key signed the fields. That the
    topic is one of ours is for the caller. Not verified: whose certificate stands above the signing
    one, which is not served beside it, and whether it was revoked; that only SNS can put a file at
    that address is what we go by.

    Raises:
        NotGenuine: it was not, or its certificate cannot be had.
    """
    kind = HASHES.get(str(message.get("SignatureVersion")))
    if kind is None:
        raise NotGenuine("unknown version of the signature")
    key = _certified_key(str(message.get("SigningCertURL", "")), fetch, now)
    try:
        signature = base64.b64decode(str(message.get("Signature", "")), validate=True)
        # SHA-1 is what topics sign with unless they are told otherwise.
        key.verify(signature, _signed_text(message).encode(), PKCS1v15(), kind())
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise NotGenuine("wrong signature") from error


def is_sns_address(url: str) -> bool:
    """Tell whether an address is one of Amazon SNS itself, over https on its own port."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    is_plain = parts.username is None and port in {None, 443} and url.isprintable()
    return parts.scheme == "https" and is_plain and bool(SNS_HOST.fullmatch(parts.hostname or ""))


def _certified_key(url: str, fetch: Fetch, now: datetime) -> RSAPublicKey:
    if not is_sns_address(url) or not CERTIFICATE_PATH.fullmatch(urlsplit(url).path):
        raise NotGenuine("the certificate is not where Amazon SNS keeps its own")
    try:
        certificate = _certificate(url, fetch)
    except (FetchFailed, ValueError) as error:
        raise NotGenuine("the certificate cannot be had") from error
    key = certificate.public_key()
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise NotGenuine("the certificate is not valid now")
    if not isinstance(key, RSAPublicKey):
        raise NotGenuine("the certificate holds another kind of key")
    return key


@lru_cache(maxsize=8)
def _certificate(url: str, fetch: Fetch) -> x509.Certificate:
    """Fetch a certificate, once; Amazon gives a new one a new name."""
    return x509.load_pem_x509_certificate(fetch(url))


def _signed_text(message: Mapping[str, Any]) -> str:
    names = NOTIFICATION if message.get("Type") == "Notification" else CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if message.get(name) is not None)
