"""The house as people reach it: by its address, over TLS, and answered by us; and its disk."""

import html
import shutil
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.clock import system_clock
from app.doctor.report import Check, Grade
from app.settings import Settings

TIMEOUT: Final = 10.0
RENEW_BEFORE: Final = timedelta(days=14)
# A page that takes longer has waited for a free thread.
SLOW_SECONDS: Final = 2.0
# X509_V_ERR_… of OpenSSL (openssl-verification-options(1ssl)).
EXPIRED: Final = 10
OTHER_NAME: Final = (62, 64)


def look_at_tls(base_url: str) -> list[Check]:
    """Look whether the certificate is valid for our name, and how long it lasts."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        words = "CADANS_BASE_URL is not https: right for this machine alone."
        return [Check(code="tls", grade=Grade.NOTE, message=words)]
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection((host, parts.port or 443), timeout=TIMEOUT) as line,
            context.wrap_socket(line, server_hostname=host) as safe,
        ):
            certificate = safe.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return [_refused(host, error)]
    except OSError as error:
        words = f"Nobody speaks TLS at {base_url} ({type(error).__name__})."
        return [_fail("tls", words, "See that the proxy runs and that the DNS leads to it.")]
    return [_lasting(ssl.cert_time_to_seconds(str(certificate["notAfter"])))]


def look_at_address(settings: Settings) -> list[Check]:
    """Look whether a page of ours comes from BASE_URL, and without waiting for a thread."""
    begun = time.monotonic()
    try:
        answer = httpx.get(
            f"{settings.base_url}/", timeout=TIMEOUT, verify=ssl.create_default_context()
        )
    except httpx.HTTPError as error:
        words = f"Nobody answers at {settings.base_url} ({type(error).__name__})."
        remedy = "See that `cadans serve` and the proxy run, and that the DNS leads here."
        return [_fail("address", words, remedy)]
    took = time.monotonic() - begun
    if html.escape(settings.source_url) not in answer.text:
        words = f"Something else answers at {settings.base_url} ({answer.status_code})."
        remedy = "Let the proxy pass this name to CADANS_BIND, and the DNS lead to this proxy."
        return [_fail("address", words, remedy)]
    reached = Check(
        code="address", grade=Grade.OK, message=f"{settings.base_url} is answered by Cadans."
    )
    return [reached, _threads(took)]


def look_at_disk(folder: Path, least_free: int) -> list[Check]:
    """Look whether `folder` has room: `least_free` bytes, or it fails; twice that, or it warns."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    words = f"{free // 10**6} MB are free for {folder}."
    remedy = "Make room, or move CADANS_VAR to a larger disk."
    if free < least_free:
        return [_fail("disk", words, remedy)]
    grade = Grade.OK if free >= 2 * least_free else Grade.WARN
    return [Check(code="disk", grade=grade, message=words, remedy=remedy)]


def _threads(took: float) -> Check:
    if took < SLOW_SECONDS:
        return Check(code="threads", grade=Grade.OK, message="A thread was free at once.")
    return Check(
        code="threads",
        grade=Grade.WARN,
        message=f"A page took {took:.1f} seconds: perhaps no thread was free.",
        remedy="Give `cadans serve` more --threads or --workers.",
    )


def _lasting(ends_at: float) -> Check:
    left = datetime.fromtimestamp(ends_at, UTC) - system_clock()
    return Check(
        code="tls",
        grade=Grade.OK if left > RENEW_BEFORE else Grade.WARN,
        message=f"The certificate is valid for another {left.days} days.",
        remedy="See why it was not renewed by itself.",
    )


def _refused(host: str, error: ssl.SSLCertVerificationError) -> Check:
    if error.verify_code == EXPIRED:
        return _fail("tls", f"The certificate of {host} has expired.", "Renew it.")
    if error.verify_code in OTHER_NAME:
        words = f"The certificate is not for {host} but for another name."
        return _fail("tls", words, f"Get one for {host}, and let the proxy show it.")
    words = f"The certificate of {host} is not trusted ({error.verify_message})."
    return _fail("tls", words, "Let the proxy send the whole chain of a known authority.")


def _fail(code: str, message: str, remedy: str) -> Check:
    return Check(code=code, grade=Grade.FAIL, message=message, remedy=remedy)
