"""How a grant comes to be: the way of one person through link, proof, consent and confirmation."""

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant

_OPEN = text("state in ('linked', 'proven', 'sent', 'returned')")


class FlowRow(SQLModel, table=True):
    """One attempt of one member to connect or reconnect one account. Secrets are hashed, or sealed to this row."""

    __tablename__ = "flows"
    __table_args__ = (Index("ix_flows_open", "expires_at", sqlite_where=_OPEN, postgresql_where=_OPEN),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    member_id: str = Field(foreign_key="members.id")
    team_id: str
    user_id: str
    provider: str
    #: the source that is reconnected; None for a new one
    source_id: str | None = Field(default=None, foreign_key="sources.id")
    #: linked, proven, sent, returned, done, failed, expired
    state: str
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    #: why it failed: a code of ours, and plain words for the person
    reason: str | None = None
    said: str | None = None
    link_hash: str = Field(unique=True)
    #: hash of the cookie of the browser that went first; no other browser goes on
    browser_hash: str | None = Field(default=None, index=True)
    #: hash of the one-time code that the bot sent, how many were sent, and how often a wrong one was typed
    code_hash: str | None = None
    codes_sent: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    code_tries: int = 0
    #: hash of the state of Sign in with Slack, and of its nonce
    signin_hash: str | None = Field(default=None, unique=True)
    nonce_hash: str | None = None
    #: hash of the state that went to the provider; empty once it came back
    state_hash: str | None = Field(default=None, unique=True)
    #: sealed PKCE verifier
    verifier: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    #: what was asked before the provider could be named: shop domain, region
    hint: str = ""
    #: sealed: where Amazon waits for the browser, for a flow that began there; empty once it was sent
    login: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    #: sealed tokens that wait for the person's yes
    grant: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    account: str | None = None
    company: str | None = None
    #: the source that came of it
    connected_source_id: str | None = Field(default=None, foreign_key="sources.id")
    #: the first collection, or the catch-up, that it started
    run_id: str | None = Field(default=None, index=True)
    #: when the grant that nobody confirmed is to be given up at the provider (again), and how often that was tried
    revoke_due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    revoke_tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class RenewalBegunRow(SQLModel, table=True):
    """A renewal that began at Amazon, while the browser is at Slack to say whose it is; its state counts once."""

    __tablename__ = "renewals_begun"

    state_hash: str = Field(primary_key=True)
    nonce_hash: str
    browser_hash: str
    #: sealed: where Amazon waits for the browser
    login: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime = Field(sa_type=Instant, index=True)


class IncidentRow(SQLModel, table=True):
    """One thing that is wrong with a source, told once and edited until it is resolved."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_open_incident",
            "source_id",
            "kind",
            unique=True,
            sqlite_where=text("resolved_at is null"),
            postgresql_where=text("resolved_at is null"),
        ),
        Index("ix_incidents_due", "due_at"),
        Index("ix_incidents_opened", "opened_at"),
        Index("ix_incidents_lead", "lead_id"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    source_id: str = Field(foreign_key="sources.id")
    #: see `storage.facts.incidents.IncidentKind`
    kind: str
    #: a code of ours: what was noticed
    reason: str
    opened_at: datetime = Field(sa_type=Instant)
    #: when the next thing is due: the first message, or a reminder; None once nothing is
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    told_at: datetime | None = Field(default=None, sa_type=Instant)
    reminders: int = 0
    #: who has it in hand, and until when nobody is reminded for that
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_by: str | None = None
    acknowledged_until: datetime | None = Field(default=None, sa_type=Instant)
    #: who wants to hear nothing of it until then
    snoozed_by: str | None = None
    snoozed_until: datetime | None = Field(default=None, sa_type=Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    #: reconnected, cleared, disconnected_by_person
    resolution: str | None = None
    #: who stopped it, when a person did; then nobody is reminded
    stopped_by: str | None = None
    #: the incident whose message tells of this one as well
    lead_id: str | None = None
    #: how often it came back before it was over for good
    times: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    #: the fleet alarm that keeps it from being told
    held_by: str | None = Field(default=None, index=True)


class FleetAlarmRow(SQLModel, table=True):
    """Most sources were late or failing at once, or the clock slept: support is told, customers' alarms wait."""

    __tablename__ = "fleet_alarms"
    __table_args__ = (
        Index(
            "uq_open_fleet_alarm",
            "scope",
            unique=True,
            sqlite_where=text("closed_at is null"),
            postgresql_where=text("closed_at is null"),
        ),
    )

    id: str = Field(primary_key=True)
    #: ``all``, ``clock``, or the name of a provider
    scope: str
    opened_at: datetime = Field(sa_type=Instant)
    #: sources that stand badly, and all that were due lately, when last counted
    bad: int
    seen: int
    organizations: int
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    #: alarms of customers that were told after all, and that were not needed any more
    released: int = 0
    dropped: int = 0


class WebhookRow(SQLModel, table=True):
    """A signed event of a provider, kept before it is answered; the same event again has no effect."""

    __tablename__ = "webhooks"
    __table_args__ = (
        Index("ix_webhooks_account", "provider", "account", "at"),
        Index(
            "ix_webhooks_open",
            "provider",
            "account",
            sqlite_where=text("settled_at is null"),
            postgresql_where=text("settled_at is null"),
        ),
    )

    provider: str = Field(primary_key=True)
    event_id: str = Field(primary_key=True)
    topic: str
    #: the shop or realm that the signed event names
    account: str
    at: datetime = Field(sa_type=Instant, index=True)
    #: sealed body, until it is acted on
    body: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    #: what was done, in a word
    outcome: str | None = None


class AccessRequestRow(SQLModel, table=True):
    """A request of an organization for the right to refresh, where the operator gives that by request."""

    __tablename__ = "access_requests"
    __table_args__ = (
        Index(
            "uq_open_access_request",
            "organization_id",
            unique=True,
            sqlite_where=text("settled_at is null"),
            postgresql_where=text("settled_at is null"),
        ),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    member_id: str = Field(foreign_key="members.id")
    at: datetime = Field(sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    #: name of the support person
    settled_by: str | None = None
    #: None where it was never decided, because support could not be reached
    approved: bool | None = None


class AccessAskerRow(SQLModel, table=True):
    """Somebody who asked for access and is told of the decision."""

    __tablename__ = "access_askers"

    request_id: str = Field(primary_key=True, foreign_key="access_requests.id")
    member_id: str = Field(primary_key=True, foreign_key="members.id")
    at: datetime = Field(sa_type=Instant)
    #: what the person wanted to refresh, in names of that day
    wanted: str
    #: what a button carries that asks for that refresh again
    again: str


class InstallationRow(SQLModel, table=True):
    """The app in one Slack workspace, or in a whole enterprise (team_id empty then)."""

    __tablename__ = "installations"

    enterprise_id: str = Field(primary_key=True)
    team_id: str = Field(primary_key=True, index=True)
    app_id: str
    bot_user_id: str
    scopes: str
    #: sealed JSON: access token, refresh token
    tokens: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    #: grows with each save
    version: int = 0
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    installed_by: str
    installed_at: datetime = Field(sa_type=Instant)
    removed_at: datetime | None = Field(default=None, sa_type=Instant)
    #: of the workspace or the enterprise, as Slack said it
    name: str = Field(default="", sa_column_kwargs={"server_default": ""})
    #: whose workspaces they are; None for the operator's support workspace
    organization_id: str | None = Field(default=None, foreign_key="organizations.id")
    #: when Slack refused to renew the token: installing again is the one cure
    refused_at: datetime | None = Field(default=None, sa_type=Instant)


class InstallBegunRow(SQLModel, table=True):
    """An installation that a browser began: its state counts once, in that browser."""

    __tablename__ = "installs_begun"

    state_hash: str = Field(primary_key=True)
    browser_hash: str
    expires_at: datetime = Field(sa_type=Instant, index=True)


_UNFINISHED = text("ended_at is null")


class DisconnectRow(SQLModel, table=True):
    """What is left to be done after a person disconnected a source: give the grant up, forget it, erase the data."""

    __tablename__ = "disconnects"
    __table_args__ = (
        Index("ix_disconnects_unfinished", "next_at", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    source_id: str = Field(foreign_key="sources.id", index=True)
    member_id: str = Field(foreign_key="members.id")
    at: datetime = Field(sa_type=Instant)
    #: the connection's version that it made; a later one was reconnected, or disconnected again
    version: int
    erase_data: bool
    region: str
    environment: str
    #: the sealed tokens until they are given up at the provider, bound to this row
    grant: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    #: when the tokens are gone, whatever the provider says
    tokens_due_at: datetime = Field(sa_type=Instant)
    #: of its durable work, and when the next one is due
    attempt: int = 1
    next_at: datetime = Field(sa_type=Instant)
    #: what became of the grant
    outcome: str | None = None
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    data_erased_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class FrozenRow(SQLModel, table=True):
    """One thing that stands still because its source is disconnected (`storage.facts.dependents`)."""

    __tablename__ = "frozen_dependents"
    __table_args__ = (Index("ix_frozen_dependents_dependent", "kind", "dependent"),)

    source_id: str = Field(primary_key=True, foreign_key="sources.id")
    kind: str = Field(primary_key=True)
    dependent: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    #: as people know it
    name: str
    reason: str
    since: datetime = Field(sa_type=Instant)
    #: the instant up to which its data went; None where there is none
    as_of: datetime | None = Field(default=None, sa_type=Instant)
