"""The store of the house: written, read and cleared again, as we, listeners and browsers do it."""

from contextlib import suppress
from typing import Final

import httpx

from app.clock import system_clock
from app.doctor.house_clock import Moment, find_date, judge_clock
from app.doctor.house_tls import trusted_authorities
from app.doctor.report import Check, Grade
from app.services.house_calls import new_key
from media.errors import MediaError
from media.keys import ObjectKey
from media.s3 import S3Store
from media.store import Store

CONTENT: Final = b"cadans doctor looks whether all is well"
CONTENT_TYPE: Final = "application/octet-stream"
SECONDS: Final = 60
TIMEOUT: Final = 10.0
REFUSED: Final = (401, 403)
_PUBLIC: Final = (
    "See that `public_endpoint` in CADANS_STORE is the address by which listeners and browsers"
    " reach it."
)
# What it means that strangers may.
_MEANS: Final = {
    "read": "locked lessons are open to the world",
    "write": "a stranger can put other sound in the place of a lesson",
    "list": "a stranger can see what lies there",
}


def look_at_store(store: Store, base_url: str) -> list[Check]:
    """Look whether it keeps, gives and forgets one object; nothing of ours is left there."""
    key = new_key()
    with httpx.Client(verify=trusted_authorities(), timeout=TIMEOUT) as web:
        try:
            store.put(key, [CONTENT], CONTENT_TYPE)
        except MediaError as error:
            return [
                *_clock(web, store, key),
                _fail("store", "The store cannot be used.", str(error)),
            ]
        try:
            checks = [_read(store, key)]
            if isinstance(store, S3Store):
                checks += [_presigned(web, store, key), _private(web, store, key)]
                checks += [_uploads(web, store, base_url), *_clock(web, store, key)]
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


def _presigned(web: httpx.Client, store: S3Store, key: ObjectKey) -> Check:
    address = store.presign_get(key, seconds=SECONDS, content_type="audio/mpeg")
    try:
        answer = web.get(address, headers={"Range": "bytes=7-12"})
    except httpx.HTTPError as error:
        words = f"Listeners cannot reach the store ({type(error).__name__})."
        return _fail("store_listener", words, _PUBLIC)
    if answer.status_code != httpx.codes.PARTIAL_CONTENT or answer.content != CONTENT[7:13]:
        words = f"A listener who asks the store for a part is answered {answer.status_code}."
        return _fail("store_listener", words, _PUBLIC)
    return _ok("store_listener", "Listeners can fetch from the store, and go on in the middle.")


def _private(web: httpx.Client, store: S3Store, key: ObjectKey) -> Check:
    """Try as a stranger to read the object, to list the bucket, and to write over the object."""
    address = _address(store, key)
    try:
        read = web.get(address).status_code
        listed = web.get(address.removesuffix(key), params={"prefix": key}).status_code
        written = web.put(address, content=CONTENT).status_code
    except httpx.HTTPError as error:
        words = f"Nobody can tell whether the bucket is closed ({type(error).__name__})."
        return Check(code="store_public", grade=Grade.WARN, message=words)
    opened = {"read": read, "write": written, "list": listed}
    may = [what for what, status in opened.items() if httpx.codes.is_success(status)]
    if may:
        return _fail(
            "store_public",
            f"Anybody can {' and '.join(may)} the bucket: {_MEANS[may[0]]}.",
            f"Take public {' and '.join(may)} out of the bucket's policy and ACL, and block public"
            " access.",
        )
    if {read, listed, written} <= set(REFUSED):
        return _ok("store_public", "Strangers are refused by the store.")
    words = f"A stranger is answered {read} by the store, where 403 was expected."
    return Check(code="store_public", grade=Grade.WARN, message=words, remedy="Look at its policy.")


def _uploads(web: httpx.Client, store: S3Store, base_url: str) -> Check:
    try:
        is_open = _may_upload(web, store, base_url)
    except MediaError as error:
        words = f"No upload could be begun ({type(error).__name__})."
        remedy = "Give our credentials the right to upload in parts and to abort."
        return _fail("store_uploads", words, remedy)
    except httpx.HTTPError as error:
        words = f"Browsers cannot reach the store ({type(error).__name__})."
        return _fail("store_uploads", words, _PUBLIC)
    if is_open:
        return _ok("store_uploads", "Browsers may upload to the store from our pages.")
    return _fail(
        "store_uploads",
        f"The bucket does not let pages of {base_url} upload (CORS).",
        f"Allow PUT with every header from {base_url} in the bucket's CORS rules, and expose ETag.",
    )


def _may_upload(web: httpx.Client, store: S3Store, base_url: str) -> bool:
    """Upload one part as a page of ours would: asking first, and reading the ETag."""
    key = new_key()
    upload = store.begin_upload(key, CONTENT_TYPE)
    try:
        address = store.presign_part(key, upload, 1, seconds=SECONDS)
        asked = {"Origin": base_url, "Access-Control-Request-Method": "PUT"}
        before = web.options(address, headers=asked)
        put = web.put(address, content=CONTENT, headers={"Origin": base_url})
    finally:
        store.abort_upload(key, upload)
    allowed = before.headers.get("access-control-allow-origin") in {"*", base_url}
    exposed = "etag" in put.headers.get("access-control-expose-headers", "").casefold()
    return before.is_success and allowed and put.is_success and exposed


def _clock(web: httpx.Client, store: Store, key: ObjectKey) -> list[Check]:
    """Compare clocks by any answer of the store: one that is far off refuses our signatures."""
    if not isinstance(store, S3Store):
        return []
    begun_at = system_clock()
    try:
        theirs = find_date(web.get(_address(store, key)).headers)
    except (MediaError, httpx.HTTPError):
        return []
    if theirs is None:
        return []
    moment = Moment(begun_at=begun_at, ended_at=system_clock())
    return [judge_clock("store_clock", "the store", moment.apart_from(theirs))]


def _address(store: S3Store, key: ObjectKey) -> str:
    """Answer the address of an object as a stranger may guess it."""
    return store.presign_get(key, seconds=SECONDS, content_type=CONTENT_TYPE).partition("?")[0]


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
