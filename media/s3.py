"""A store on S3: Amazon's, or any server that speaks it. The only module that imports boto3."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.response import StreamingBody

from media.errors import (
    MediaError,
    ObjectNotFound,
    StoreFull,
    StoreMissing,
    StoreRefused,
    StoreUnreachable,
    UploadIncomplete,
    UploadNotFound,
)
from media.keys import DownloadName, ObjectKey, is_object_key, parse_object_key
from media.location import S3Location
from media.spool import spooled
from media.store import (
    CHUNK_BYTES,
    ListedObject,
    OpenObject,
    OpenUpload,
    Part,
    StoredObject,
    UploadId,
    check_part_number,
    check_parts,
    check_seconds,
    check_slice,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import (
        CompletedPartTypeDef,
        CORSRuleTypeDef,
        GetObjectRequestTypeDef,
    )

_INCOMPLETE: Final = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall"}
_NO_CREDENTIALS: Final = (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError)
_SET_CREDENTIALS: Final = "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_FULL: Final = {"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull"}


def cors_rules(origin: str) -> list["CORSRuleTypeDef"]:
    """What a bucket must allow so that pages of `origin` can upload parts to it.

    The ETag of a part has to be exposed: the page needs it to say which parts have arrived.
    """
    return [
        {
            "AllowedOrigins": [origin],
            "AllowedMethods": ["PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3600,
        }
    ]


class _Bucket:
    """The way to one bucket: clients, and errors that are ours."""

    def __init__(self, location: S3Location) -> None:
        self.name = location.bucket
        self.where = f"bucket {location.bucket} at {location.endpoint or 'Amazon S3'}"
        session = boto3.session.Session()
        self.client = _connect(session, location, location.endpoint)
        public = location.public_endpoint
        self._signer = _connect(session, location, public) if public else self.client

    def close(self) -> None:
        """Close the connections that are kept open."""
        self.client.close()
        self._signer.close()

    def presign(self, operation: str, wanted: dict[str, str | int], seconds: int) -> str:
        """Sign an address for listeners and browsers; nothing is asked of the server."""
        check_seconds(seconds)
        wanted = {"Bucket": self.name, **wanted}
        with self.translated():
            return self._signer.generate_presigned_url(operation, Params=wanted, ExpiresIn=seconds)

    @contextlib.contextmanager
    def translated(self, key: str = "", upload_id: str = "") -> Iterator[None]:
        """Turn errors of botocore into ours, about this key and upload."""
        try:
            yield
        except ClientError as error:
            raise self._translate(error, key, upload_id) from error
        except _NO_CREDENTIALS as error:
            raise StoreRefused(self.where, _SET_CREDENTIALS) from error
        except BotoCoreError as error:
            raise StoreUnreachable(self.where, type(error).__name__) from error

    def _translate(self, error: ClientError, key: str, upload_id: str) -> MediaError:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code in _INCOMPLETE:
            return UploadIncomplete(key, f"the store says {code}")
        if code in _FULL or status == HTTPStatus.INSUFFICIENT_STORAGE:
            return StoreFull(self.where)
        if code == "NoSuchBucket" or (status == HTTPStatus.NOT_FOUND and not key):
            return StoreMissing(self.where)
        if status == HTTPStatus.NOT_FOUND:
            return UploadNotFound(key, upload_id) if upload_id else ObjectNotFound(key)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return StoreUnreachable(self.where, f"it answers {status} {code}")
        return StoreRefused(self.where, f"it answers {status} {code}")


class _Objects:
    """The half of the store that `media.store.ObjectStore` asks for."""

    def __init__(self, location: S3Location) -> None:
        self._bucket = _Bucket(location)

    def put(self, key: ObjectKey, chunks: Iterable[bytes], content_type: str) -> StoredObject:
        """Store the chunks as one object."""
        parse_object_key(key)
        with spooled(chunks) as (body, size_bytes), self._bucket.translated(key):
            answer = self._bucket.client.put_object(
                Bucket=self._bucket.name,
                Key=key,
                Body=body,
                ContentLength=size_bytes,
                ContentType=content_type,
            )
        return StoredObject(
            key=key, size_bytes=size_bytes, etag=answer["ETag"], content_type=content_type
        )

    def stat(self, key: ObjectKey) -> StoredObject:
        """Size, ETag and content type."""
        parse_object_key(key)
        try:
            with self._bucket.translated(key):
                answer = self._bucket.client.head_object(Bucket=self._bucket.name, Key=key)
        except ObjectNotFound:
            self.check()  # a HEAD does not say whether the object or the whole bucket is missing
            raise
        return StoredObject(
            key=key,
            size_bytes=answer["ContentLength"],
            etag=answer["ETag"],
            content_type=answer["ContentType"],
        )

    def open(self, key: ObjectKey, *, start: int = 0, length: int | None = None) -> OpenObject:
        """Read `length` bytes from `start` on."""
        parse_object_key(key)
        check_slice(start, length)
        if length == 0:
            self.stat(key)
            return OpenObject(iter(()), lambda: None)
        body = self._find_body(key, start, length)
        if body is None:
            return OpenObject(iter(()), lambda: None)
        return OpenObject(self._read(body), body.close)

    def delete(self, key: ObjectKey) -> None:
        """Make sure that no object lies under the key."""
        parse_object_key(key)
        with self._bucket.translated(key):
            self._bucket.client.delete_object(Bucket=self._bucket.name, Key=key)

    def list(self, prefix: str = "") -> Iterator[ListedObject]:
        """Every object whose key begins with `prefix`, ordered by key."""
        pages = self._bucket.client.get_paginator("list_objects_v2")
        with self._bucket.translated():
            for page in pages.paginate(Bucket=self._bucket.name, Prefix=prefix):
                for found in page.get("Contents", []):
                    if is_object_key(found["Key"]):
                        yield ListedObject(
                            key=ObjectKey(found["Key"]),
                            size_bytes=found["Size"],
                            stored_at=found["LastModified"],
                        )

    def presign_get(
        self,
        key: ObjectKey,
        *,
        seconds: int,
        content_type: str,
        download_name: DownloadName | None = None,
    ) -> str:
        """An address from which anybody may GET the object, with any Range: it is not signed."""
        wanted: dict[str, str | int] = {
            "Key": parse_object_key(key),
            "ResponseContentType": content_type,
        }
        if download_name is not None:
            wanted["ResponseContentDisposition"] = f'attachment; filename="{download_name}"'
        return self._bucket.presign("get_object", wanted, seconds)

    def check(self) -> None:
        """Return when the bucket is there and knows us."""
        with self._bucket.translated():
            self._bucket.client.head_bucket(Bucket=self._bucket.name)

    def _find_body(self, key: ObjectKey, start: int, length: int | None) -> StreamingBody | None:
        """The bytes on their way; None when `start` lies past the end (S3 answers 416)."""
        wanted: GetObjectRequestTypeDef = {"Bucket": self._bucket.name, "Key": key}
        if start or length is not None:
            wanted["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        with self._bucket.translated(key):
            try:
                return self._bucket.client.get_object(**wanted)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "InvalidRange":
                    raise
                return None

    def _read(self, body: StreamingBody) -> Iterator[bytes]:
        with self._bucket.translated():
            yield from body.iter_chunks(CHUNK_BYTES)


class S3Store(_Objects):
    """Objects in a bucket, which must exist. `media.store` has the promises.

    Nothing is asked of the server before the first call.
    """

    def begin_upload(self, key: ObjectKey, content_type: str) -> UploadId:
        """Begin to upload the object of this key."""
        parse_object_key(key)
        with self._bucket.translated(key):
            answer = self._bucket.client.create_multipart_upload(
                Bucket=self._bucket.name, Key=key, ContentType=content_type
            )
        return UploadId(answer["UploadId"])

    def presign_part(
        self, key: ObjectKey, upload_id: UploadId, number: int, *, seconds: int
    ) -> str:
        """An address to which anybody may PUT this part. Its length and type are not signed."""
        check_part_number(number)
        wanted: dict[str, str | int] = {
            "Key": parse_object_key(key),
            "UploadId": upload_id,
            "PartNumber": number,
        }
        return self._bucket.presign("upload_part", wanted, seconds)

    def put_part(
        self, key: ObjectKey, upload_id: UploadId, number: int, chunks: Iterable[bytes]
    ) -> Part:
        """Store one part."""
        _check_upload(key, upload_id)
        check_part_number(number)
        with (
            spooled(chunks) as (body, size_bytes),
            self._bucket.translated(key, upload_id),
        ):
            answer = self._bucket.client.upload_part(
                Bucket=self._bucket.name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ContentLength=size_bytes,
            )
        return Part(number=number, size_bytes=size_bytes, etag=answer["ETag"])

    def parts(self, key: ObjectKey, upload_id: UploadId) -> list[Part]:
        """The parts that have arrived whole, by number."""
        _check_upload(key, upload_id)
        pages = self._bucket.client.get_paginator("list_parts")
        with self._bucket.translated(key, upload_id):
            return [
                Part(number=part["PartNumber"], size_bytes=part["Size"], etag=part["ETag"])
                for page in pages.paginate(Bucket=self._bucket.name, Key=key, UploadId=upload_id)
                for part in page.get("Parts", [])
            ]

    def complete_upload(
        self, key: ObjectKey, upload_id: UploadId, parts: Sequence[Part]
    ) -> StoredObject:
        """Make the object out of these parts."""
        try:
            # RADOS Gateway answers 500 to the completion of an upload that it does not know.
            check_parts(key, parts, self.parts(key, upload_id))
            self._complete(key, upload_id, parts)
        except UploadNotFound as error:
            return self._completed(key, error)
        return self.stat(key)

    def abort_upload(self, key: ObjectKey, upload_id: UploadId) -> None:
        """Throw the parts away."""
        with contextlib.suppress(UploadNotFound), self._bucket.translated(key, upload_id):
            _check_upload(key, upload_id)
            self._bucket.client.abort_multipart_upload(
                Bucket=self._bucket.name, Key=key, UploadId=upload_id
            )

    def open_uploads(self) -> Iterator[OpenUpload]:
        """Every upload that is neither completed nor aborted."""
        pages = self._bucket.client.get_paginator("list_multipart_uploads")
        with self._bucket.translated():
            for page in pages.paginate(Bucket=self._bucket.name):
                for found in page.get("Uploads", []):
                    if is_object_key(found["Key"]):
                        yield OpenUpload(
                            key=ObjectKey(found["Key"]),
                            upload_id=UploadId(found["UploadId"]),
                            begun_at=found["Initiated"],
                        )

    def close(self) -> None:
        """Let go of the connections."""
        self._bucket.close()

    def ensure_cors(self, origin: str) -> None:
        """Let pages of `origin` upload parts into this bucket; rules that others made stay.

        Raises:
            StoreRefused: our credentials may not change the bucket: somebody else must do it, with
                `cors_rules`.
        """
        rules = self._cors()
        wanted = [rule for rule in cors_rules(origin) if rule not in rules]
        if wanted:
            with self._bucket.translated():
                self._bucket.client.put_bucket_cors(
                    Bucket=self._bucket.name, CORSConfiguration={"CORSRules": [*rules, *wanted]}
                )

    def _complete(self, key: ObjectKey, upload_id: UploadId, parts: Sequence[Part]) -> None:
        listed: list[CompletedPartTypeDef] = [
            {"PartNumber": part.number, "ETag": part.etag} for part in parts
        ]
        with self._bucket.translated(key, upload_id):
            self._bucket.client.complete_multipart_upload(
                Bucket=self._bucket.name,
                Key=key,
                UploadId=upload_id,
                MultipartUpload={"Parts": listed},
            )

    def _completed(self, key: ObjectKey, error: UploadNotFound) -> StoredObject:
        """The object, where the upload is gone because it was completed before."""
        try:
            return self.stat(key)
        except ObjectNotFound:
            raise error from None

    def _cors(self) -> list["CORSRuleTypeDef"]:
        with self._bucket.translated():
            try:
                found = self._bucket.client.get_bucket_cors(Bucket=self._bucket.name)
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchCORSConfiguration":
                    raise
                return []
        return cast("list[CORSRuleTypeDef]", found["CORSRules"])


def _check_upload(key: ObjectKey, upload_id: UploadId) -> None:
    parse_object_key(key)
    if not upload_id:  # botocore itself trips over it
        raise UploadNotFound(key, upload_id)


def _connect(
    session: boto3.session.Session, location: S3Location, endpoint: str | None
) -> "S3Client":
    config = Config(
        # Without it botocore presigns with the old version 2 on other endpoints in us-east-1.
        signature_version="s3v4",
        s3={"addressing_style": location.addressing.value},
        # Nobody waits longer than this for a store that says nothing.
        connect_timeout=3,
        read_timeout=15,
        retries={"total_max_attempts": 2, "mode": "standard"},
        max_pool_connections=50,
        # Servers other than Amazon's do not know the checksums that boto3 adds of its own accord.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client("s3", endpoint_url=endpoint, region_name=location.region, config=config)
