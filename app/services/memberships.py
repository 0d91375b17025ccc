"""Who works on which course, and as what."""

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.db.models import Membership
from app.errors import NotReady
from app.kinds import Role
from app.policy import Worker


def worker_of(session: Session, account_id: int) -> Worker:
    """Answer an account with its role in each course, as the rules of `policy` ask for it."""
    rows = session.execute(
        select(Membership.course_id, Membership.role).where(Membership.account_id == account_id)
    )
    return Worker(
        account_id=account_id, roles=MappingProxyType({row.course_id: row.role for row in rows})
    )


def of_course(session: Session, course_id: int) -> Sequence[Membership]:
    """Answer who works on a course, with their accounts, longest there first."""
    return session.scalars(
        select(Membership)
        .where(Membership.course_id == course_id)
        .options(joinedload(Membership.account))
        .order_by(Membership.created_at, Membership.id)
    ).all()


def give(
    session: Session, *, account_id: int, course_id: int, role: Role, now: datetime
) -> Membership:
    """Give an account a role in a course, in place of the one it had there.

    Raises:
        NotReady: it is the only owner, and would be one no more.
    """
    membership = _find(session, account_id, course_id)
    if membership is None:
        membership = Membership(
            account_id=account_id, course_id=course_id, role=role, created_at=now
        )
        session.add(membership)
    else:
        if role is not Role.OWNER:
            _keep_an_owner(session, membership)
        membership.role = role
    session.flush()
    return membership


def take(session: Session, *, account_id: int, course_id: int) -> None:
    """Take an account's role in a course away; nothing happens when it has none.

    Raises:
        NotReady: it is the only owner.
    """
    membership = _find(session, account_id, course_id)
    if membership is not None:
        _keep_an_owner(session, membership)
        session.delete(membership)
        session.flush()


def _find(session: Session, account_id: int, course_id: int) -> Membership | None:
    return session.scalar(
        select(Membership)
        .where(Membership.account_id == account_id, Membership.course_id == course_id)
        .with_for_update()
    )


def _keep_an_owner(session: Session, leaving: Membership) -> None:
    others = session.scalars(
        select(Membership.id)
        .where(
            Membership.course_id == leaving.course_id,
            Membership.role == Role.OWNER,
            Membership.id != leaving.id,
        )
        # Locked, so that two owners who leave at once do not each count on the other.
        .with_for_update()
    ).all()
    if leaving.role is Role.OWNER and not others:
        raise NotReady("role", "only_owner")
