"""One process after the other is ended, and nobody notices. Longer: `scripts/bench many`."""

import sys
from pathlib import Path

import pytest

from tests.bench.many import end_one_by_one
from tests.parts.postgres import Postgres
from tests.parts.rgw import S3Server
from tests.parts.smtp import MailServer

SECONDS = 12


@pytest.mark.slow
@pytest.mark.s3
@pytest.mark.postgres
def test_processes_that_are_killed_and_restarted_in_turn_fail_no_poll_and_lose_no_sign_up(
    postgres: Postgres, s3_server: S3Server, mail_server: MailServer, tmp_path: Path
) -> None:
    with postgres.fresh() as url:
        plain = url.replace("+psycopg", "")
        found = end_one_by_one(plain, tmp_path, s3_server, mail_server, SECONDS)
    sys.stderr.write(f"{found}\n")
    assert min(found.kills, found.restarts) > 0
    assert found.polls > 0
    assert (found.polls_failed, found.sign_ups_lost, found.uploads_failed) == (0, 0, 0), found.words
    assert found.sign_ups > 0
    assert (found.unlocks, found.unlocks_twice) == (found.due, 0)
    assert found.lessons >= found.uploads > 0
    assert found.mails_again <= found.kills
    assert found.most_of_one <= 1 + found.kills
