"""The doctor on a house with planted faults: each is found, in words."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from app.cli import cadans
from app.db import migrate
from app.db.session import Database
from app.doctor.house import Look, look_around
from app.doctor.house_database import look_at_database
from app.doctor.house_store import look_at_store
from app.doctor.report import Check, Grade
from media.location import S3Location
from media.s3 import S3Store, cors_rules
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server
from tests.parts.server import free_port
from tests.parts.strangers import Stranger

if TYPE_CHECKING:
    from mypy_boto3_s3.literals import BucketCannedACLType

BASE_URL = "https://courses.example.org"


def failing(checks: list[Check]) -> dict[str, str]:
    return {check.code: check.message for check in checks if check.grade is Grade.FAIL}


def run(*words: str, **environ: str) -> tuple[int, dict[str, str]]:
    done = CliRunner().invoke(cadans, ["doctor", "--json", *words], env=environ)
    checks = json.loads(done.stdout)["checks"]
    return done.exit_code, {c["code"]: c["message"] for c in checks if c["grade"] == "fail"}


def test_healthy_database_is_found_healthy(database: Database) -> None:
    assert failing(look_at_database(database)) == {}


def test_database_behind_migrations_is_found(database: Database) -> None:
    migrate.downgrade(database, "-1")
    assert "this release needs" in failing(look_at_database(database))["migrations"]


def test_file_that_is_no_database_is_found(
    tmp_path: Path, open_test_database: Callable[[str], Database]
) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ada, this is no database. " * 100)
    database = open_test_database(f"sqlite:///{tmp_path}/letter.txt")
    assert "not a database" in failing(look_at_database(database))["database"]


def test_looking_leaves_nothing_in_the_database(database: Database) -> None:
    look_at_database(database)
    assert failing(look_at_database(database)) == {}


@pytest.mark.postgres
def test_read_only_database_is_found(
    postgres: Postgres, open_test_database: Callable[[str], Database]
) -> None:
    with postgres.fresh() as url:
        name = url.rpartition("/")[2]
        postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        found = failing(look_at_database(open_test_database(url)))
    assert "cannot be written" in found["database_write"]


@pytest.mark.s3
def test_bucket_without_cors_is_found_and_one_with_it_is_fine(s3_location: S3Location) -> None:
    store = S3Store(s3_location)
    assert list(failing(look_at_store(store, BASE_URL))) == ["store_uploads"]
    store.ensure_cors(BASE_URL)
    assert failing(look_at_store(store, BASE_URL)) == {}
    assert list(store.list()) == []
    store.close()


@pytest.mark.s3
def test_public_bucket_is_found(s3_location: S3Location, s3_server: S3Server) -> None:
    bucket = s3_location.bucket
    everything = f"arn:aws:s3:::{bucket}/*"
    rule = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": everything}
    policy = {"Version": "2012-10-17", "Statement": [rule]}
    s3_server.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    s3_server.client.put_bucket_cors(
        Bucket=bucket, CORSConfiguration={"CORSRules": cors_rules(BASE_URL)}
    )
    store = S3Store(s3_location)
    assert "Anybody can read" in failing(look_at_store(store, BASE_URL))["store_public"]
    store.close()


@pytest.mark.s3
@pytest.mark.parametrize(
    ("acl", "says"), [("public-read", "list"), ("public-read-write", "write and list")]
)
def test_stranger_who_may_list_or_write_is_found(
    s3_location: S3Location, s3_server: S3Server, acl: "BucketCannedACLType", says: str
) -> None:
    store = S3Store(s3_location)
    store.ensure_cors(BASE_URL)
    s3_server.client.put_bucket_acl(Bucket=s3_location.bucket, ACL=acl)
    found = failing(look_at_store(store, BASE_URL))
    assert list(found) == ["store_public"]
    assert f"Anybody can {says} the bucket" in found["store_public"]
    assert list(store.list()) == []
    store.close()


@pytest.mark.s3
def test_bucket_that_is_not_there_is_found(s3_location: S3Location) -> None:
    store = S3Store(replace(s3_location, bucket="nowhere"))
    assert list(failing(look_at_store(store, BASE_URL))) == ["store"]
    store.close()


@pytest.mark.s3
def test_address_that_listeners_cannot_reach_is_found(s3_location: S3Location) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    store = S3Store(replace(s3_location, public_endpoint=nobody))
    found = failing(look_at_store(store, BASE_URL))
    assert "Listeners cannot reach the store" in found["store_listener"]
    assert "Browsers cannot reach the store" in found["store_uploads"]
    store.close()


@pytest.mark.parametrize(
    ("ahead", "says"),
    [(timedelta(hours=1), "behind that of the store"), (timedelta(0), None)],
)
@pytest.mark.usefixtures("aws_credentials")
def test_store_that_lives_at_another_time_is_found(
    stranger: Stranger, ahead: timedelta, says: str | None
) -> None:
    # A store whose clock is wrong refuses what we signed, and its refusals say what time it has.
    stranger.ahead, stranger.status = ahead, 403
    store = S3Store(S3Location(bucket="courses", endpoint=stranger.url, region="us-east-1"))
    found = failing(look_at_store(store, BASE_URL))
    assert "cannot be used" in found["store"]
    assert (says is None) == ("store_clock" not in found)
    assert says is None or says in found["store_clock"]
    store.close()


@pytest.mark.s3
def test_wrong_secret_of_the_store_is_found(
    s3_location: S3Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-the-secret")
    store = S3Store(s3_location)
    assert list(failing(look_at_store(store, BASE_URL))) == ["store"]
    store.close()


@pytest.mark.parametrize(
    ("environ", "words", "found_as"),
    [
        ({"CADANS_SECRET_KEYS": "short"}, (), ("keys", "under 32 characters")),
        ({"CADANS_FEED_KEYS": "1:abc"}, (), ("keys", "64 hex digits")),
        ({}, ("--least-free", "900000 GB"), ("disk", "are free")),
        ({"CADANS_MAIL": "smtp://127.0.0.1:1?tls=none"}, (), ("mail", "cannot be used")),
        ({"CADANS_BASE_URL": "http://127.0.0.1:1"}, (), ("address", "Nobody answers")),
        ({}, (), ("worker", "No worker")),
    ],
)
def test_planted_fault_is_found(
    environ: dict[str, str],
    words: tuple[str, ...],
    found_as: tuple[str, str],
    sqlite_url: str,
    tmp_path: Path,
) -> None:
    here = {"CADANS_VAR": str(tmp_path / "var"), "CADANS_DATABASE_URL": sqlite_url, **environ}
    exit_code, found = run(*words, **here)
    assert exit_code == 1
    code, says = found_as
    assert says in found[code]


def test_look_that_hangs_or_breaks_stops_no_other() -> None:
    def breaks() -> list[Check]:
        raise RuntimeError

    never = threading.Event()
    fine = Check(code="fine", grade=Grade.OK, message="Fine.")

    def hangs() -> list[Check]:
        never.wait()
        return []

    looks = [
        Look(code="hangs", look=hangs),
        Look(code="breaks", look=breaks),
        Look(code="fine", look=lambda: [fine]),
    ]
    found = look_around(looks, seconds=0.5)
    never.set()
    assert [check.grade for check in found] == [Grade.FAIL, Grade.FAIL, Grade.OK]


def test_wrong_argument_is_refused() -> None:
    assert CliRunner().invoke(cadans, ["doctor", "--least-free", "much"]).exit_code == 2
