"""The store of the house: written, read and cleared again, as we, listeners and browsers do it."""

from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from app.clock import system_clock
from app.doctor.house_database import judge_clock
from app.doctor.report import Check, Grade
from media.errors import MediaError
from media.keys import ObjectKey, new_object_key
from media.s3 import S3Store
from media.store import Store

CONTENT: Final = b"cadans doctor looks whether all is well"
CONTENT_TYPE: Final = "application/octet-stream"
SECONDS: Final = 60
TIMEOUT: Final = 10.0
REFUSED: Final = (401, 403)


def look_at_store(store: Store, base_url: str) -> list[Check]:
    """Look whether it keeps, gives and forgets one object; nothing of ours is left there."""
    key = new_object_key("doctor", "bin")
    try:
        store.put(key, [CONTENT], CONTENT_TYPE)
    except MediaError as error:
        return [*_store_clock(store, key), _fail("store", "The store cannot be used.", str(error))]
    try:
        checks = [_read(store, key)]
        if isinstance(store, S3Store):
            checks += [_presigned(store, key), _private(store, key), _uploads(store, base_url)]
            checks += _store_clock(store, key)
    finally:
        with suppress(MediaError):
            store.delete(key)
    return [*checks, _is_gone(store, key)]


def _read(store: Store, key: ObjectKey) -> Check:
    try:
        with store.open(key) as whole, store.open(key, start=7, length=6) as part:
            is_same = b"".join(whole) == CONTENT and b"".join(part) == CONTENT[7:13]
    except MediaError as error:
        return _fail("store", "What was written cannot be read.", str(error))
    if not is_same:
        return _fail("store", "The store gives back other bytes.", "Look for a cache before it.")
    return _ok("store", "The store can be written and read, whole and in part.")


def _presigned(store: S3Store, key: ObjectKey) -> Check:
    remedy = "See that `public_endpoint` in CADANS_STORE is the address listeners reach it by."
    address = store.presign_get(key, seconds=SECONDS, content_type="audio/mpeg")
    try:
        answer = httpx.get(address, headers={"Range": "bytes=7-12"}, timeout=TIMEOUT)
    except httpx.HTTPError as error:
        words = f"Listeners cannot reach the store ({type(error).__name__})."
        return _fail("store_listener", words, remedy)
    if answer.status_code != httpx.codes.PARTIAL_CONTENT or answer.content != CONTENT[7:13]:
        words = f"A listener who asks the store for a part is answered {answer.status_code}."
        return _fail("store_listener", words, remedy)
    return _ok("store_listener", "Listeners can fetch from the store, and go on in the middle.")


def _private(store: S3Store, key: ObjectKey) -> Check:
    address = store.presign_get(key, seconds=SECONDS, content_type=CONTENT_TYPE).partition("?")[0]
    try:
        status = httpx.get(address, timeout=TIMEOUT).status_code
    except httpx.HTTPError as error:
        words = f"Nobody can tell whether the bucket is closed ({type(error).__name__})."
        return Check(code="store_public", grade=Grade.WARN, message=words)
    if status in REFUSED:
        return _ok("store_public", "Strangers are refused by the store.")
    if status == httpx.codes.OK:
        return _fail(
            "store_public",
            "Anybody can read the bucket: locked lessons are open to the world.",
            "Take public read out of the bucket's policy and ACL, and block public access.",
        )
    words = f"A stranger is answered {status} by the store, where 403 was expected."
    return Check(code="store_public", grade=Grade.WARN, message=words, remedy="Look at its policy.")


def _uploads(store: S3Store, base_url: str) -> Check:
    key = new_object_key("doctor", "bin")
    upload = store.begin_upload(key, CONTENT_TYPE)
    try:
        address = store.presign_part(key, upload, 1, seconds=SECONDS)
        asked = {"Origin": base_url, "Access-Control-Request-Method": "PUT"}
        before = httpx.options(address, headers=asked, timeout=TIMEOUT)
        put = httpx.put(address, content=CONTENT, headers={"Origin": base_url}, timeout=TIMEOUT)
    finally:
        store.abort_upload(key, upload)
    allowed = before.headers.get("access-control-allow-origin") in {"*", base_url}
    exposed = "etag" in put.headers.get("access-control-expose-headers", "").casefold()
    if before.is_success and allowed and put.is_success and exposed:
        return _ok("store_uploads", "Browsers may upload to the store from our pages.")
    return _fail(
        "store_uploads",
        f"The bucket does not let pages of {base_url} upload (CORS).",
        f"Allow PUT with every header from {base_url} in the bucket's CORS rules, and expose ETag.",
    )


def _store_clock(store: Store, key: ObjectKey) -> list[Check]:
    if not isinstance(store, S3Store):
        return []
    try:
        address = store.presign_get(key, seconds=SECONDS, content_type=CONTENT_TYPE)
        date = httpx.get(address.partition("?")[0], timeout=TIMEOUT).headers["date"]
        apart = system_clock() - parsedate_to_datetime(date)
    except (MediaError, httpx.HTTPError, KeyError, ValueError):
        return []
    return [judge_clock("store_clock", "the store", apart)]


def _is_gone(store: Store, key: ObjectKey) -> Check:
    if any(store.list(key)):
        return _fail(
            "store_delete",
            f"The store does not delete: {key} is left behind.",
            "Give our credentials the right to delete, and remove that object.",
        )
    return _ok("store_delete", "The store deletes what it is told to.")


def _ok(code: str, message: str) -> Check:
    return Check(code=code, grade=Grade.OK, message=message)


def _fail(code: str, message: str, remedy: str) -> Check:
    return Check(code=code, grade=Grade.FAIL, message=message, remedy=remedy)
