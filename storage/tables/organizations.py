"""Organizations, their Slack workspaces, their people and the places where Tidings may speak."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary, Text, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class OrganizationRow(SQLModel, table=True):
    """A customer company."""

    __tablename__ = "organizations"

    id: str = Field(primary_key=True)
    name: str
    timezone: str
    support_email: str | None = None
    #: ``team/channel``
    support_channel: str | None = None
    account_rep: str | None = None
    #: when the operator let the organization refresh by itself; asked for only where REFRESH_ACCESS=by_request
    refresh_allowed_at: datetime | None = Field(default=None, sa_type=Instant)
    #: Slack user groups whose people have a role without a grant of their own: ``role=group`` by commas
    group_roles: str = Field(default="", sa_column_kwargs={"server_default": ""})
    #: whether admins of its Slack workspaces are its admins when they first speak: it came by installing, not by a file
    slack_admins: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    #: JSON of the escalation policy (`storage.facts.policies`); None: the default
    escalation_policy: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    #: what its metrics are called: Metric, Goal, Objective
    metric_noun: str = Field(default="Metric", sa_column_kwargs={"server_default": "Metric"})
    created_at: datetime = Field(sa_type=Instant)


class WorkspaceRow(SQLModel, table=True):
    """A Slack workspace: a customer's (with its organization) or the operator's support workspace (without)."""

    __tablename__ = "workspaces"

    team_id: str = Field(primary_key=True)
    organization_id: str | None = Field(default=None, foreign_key="organizations.id", index=True)
    name: str
    bot_user_id: str | None = None
    #: sealed bot token; empty where the one of the settings is used
    bot_token: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    #: the first rung of the table ladder that this workspace accepted
    table_rung: str | None = None
    #: of an enterprise: where it has no installation of its own, the enterprise's counts
    enterprise_id: str | None = None
    #: since when Tidings is no longer installed there
    closed_at: datetime | None = Field(default=None, sa_type=Instant)


class ChannelRow(SQLModel, table=True):
    """A channel where an organization lets Tidings post about its data."""

    __tablename__ = "channels"

    team_id: str = Field(primary_key=True, foreign_key="workspaces.team_id")
    channel_id: str = Field(primary_key=True)
    allowed_at: datetime = Field(sa_type=Instant)


class MemberRow(SQLModel, table=True):
    """A person in an organization."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("team_id", "user_id"),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    team_id: str = Field(foreign_key="workspaces.team_id")
    user_id: str
    name: str
    role: str
    #: what a Slack user group adds to the role while the person is in it
    group_role: str | None = None
    timezone: str = "UTC"
    email: str | None = None
    email_confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    #: the member said: Slack only
    email_refused_at: datetime | None = Field(default=None, sa_type=Instant)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)


class SupportPersonRow(SQLModel, table=True):
    """One of the operator's listed people in the support workspace."""

    __tablename__ = "support_people"

    team_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    name: str
    removed_at: datetime | None = Field(default=None, sa_type=Instant)
