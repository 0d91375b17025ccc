"""Carries out changes of rhythm and order that wait: first all that is due, then the switch."""

from datetime import timedelta
from typing import Final

from app.errors import PlanChanged
from app.house import House
from app.jobs.unlocks import host_of
from app.jobs.worker import Task
from app.services import courses, plans, unlocking

# Short transactions: on SQLite nobody else writes meanwhile.
BATCH: Final = 200


def carry_out(house: House) -> int:
    """Go one batch further with the oldest plan that can go on; 0: none can."""
    with house.database.reading() as session:
        waiting = plans.courses_that_wait(session)
    return next((done for course_id in waiting if (done := _go_on(house, course_id))), 0)


def _go_on(house: House, course_id: int) -> int:
    """Write down a batch, or switch when there is none; 0: a worker holds what is left."""
    try:
        with house.database.writing() as session:
            course = courses.get(session, course_id)
            done = unlocking.record_course(
                session, course, now=house.clock(), limit=BATCH, host=host_of(house)
            )
    except PlanChanged:
        return 1
    if done:
        return done
    with house.database.writing() as session:
        return int(plans.switch(session, course_id, now=house.clock()))


# As good as at once: a change that waits calls it (`plans.change`).
PLANS: Final = Task(name=plans.TASK, every=timedelta(seconds=5), run=carry_out)
