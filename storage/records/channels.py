"""Channels that an admin allowed; changed only together with an audit entry."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from storage.records.inserts import insert_new
from storage.tables import ChannelRow, ChannelSubscriptionRow


def allow(session: Session, team_id: str, channel_id: str, now: datetime) -> bool:
    """Allow a channel; return whether that is new."""
    return insert_new(session, ChannelRow, team_id=team_id, channel_id=channel_id, allowed_at=now)


def deny(session: Session, team_id: str, channel_id: str) -> bool:
    """Take the permission away, and what the channel chose to be told with it; return whether it was there."""
    chosen = delete(ChannelSubscriptionRow).where(
        col(ChannelSubscriptionRow.team_id) == team_id, col(ChannelSubscriptionRow.channel_id) == channel_id
    )
    session.connection().execute(chosen)
    statement = delete(ChannelRow).where(col(ChannelRow.team_id) == team_id, col(ChannelRow.channel_id) == channel_id)
    taken = session.connection().execute(statement).rowcount
    session.expire_all()
    return bool(taken)
