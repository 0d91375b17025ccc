"""Workers that are killed lose nothing and tell nobody twice. For longer: `scripts/bench kills`."""

import sys
from pathlib import Path

import pytest

from tests.bench.kills import kill_workers
from tests.parts.postgres import Postgres
from tests.parts.smtp import MailServer

SECONDS = 12


@pytest.mark.slow
@pytest.mark.postgres
def test_killed_workers_write_every_unlock_once_and_tell_each_listener_once(
    postgres: Postgres, mail_server: MailServer, tmp_path: Path
) -> None:
    with postgres.fresh() as url:
        found = kill_workers(url, tmp_path, mail_server, SECONDS)
    sys.stderr.write(f"{found}\n")
    assert found.kills > 0
    assert (found.unlocks, found.unlocks_twice) == (found.listeners, 0)
    assert (found.notices, found.unlocks_without_notice) == (found.listeners, 0)
    assert (found.mails, found.never_sent) == (found.listeners, 0)
    assert found.resent <= found.kills
    assert found.most_of_one <= 1 + found.kills
