"""Changes of what unlocks when that wait for their turn."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, RowId, instant, json_list


class PendingPlan(Base):
    """Changes of a course's plan that wait until everybody's due unlocks are written down.

    Until then all values of the courses and lessons tables are those of the old plan.
    """

    __tablename__ = "pending_plans"

    course_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("courses.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    # In the order in which they were asked for; see `app.services.changes`.
    changes: Mapped[json_list]
    # How many subscriptions had something to write down when the first of them was asked for.
    listeners: Mapped[int]
    created_at: Mapped[instant]
