"""The policy and the CORS document for a bucket: what the program's key may do there."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.exceptions import ClientError

from app.doctor.house_store import look_at_store
from app.doctor.report import Grade
from media.keys import new_object_key
from media.location import S3Location
from media.s3 import S3Store, cors_rules
from tests.parts.buckets import ORIGIN, cors_for, lay_out_bucket, policy_for
from tests.parts.rgw import S3Server, set_credentials

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.s3]

SOUND = b"a recording" * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket that is laid out, and a client with the program's key."""

    location: S3Location
    client: "S3Client"


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    made = lay_out_bucket(s3_server)
    set_credentials(monkeypatch, made.keys)
    client = s3_server.connect(made.keys)
    yield Bucket(location=made.location, client=client)
    client.close()


@pytest.fixture
def store(bucket: Bucket) -> Iterator[S3Store]:
    store = S3Store(bucket.location)
    yield store
    store.close()


def test_cors_document_is_what_the_program_needs() -> None:
    assert cors_for(ORIGIN)["CORSRules"] == cors_rules(ORIGIN)


def test_program_can_do_all_its_work(store: S3Store) -> None:
    key = new_object_key("course", "mp3")
    store.check()
    store.put(key, [SOUND], "audio/mpeg")
    with store.open(key, start=2, length=9) as part:
        assert b"".join(part) == SOUND[2:11]
    upload = store.begin_upload(key, "audio/mpeg")
    part_of_it = store.put_part(key, upload, 1, [SOUND])
    assert [each.key for each in store.open_uploads()] == [key]
    assert store.complete_upload(key, upload, [part_of_it]).size_bytes == len(SOUND)
    store.abort_upload(key, store.begin_upload(key, "audio/mpeg"))
    assert [each.key for each in store.list("course/")] == [key]
    store.delete(key)
    assert list(store.list("course/")) == []


def test_doctor_finds_nothing_wrong_with_such_a_bucket(store: S3Store) -> None:
    wrong = [check for check in look_at_store(store, ORIGIN) if check.grade is not Grade.OK]
    assert wrong == []


def attempts(client: "S3Client", name: str) -> dict[str, Callable[[], object]]:
    """What would open the bucket to strangers, or remove it."""
    key = "course/one.mp3"
    return {
        "remove the bucket": lambda: client.delete_bucket(Bucket=name),
        "remove the policy": lambda: client.delete_bucket_policy(Bucket=name),
        "change the policy": lambda: client.put_bucket_policy(
            Bucket=name, Policy=policy_for(name, "eve")
        ),
        "open the bucket": lambda: client.put_bucket_acl(Bucket=name, ACL="public-read"),
        "open an object": lambda: client.put_object_acl(Bucket=name, Key=key, ACL="public-read"),
        "put an open object": lambda: client.put_object(
            Bucket=name, Key=key, Body=SOUND, ACL="public-read"
        ),
        "let other pages in": lambda: client.put_bucket_cors(
            Bucket=name, CORSConfiguration={"CORSRules": cors_rules("https://eve.example")}
        ),
    }


def test_program_can_neither_open_the_bucket_to_strangers_nor_remove_it(bucket: Bucket) -> None:
    bucket.client.put_object(Bucket=bucket.location.bucket, Key="course/one.mp3", Body=SOUND)
    succeeded = []
    for what, attempt in attempts(bucket.client, bucket.location.bucket).items():
        try:
            attempt()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDenied", what  # noqa: PT017
        else:
            succeeded.append(what)
    assert succeeded == []


def test_strangers_and_other_users_read_nothing(bucket: Bucket, s3_server: S3Server) -> None:
    name = bucket.location.bucket
    bucket.client.put_object(Bucket=name, Key="course/one.mp3", Body=SOUND)
    assert httpx.get(f"{s3_server.endpoint}/{name}/course/one.mp3").status_code == 403
    assert httpx.get(f"{s3_server.endpoint}/{name}").status_code == 403
    eve = s3_server.connect(s3_server.add_user(f"eve-{uuid.uuid4()}"))
    with pytest.raises(ClientError, match="AccessDenied"):
        eve.get_object(Bucket=name, Key="course/one.mp3")
    with pytest.raises(ClientError, match="AccessDenied"):
        eve.list_objects_v2(Bucket=name)
    eve.close()


@pytest.mark.parametrize(("origin", "is_let_in"), [(ORIGIN, True), ("https://eve.example", False)])
def test_pages_of_this_house_alone_may_send_parts(
    store: S3Store,
    origin: str,
    is_let_in: bool,  # noqa: FBT001 (a case)
) -> None:
    key = new_object_key("course", "mp3")
    upload = store.begin_upload(key, "audio/mpeg")
    address = store.presign_part(key, upload, 1, seconds=60)
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(address, headers=asked)
    assert (answer.headers.get("Access-Control-Allow-Origin") == origin) is is_let_in
    store.abort_upload(key, upload)
