"""One line of settings says where the store lies."""

from pathlib import Path

import pytest

from media.errors import InvalidStoreUrl
from media.location import Addressing, FolderLocation, S3Location, parse_store_url


def test_folder() -> None:
    assert parse_store_url("folder:/srv/cadans") == FolderLocation(path=Path("/srv/cadans"))


def test_folder_beside_the_program() -> None:
    assert parse_store_url("folder:var/store") == FolderLocation(path=Path("var/store"))


def test_bucket_at_amazon() -> None:
    found = parse_store_url("s3://lessen")
    assert found == S3Location(bucket="lessen", addressing=Addressing.VIRTUAL)


def test_bucket_at_another_endpoint() -> None:
    found = parse_store_url("s3://lessen?endpoint=http://127.0.0.1:9000")
    assert found == S3Location(
        bucket="lessen",
        endpoint="http://127.0.0.1:9000",
        region="us-east-1",
        addressing=Addressing.PATH,
    )


def test_everything_said() -> None:
    found = parse_store_url(
        "s3://lessen?endpoint=http://rgw:80&public_endpoint=https://audio.example/"
        "&region=eu-west-1&addressing=virtual"
    )
    assert found == S3Location(
        bucket="lessen",
        endpoint="http://rgw:80",
        public_endpoint="https://audio.example",
        region="eu-west-1",
        addressing=Addressing.VIRTUAL,
    )


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("", "begins with neither"),
        ("/srv/cadans", "begins with neither"),
        ("ftp://x", "begins with neither"),
        ("folder:", "path of the folder is missing"),
        ("folder:/a\0b", "path of the folder is missing"),
        ("s3:", "name of a bucket"),
        ("s3://", "name of a bucket"),
        ("s3://Bucket", "name of a bucket"),
        ("s3://ab", "name of a bucket"),
        ("s3://bucket/folder", "name of a bucket"),
        ("s3://bucket?endpint=https://x", "knows no 'endpint'"),
        ("s3://bucket?region=a&region=b", "twice"),
        ("s3://bucket?endpoint=x.example", "endpoint must be"),
        ("s3://bucket?endpoint=ftp://x.example", "endpoint must be"),
        ("s3://bucket?endpoint=https://x.example/path", "endpoint must be"),
        ("s3://bucket?endpoint=https://x.example:99999", "endpoint must be"),
        ("s3://bucket?endpoint=https://[x", "endpoint must be"),
        ("s3://bucket?endpoint=", "endpoint must be"),
        ("s3://bucket?public_endpoint=x", "public_endpoint must be"),
        ("s3://bucket?region=", "region is a word"),
        ("s3://bucket?region=eu west", "region is a word"),
        ("s3://bucket?addressing=auto", "addressing is `path` or `virtual`"),
        ("s3://[", "Invalid IPv6"),
        ("s3://key:word@bucket", "set AWS_ACCESS_KEY_ID"),
    ],
)
def test_wrong_address_says_what_is_wrong_and_what_is_allowed(url: str, word: str) -> None:
    with pytest.raises(InvalidStoreUrl) as caught:
        parse_store_url(url)
    assert word in str(caught.value)
    assert "folder:/path" in str(caught.value)
    assert "addressing=path|virtual" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:geheim@bucket",
        "s3://bucket?secret=geheim",
        "s3://bucket?endpoint=https://key:geheim@host",
        "https://key:geheim@host/bucket",
        "s3://key:geheim@[",
    ],
)
def test_secret_in_an_address_is_not_repeated(url: str) -> None:
    with pytest.raises(InvalidStoreUrl) as caught:
        parse_store_url(url)
    assert "geheim" not in str(caught.value)
