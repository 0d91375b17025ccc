"""PostgreSQL and the store are stopped under a house. Longer: `scripts/bench outages`."""

import sys
from pathlib import Path

import pytest

from tests.bench.outages import take_away
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server
from tests.parts.smtp import MailServer

SECONDS = 4


@pytest.mark.slow
@pytest.mark.s3
@pytest.mark.postgres
def test_house_answers_what_it_can_while_a_part_is_away_and_recovers_by_itself(
    postgres: Postgres, s3_server: S3Server, mail_server: MailServer, tmp_path: Path
) -> None:
    with postgres.fresh() as url:
        plain = url.replace("+psycopg", "")
        found = take_away(plain, tmp_path, (postgres, s3_server), mail_server, SECONDS)
    sys.stderr.write(f"{found}\n")
    assert set(found.known) == {(200, "")}
    assert set(found.unknown) == {(503, "120")}
    assert set(found.pages) == {(503, "120")}
    assert set(found.feeds_without_store) == {(200, "")}
    assert set(found.audio_without_store) == {(503, "120")}
