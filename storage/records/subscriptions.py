"""What people chose to be told: one row per person, source (or all) and topic."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from storage.facts.deliveries import Channel
from storage.facts.people import Member
from storage.facts.subscriptions import MAIL, OFF, Choice, Topic, Ways
from storage.records.inserts import insert
from storage.records.organizations import as_member
from storage.tables import MemberRow, SubscriptionRow

#: the default, but not by mail
_NO_MAIL = "-email"

#: told in the person's digest, and not one by one
DIGEST_WAY = "digest"


def of_member(session: Session, member_id: str) -> list[Choice]:
    """Return what the person chose."""
    statement = (
        select(SubscriptionRow)
        .where(SubscriptionRow.member_id == member_id)
        .order_by(SubscriptionRow.topic, SubscriptionRow.source_id)
    )
    return [_as_choice(row) for row in session.exec(statement)]


def of_topic(
    session: Session, organization_id: str, topic: Topic, source_ids: Collection[str]
) -> list[tuple[Member, Choice]]:
    """Return the choices of the organization's members about a topic, for these sources or for all."""
    statement = (
        select(MemberRow, SubscriptionRow)
        .join(SubscriptionRow, col(SubscriptionRow.member_id) == col(MemberRow.id))
        .where(
            SubscriptionRow.organization_id == organization_id,
            SubscriptionRow.topic == topic,
            col(SubscriptionRow.source_id).in_(["", *source_ids]),
            col(MemberRow.removed_at).is_(None),
        )
        .order_by(col(MemberRow.id))
    )
    return [(as_member(member), _as_choice(row)) for member, row in session.exec(statement)]


def choose(
    session: Session, member: Member, source_id: str | None, topic: Topic, ways: Ways | None, now: datetime
) -> None:
    """Remember a choice; None takes it back, so that the default holds."""
    statement = delete(SubscriptionRow).where(
        col(SubscriptionRow.member_id) == member.id,
        col(SubscriptionRow.source_id) == (source_id or ""),
        col(SubscriptionRow.topic) == topic,
    )
    session.connection().execute(statement)
    if ways is not None:
        insert(
            session,
            SubscriptionRow,
            member_id=member.id,
            source_id=source_id or "",
            topic=topic.value,
            organization_id=member.organization_id,
            ways=",".join(sorted(way.value for way in ways)),
            changed_at=now,
        )
    session.expire_all()


def without_mail(session: Session, member: Member, topic: Topic, now: datetime) -> None:
    """Take mail away from everything that the person is told about the topic, and leave every other way.

    Where nothing was chosen for every source the default holds without mail: a choice of Slack would be more than the
    default, since who chooses to be told is also told what they did not ask for.
    """
    chosen = [one for one in of_member(session, member.id) if one.topic is topic]
    for one in chosen:
        if Channel.EMAIL in one.ways:
            choose(session, member, one.source_id, topic, one.ways - MAIL, now)
    if all(one.source_id is not None for one in chosen):
        insert(
            session,
            SubscriptionRow,
            member_id=member.id,
            source_id="",
            topic=topic.value,
            organization_id=member.organization_id,
            ways=_NO_MAIL,
            changed_at=now,
        )
        session.expire_all()


def _as_choice(row: SubscriptionRow) -> Choice:
    if row.ways == DIGEST_WAY:
        return Choice(row.source_id or None, Topic(row.topic), frozenset(), row.changed_at, digest=True)
    if row.ways == _NO_MAIL:
        return Choice(row.source_id or None, Topic(row.topic), OFF, row.changed_at, no_mail=True)
    ways = frozenset(Channel(way) for way in row.ways.split(",") if way)
    return Choice(row.source_id or None, Topic(row.topic), ways, row.changed_at)
