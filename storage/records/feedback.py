"""What people said of results and answers: one row for each member and refresh or answer, the last verdict counts."""

from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, update
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from storage.facts.feedback import Given, Verdict
from storage.facts.people import Member, SlackIdentity
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.records.organizations import as_member
from storage.tables import FeedbackRow, MemberRow, OrganizationRow, RefreshRunRow, RunRow

#: id, member, verdict, time, sealed words, and what it is about
Said = tuple[str, str, str, datetime, bytes | None, tuple[str, ...]]
_REFRESH = "refresh"


def keep(
    session: Session, feedback_id: str, organization_id: str, member_id: str, of: str | Given,
    verdict: Verdict, words: bytes | None, now: datetime,
) -> None:  # fmt: skip
    """Write the verdict about a refresh, by its id, or about an answer down, in the place of the one before.

    `words` are sealed. A thumb that is pressed again, or is noted after its form was sent, keeps what was written.
    """
    values: dict[str, Any] = {"verdict": verdict.value, "words": words, "at": now}
    kept = case((col(FeedbackRow.verdict) == verdict.value, col(FeedbackRow.words)), else_=None)
    again = values if words is not None else {**values, "words": kept}
    if won(session, update(FeedbackRow).where(col(FeedbackRow.id) == feedback_id).values(**again)):
        return
    values |= {"organization_id": organization_id, "member_id": member_id}
    if isinstance(of, Given):
        values |= {"subject": of.id, "refresh_id": None, "about": " ".join((*of.kinds, *of.source_ids))}
    else:
        values |= {"subject": of, "refresh_id": of, "about": _REFRESH}
    insert_new(session, FeedbackRow, id=feedback_id, **values)


def of_source(session: Session, organization_id: str, source_id: str, limit: int) -> list[Said]:
    """Return what was said of refreshes of a source, and of answers about it, newest first."""
    refreshes = (
        select(RefreshRunRow.refresh_id)
        .join(RunRow, col(RunRow.id) == col(RefreshRunRow.run_id))
        .where(RunRow.source_id == source_id)
    )
    about = col(FeedbackRow.about).contains(source_id, autoescape=True)
    return _said(session, organization_id, limit, or_(col(FeedbackRow.refresh_id).in_(refreshes), about))


def of_organization(session: Session, organization_id: str, limit: int) -> list[Said]:
    """Return what was said of anything, newest first."""
    return _said(session, organization_id, limit)


def _said(session: Session, organization_id: str, limit: int, *narrowed: Any) -> list[Said]:
    statement = (
        select(FeedbackRow, MemberRow.name)
        .join(MemberRow, col(MemberRow.id) == col(FeedbackRow.member_id))
        .where(FeedbackRow.organization_id == organization_id, *narrowed)
        .order_by(col(FeedbackRow.at).desc())
        .limit(limit)
    )
    return [(row.id, name, row.verdict, row.at, row.words, _kinds(row.about)) for row, name in session.exec(statement)]


def _kinds(about: str) -> tuple[str, ...]:
    return tuple(one for one in about.split() if one != _REFRESH and not one.startswith("src_"))


def writers(session: Session, among: frozenset[SlackIdentity] | None = None) -> list[Member]:
    """Return the people whose words are kept; `among`: of these alone."""
    statement: SelectOfScalar[MemberRow] = select(MemberRow)
    if among is not None:
        named = [(one.team_id, one.user_id) for one in among]
        statement = statement.where(col(MemberRow.user_id).in_([user for _, user in named]))
    wrote = select(FeedbackRow.member_id).where(col(FeedbackRow.words).is_not(None))
    found = session.exec(statement.where(col(MemberRow.id).in_(wrote)).order_by(MemberRow.id))
    kept = [as_member(row) for row in found]
    return [one for one in kept if among is None or SlackIdentity(one.team_id, one.user_id) in among]


def forget_person(session: Session, member_id: str) -> None:
    """Forget what somebody wrote who leaves; the verdict stays."""
    session.execute(update(FeedbackRow).where(col(FeedbackRow.member_id) == member_id).values(words=None))


def forget_organization(session: Session, organization_id: str) -> None:
    """Forget what the people of an organization wrote: data of it is erased, and they may have named some."""
    session.execute(update(FeedbackRow).where(col(FeedbackRow.organization_id) == organization_id).values(words=None))


def forget_before(session: Session, instant: datetime) -> int:
    """Delete what is older than that, and return how many; organization by organization, as the index goes."""
    every = select(OrganizationRow.id)
    statement = delete(FeedbackRow).where(col(FeedbackRow.organization_id).in_(every), col(FeedbackRow.at) < instant)
    return session.connection().execute(statement).rowcount
