"""The cover that feeds name: always one that podcast apps take."""

import re

from media.artwork import judge_cover
from media.findings import Verdict, verdict_of
from tests.web.conftest import Visit


def test_course_without_a_cover_shows_the_houses_own_which_apps_accept(visit: Visit) -> None:
    found = re.search(r'<itunes:image href="http://[^/]+(/[^"]+)"', visit.get(visit.feed).text)
    assert found is not None
    picture = visit.get(found[1])
    _, findings = judge_cover(picture.data, "cover.png")
    assert (picture.status_code, verdict_of(findings)) == (200, Verdict.ACCEPT)
