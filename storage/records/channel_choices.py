"""What channels chose to be told: one row per channel, source (or all) and topic; written by admins alone."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from storage.facts.subscriptions import ChannelChoice, Topic
from storage.records.inserts import insert
from storage.tables import ChannelSubscriptionRow as Row


def of_channel(session: Session, team_id: str, channel_id: str) -> list[ChannelChoice]:
    """Return what the channel chose."""
    statement = (
        select(Row)
        .where(Row.team_id == team_id, Row.channel_id == channel_id)
        .order_by(col(Row.topic), col(Row.source_id))
    )
    return [_as_choice(row) for row in session.exec(statement)]


def of_topic(
    session: Session, organization_id: str, topic: Topic, source_ids: Collection[str]
) -> dict[tuple[str, str], list[ChannelChoice]]:
    """Return by (team, channel) what the organization's channels chose about a topic, for these sources or for all."""
    statement = select(Row).where(
        Row.organization_id == organization_id, Row.topic == topic, col(Row.source_id).in_(["", *source_ids])
    )
    found: dict[tuple[str, str], list[ChannelChoice]] = {}
    for row in session.exec(statement):
        found.setdefault((row.team_id, row.channel_id), []).append(_as_choice(row))
    return found


def choose(
    session: Session,
    organization_id: str,
    place: tuple[str, str],
    choice: ChannelChoice,
    now: datetime,
) -> None:
    """Remember a choice of a channel, in place of an earlier one about the same."""
    take_back(session, place, choice.source_id, choice.topic)
    insert(
        session,
        Row,
        team_id=place[0],
        channel_id=place[1],
        source_id=choice.source_id or "",
        topic=choice.topic.value,
        organization_id=organization_id,
        told=choice.told,
        changed_at=now,
    )
    session.expire_all()


def take_back(session: Session, place: tuple[str, str], source_id: str | None, topic: Topic) -> None:
    """Forget a choice, so that the default holds."""
    session.flush()
    statement = delete(Row).where(
        col(Row.team_id) == place[0],
        col(Row.channel_id) == place[1],
        col(Row.source_id) == (source_id or ""),
        col(Row.topic) == topic,
    )
    session.connection().execute(statement)
    session.expire_all()


def _as_choice(row: Row) -> ChannelChoice:
    return ChannelChoice(row.source_id or None, Topic(row.topic), row.told)
