"""What a worker runs: tasks that come round, and errands that somebody's transaction deferred."""

from app.jobs.analysis import ANALYSIS
from app.jobs.erasing import ERASING
from app.jobs.leaks import LEAKS
from app.jobs.mail import FORGET, MAIL
from app.jobs.milestones import MILESTONES
from app.jobs.moving import MOVING
from app.jobs.plans import PLANS
from app.jobs.retention import RETENTION
from app.jobs.returns import RETURNS
from app.jobs.sweep import SWEEP
from app.jobs.unlocks import UNLOCKS
from app.jobs.worker import Errand, Task

# Periodic work. Each finds by itself what is to be done: a row, never a job, is the truth.
TASKS: tuple[Task, ...] = (
    UNLOCKS,
    PLANS,
    MAIL,
    FORGET,
    ANALYSIS,
    SWEEP,
    RETURNS,
    ERASING,
    MOVING,
    LEAKS,
    MILESTONES,
    RETENTION,
)
# Work that `app.db.queue.defer` names. A name that is taken away leaves jobs waiting for ever.
ERRANDS: tuple[Errand, ...] = ()
