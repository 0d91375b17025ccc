"""The certificate of the house: valid for its name, for how long, and known to others than us.

Whom we trust is what OpenSSL trusts on this machine; SSL_CERT_FILE adds an authority of one's own.
"""

import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app.clock import system_clock
from app.doctor.report import Check, Grade

TIMEOUT: Final = 10.0
# Let's Encrypt's clients renew 30 days before the end (certbot's manual, 2026-11): at half of that
# something is wrong with it.
RENEW_BEFORE: Final = timedelta(days=14)
GET_A_KNOWN_ONE: Final = (
    "Get one of an authority that phones know, such as Let's Encrypt; one of your own is named in"
    " SSL_CERT_FILE."
)
# X509_V_ERR_… of OpenSSL, x509_vfy.h: what is wrong, and what to do; {host} is ours.
REFUSALS: Final[Mapping[int, tuple[str, str]]] = {
    9: (
        "The certificate of {host} is not valid yet.",
        "See whether the clock of this machine is right; otherwise wait, or get another one.",
    ),
    10: ("The certificate of {host} has expired.", "Renew it, and see why that was not done."),
    18: ("The certificate of {host} is signed by itself: podcast apps refuse it.", GET_A_KNOWN_ONE),
    62: (
        "The certificate is not for {host} but for another name.",
        "Get one for {host}, and let the proxy show it for that name.",
    ),
    64: (
        "The certificate is not for {host} but for another address.",
        "Let CADANS_BASE_URL say the name that it is for.",
    ),
}
UNKNOWN: Final = (
    "The certificate of {host} leads to no authority that this machine knows ({words}).",
    f"Let the proxy send the whole chain (fullchain.pem). {GET_A_KNOWN_ONE}",
)
# Said when what SSL_CERT_FILE or SSL_CERT_DIR names is all that vouches for it.
OWN_AUTHORITY: Final = Check(
    code="tls_authority",
    grade=Grade.NOTE,
    message="Only who knows your own authority trusts this certificate (SSL_CERT_FILE).",
    remedy="Listeners' phones and the servers of podcast apps must know it too.",
)


def trusted_authorities() -> ssl.SSLContext:
    """Trust whom this machine trusts, and whom SSL_CERT_FILE and SSL_CERT_DIR name."""
    return ssl.create_default_context()


def look_at_tls(base_url: str) -> list[Check]:
    """Look whether the certificate is valid for our name, how long it lasts, and for whom."""
    parts = urlsplit(base_url)
    if parts.scheme != "https":
        words = "CADANS_BASE_URL is not https: right for this machine alone."
        return [Check(code="tls", grade=Grade.NOTE, message=words)]
    where = (parts.hostname or "", parts.port or 443)
    try:
        certificate = _greet(where, trusted_authorities())
    except ssl.SSLCertVerificationError as error:
        return [_refused(where[0], error)]
    except OSError as error:
        words = f"Nobody speaks TLS at {base_url} ({type(error).__name__})."
        return [_fail(words, "See that the proxy runs and that the DNS leads to it.")]
    return [_lasting(certificate), *_known_to_others(where)]


def _greet(where: tuple[str, int], context: ssl.SSLContext) -> Mapping[str, Any]:
    """Shake hands, and answer the certificate that was shown."""
    with (
        socket.create_connection(where, timeout=TIMEOUT) as line,
        context.wrap_socket(line, server_hostname=where[0]) as safe,
    ):
        return safe.getpeercert() or {}


def _lasting(certificate: Mapping[str, Any]) -> Check:
    ends_at = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    left = datetime.fromtimestamp(ends_at, UTC) - system_clock()
    return Check(
        code="tls",
        grade=Grade.OK if left > RENEW_BEFORE else Grade.WARN,
        message=f"The certificate is valid for another {left.days} days.",
        remedy="See why it was not renewed by itself.",
    )


def _known_to_others(where: tuple[str, int]) -> list[Check]:
    """Look again without the authority that only this machine was told to trust."""
    paths = ssl.get_default_verify_paths()
    usual = (paths.openssl_cafile, paths.openssl_capath)
    if {paths.cafile, paths.capath} <= {None, *usual}:
        return []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    for name, path in zip(("cafile", "capath"), usual, strict=True):
        if Path(path).exists():
            context.load_verify_locations(**{name: path})
    try:
        _greet(where, context)
    except ssl.SSLCertVerificationError:
        return [OWN_AUTHORITY]
    except OSError:
        pass
    return []


def _refused(host: str, error: ssl.SSLCertVerificationError) -> Check:
    words, remedy = REFUSALS.get(error.verify_code, UNKNOWN)
    return _fail(words.format(host=host, words=error.verify_message), remedy.format(host=host))


def _fail(message: str, remedy: str) -> Check:
    return Check(code="tls", grade=Grade.FAIL, message=message, remedy=remedy)
