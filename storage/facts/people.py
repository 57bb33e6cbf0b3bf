"""Who acts, and what roles let them do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a member may do; each role includes the ones before it."""

    #: sees status and history
    VIEWER = "viewer"
    #: starts and cancels refreshes
    REFRESHER = "refresher"
    #: metrics and exchanges
    MANAGER = "manager"
    #: connections and settings
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Order of the roles, from 0."""
        return list(Role).index(self)

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what the other one may."""
        return self.rank >= other.rank


class Action(StrEnum):
    """Everything a person can ask for; `authorize` knows each one."""

    SEE_STATUS = "see_status"
    SEE_HISTORY = "see_history"
    START_REFRESH = "start_refresh"
    CANCEL_REFRESH = "cancel_refresh"
    CONFIRM_EMAIL = "confirm_email"
    #: let a full read that was held, because so much less came, replace what is there
    LOAD_HELD = "load_held"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    #: the help ladder when reconnecting fails
    ASK_FOR_HELP = "ask_for_help"
    SEE_MEMBERS = "see_members"
    MANAGE_MEMBERS = "manage_members"
    #: where Tidings may speak
    MANAGE_CHANNELS = "manage_channels"
    #: when sources are collected
    CHANGE_SCHEDULE = "change_schedule"
    #: how fresh sources must be
    CHANGE_PROMISE = "change_promise"
    CHANGE_METRICS = "change_metrics"
    #: what the organization calls its metrics
    NAME_METRICS = "name_metrics"
    #: how sources stand, to all of a channel that an admin allowed
    SHARE_ANSWER = "share_answer"
    #: take an incident on, or hear nothing of it for a while
    HANDLE_INCIDENT = "handle_incident"
    #: hear no new alarms of a kind about a source for a while
    MUTE_ALARMS = "mute_alarms"
    #: start, pause and release what is exchanged with PocketAdvantage
    RUN_EXCHANGE = "run_exchange"
    #: what is exchanged with PocketAdvantage at all
    CHANGE_EXCHANGE = "change_exchange"
    #: that orders are created in QuickBooks
    ALLOW_ORDERS = "allow_orders"
    #: read again what is there already
    REREAD = "reread"
    SEE_AUDIT = "see_audit"
    #: the organization's addresses that Tidings sends webhooks to
    MANAGE_WEBHOOKS = "manage_webhooks"
    #: keys with which programs read metrics
    MANAGE_API_KEYS = "manage_api_keys"
    #: which QuickBooks Desktop takes orders
    MANAGE_DESKTOP = "manage_desktop"
    #: a message that was sent before, to oneself
    SEND_AGAIN = "send_again"
    #: try whether messages arrive
    SEND_TEST = "send_test"
    #: what one is told, and how
    CHOOSE_MESSAGES = "choose_messages"
    #: who is called when a refresh does not end
    CHANGE_ESCALATION = "change_escalation"
    #: the operator's permission to refresh, where REFRESH_ACCESS=by_request
    ASK_FOR_ACCESS = "ask_for_access"
    #: support only, on the refresh that a support post names
    ACKNOWLEDGE_ESCALATION = "acknowledge_escalation"
    RETRY_ESCALATED = "retry_escalated"
    CANCEL_ESCALATED = "cancel_escalated"
    DECIDE_ACCESS = "decide_access"


@dataclass(frozen=True, slots=True)
class SlackIdentity:
    """A person as the signed Slack request names them."""

    team_id: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization, or one of the operator's support people."""

    id: str
    organization_id: str
    team_id: str
    user_id: str
    name: str
    role: Role
    #: IANA name from the Slack profile
    timezone: str
    #: address from the Slack profile
    email: str | None
    #: whether the member said that mail may go to that address
    email_confirmed: bool


@dataclass(frozen=True, slots=True)
class GroupRole:
    """What an admin agreed: people of a Slack user group have a role without a grant of their own."""

    role: Role
    team_id: str
    group_id: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who stands behind a request, as known from at most 60 seconds ago."""

    identity: SlackIdentity
    member: Member | None
    #: listed support person in the workspace of the support channel
    support: bool = False
