"""Channels that an admin allowed; changed only together with an audit entry."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from storage.facts.people import Action
from storage.records.inserts import insert_new
from storage.tables import AuditRow, ChannelRow, ChannelSubscriptionRow

#: Entries about one channel that are gone through for its name.
_LOOKED_AT = 20


def allow(session: Session, team_id: str, channel_id: str, now: datetime) -> bool:
    """Allow a channel; return whether that is new."""
    return insert_new(session, ChannelRow, team_id=team_id, channel_id=channel_id, allowed_at=now)


def last_name(session: Session, organization_id: str, channel_id: str) -> str | None:
    """Return what Slack called the channel when it was last allowed or denied; None where nobody knows."""
    statement = select(AuditRow.detail).where(
        AuditRow.organization_id == organization_id,
        AuditRow.action == Action.MANAGE_CHANNELS,
        AuditRow.object_id == channel_id,
    )
    for detail in session.exec(statement.order_by(col(AuditRow.sequence).desc()).limit(_LOOKED_AT)):
        name = str(detail.get("channel") or "")
        # Where Slack did not tell, the id was written down for it.
        if name and name != channel_id:
            return name
    return None


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
