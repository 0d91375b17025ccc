"""The addresses that S3 hands out: what they open, for whom, and how long. Signatures are real."""

import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from media.keys import DownloadName, ObjectKey
from media.location import S3Location
from media.s3 import S3Store, cors_rules

pytestmark = pytest.mark.s3

MP3 = "audio/mpeg"
CONTENT = bytes(range(256)) * 100
PAGE = "https://cursus.example"


@pytest.fixture
def address(s3_store: S3Store, key: ObjectKey) -> str:
    s3_store.put(key, [CONTENT], "application/octet-stream")
    return s3_store.presign_get(key, seconds=60, content_type=MP3)


def test_presigned_get_needs_no_credentials(address: str) -> None:
    answer = httpx.get(address)
    assert (answer.status_code, answer.content) == (200, CONTENT)


def test_presigned_get_bears_the_content_type_we_ask_for(address: str) -> None:
    assert httpx.get(address).headers["Content-Type"] == MP3


def test_etag_of_stat_is_that_of_the_presigned_get(
    address: str, s3_store: S3Store, key: ObjectKey
) -> None:
    assert httpx.get(address).headers["ETag"] == s3_store.stat(key).etag


def test_etag_of_a_multipart_upload_is_that_of_the_presigned_get(
    s3_store: S3Store, key: ObjectKey
) -> None:
    upload_id = s3_store.begin_upload(key, MP3)
    part = s3_store.put_part(key, upload_id, 1, [CONTENT])
    stored = s3_store.complete_upload(key, upload_id, [part])
    answer = httpx.get(s3_store.presign_get(key, seconds=60, content_type=MP3))
    assert answer.headers["ETag"] == stored.etag


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("bytes=0-1", CONTENT[:2]), ("bytes=-5", CONTENT[-5:]), ("bytes=25000-", CONTENT[25_000:])],
)
def test_any_range_may_be_sent(address: str, asked: str, expected: bytes) -> None:
    answer = httpx.get(address, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, expected)


def test_download_name_is_what_a_browser_saves(s3_store: S3Store, key: ObjectKey) -> None:
    s3_store.put(key, [CONTENT], MP3)
    name = DownloadName("Les-1.mp3")
    address = s3_store.presign_get(key, seconds=60, content_type=MP3, download_name=name)
    disposition = httpx.get(address).headers["Content-Disposition"]
    assert disposition == 'attachment; filename="Les-1.mp3"'


def test_head_with_the_signature_of_a_get_is_refused(address: str) -> None:
    assert httpx.head(address).status_code == 403


def test_tampered_signature_is_refused(address: str) -> None:
    other = "0" if address[-1] != "0" else "1"
    assert httpx.get(address[:-1] + other).status_code == 403


def test_signature_of_one_object_opens_no_other(
    address: str, s3_store: S3Store, key: ObjectKey
) -> None:
    other = ObjectKey("13/another.mp3")
    s3_store.put(other, [b"secret"], MP3)
    assert httpx.get(address.replace(key, other)).status_code == 403


def test_longer_life_than_signed_is_refused(address: str) -> None:
    longer = address.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")
    assert longer != address
    assert httpx.get(longer).status_code == 403


def test_expired_address_is_refused(s3_store: S3Store, key: ObjectKey) -> None:
    s3_store.put(key, [CONTENT], MP3)
    # Long enough to be used in time on a busy machine.
    address = s3_store.presign_get(key, seconds=5, content_type=MP3)
    assert httpx.get(address).status_code == 200
    time.sleep(6.2)
    assert httpx.get(address).status_code == 403


def test_object_without_signature_is_refused(address: str) -> None:
    assert httpx.get(address.partition("?")[0]).status_code == 403


def test_signature_is_version_four_and_covers_the_host_alone(address: str) -> None:
    query = parse_qs(urlsplit(address).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-SignedHeaders"] == ["host"]


def test_listeners_get_the_public_endpoint(s3_location: S3Location, key: ObjectKey) -> None:
    location = S3Location(
        bucket=s3_location.bucket,
        endpoint=s3_location.endpoint,
        public_endpoint="https://audio.example",
        region="us-east-1",
    )
    store = S3Store(location)
    store.put(key, [CONTENT], MP3)  # we ourselves still use the other
    address = store.presign_get(key, seconds=60, content_type=MP3)
    part = store.presign_part(key, store.begin_upload(key, MP3), 1, seconds=60)
    store.close()
    assert address.startswith(f"https://audio.example/{s3_location.bucket}/{key}?")
    assert part.startswith("https://audio.example/")


def test_presigned_part_is_sent_straight_to_the_store(s3_store: S3Store, key: ObjectKey) -> None:
    upload_id = s3_store.begin_upload(key, MP3)
    address = s3_store.presign_part(key, upload_id, 1, seconds=60)
    answer = httpx.put(address, content=CONTENT)
    (part,) = s3_store.parts(key, upload_id)
    assert answer.status_code == 200
    assert answer.headers["ETag"] == part.etag
    assert s3_store.complete_upload(key, upload_id, [part]).size_bytes == len(CONTENT)


def test_presigned_part_is_for_its_number_alone(s3_store: S3Store, key: ObjectKey) -> None:
    upload_id = s3_store.begin_upload(key, MP3)
    address = s3_store.presign_part(key, upload_id, 1, seconds=60)
    other = address.replace("partNumber=1", "partNumber=2")
    assert other != address
    assert httpx.put(other, content=CONTENT).status_code == 403


def _preflight(address: str, origin: str) -> httpx.Response:
    headers = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    return httpx.options(address, headers=headers)


def test_pages_of_our_origin_may_upload(s3_store: S3Store, key: ObjectKey) -> None:
    s3_store.ensure_cors(PAGE)
    upload_id = s3_store.begin_upload(key, MP3)
    address = s3_store.presign_part(key, upload_id, 1, seconds=60)
    assert _preflight(address, PAGE).headers["Access-Control-Allow-Origin"] == PAGE
    answer = httpx.put(address, content=b"x", headers={"Origin": PAGE})
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


def test_pages_of_others_may_not_upload(s3_store: S3Store, key: ObjectKey) -> None:
    s3_store.ensure_cors(PAGE)
    address = s3_store.presign_part(key, s3_store.begin_upload(key, MP3), 1, seconds=60)
    answer = _preflight(address, "https://eve.example")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_rules_for_other_origins_stay(s3_store: S3Store, key: ObjectKey) -> None:
    s3_store.ensure_cors("https://old.example")
    s3_store.ensure_cors(PAGE)
    s3_store.ensure_cors(PAGE)
    address = s3_store.presign_part(key, s3_store.begin_upload(key, MP3), 1, seconds=60)
    for origin in ("https://old.example", PAGE):
        assert _preflight(address, origin).headers["Access-Control-Allow-Origin"] == origin


def test_origin_is_allowed_nothing_but_to_put() -> None:
    (rule,) = cors_rules(PAGE)
    assert rule["AllowedMethods"] == ["PUT"]
    assert rule["AllowedOrigins"] == [PAGE]
