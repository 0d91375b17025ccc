"""A bucket with the policy and the CORS document that we ship, as an operator lays it out."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media.location import S3Location
from tests.parts.rgw import Keys, S3Server

SHIPPED = Path(__file__).parents[2] / "scripts" / "deploy" / "s3"
ORIGIN = "https://courses.example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOutBucket:
    """A bucket of its owner, in which the program's key may do what the policy says."""

    location: S3Location
    keys: Keys


def lay_out_bucket(server: S3Server, origin: str = ORIGIN) -> LaidOutBucket:
    """Make a bucket for the house at this address, and a user for its program."""
    location = server.make_bucket()
    user = f"program-{uuid.uuid4()}"
    keys = server.add_user(user)
    name = location.bucket
    server.client.put_bucket_policy(Bucket=name, Policy=policy_for(name, user))
    server.client.put_bucket_cors(
        Bucket=name,
        CORSConfiguration=cors_for(origin),  # type: ignore[arg-type]  # (JSON that Amazon describes)
    )
    return LaidOutBucket(location=location, keys=keys)


def cors_for(origin: str) -> dict[str, Any]:
    """The shipped document with another house in it."""
    found: dict[str, Any] = json.loads((SHIPPED / "cors.json").read_text().replace(ORIGIN, origin))
    return found


def policy_for(bucket: str, user: str) -> str:
    """The shipped document with another bucket and another user in it."""
    text = (SHIPPED / "policy.json").read_text()
    return text.replace("cadans-recordings", bucket).replace("user/cadans", f"user/{user}")
