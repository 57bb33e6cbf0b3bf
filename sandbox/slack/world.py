"""Who and what exists in the workspaces: teams, people, channels, and the app that is installed in them."""

from dataclasses import dataclass, field
from datetime import datetime

from storage.facts.secret import Secret

#: What Tidings asks for when it is installed; each method is checked against it.
SCOPES = frozenset(
    [
        "assistant:write",
        "chat:write",
        "commands",
        "im:write",
        "im:history",
        "channels:history",
        "groups:history",
        "channels:read",
        "groups:read",
        "usergroups:read",
        "users:read",
        "users:read.email",
        "app_mentions:read",
    ]
)
#: What the app subscribes to; `message.im` also brings the app's own messages back, as on Slack.
EVENTS = frozenset(
    [
        "app_home_opened",
        "app_mention",
        "app_uninstalled",
        "member_joined_channel",
        "member_left_channel",
        "message.im",
        "team_access_granted",
        "team_access_revoked",
        "tokens_revoked",
        "user_change",
    ]
)


@dataclass(frozen=True, slots=True)
class Team:
    """One workspace."""

    id: str
    name: str
    domain: str
    #: the organization it belongs to (Enterprise Grid)
    enterprise: str | None = None


@dataclass(slots=True)
class Person:
    """One account of a workspace; bots have `bot_id`."""

    id: str
    team: str
    name: str
    real_name: str
    email: str | None = None
    tz: str = "Etc/UTC"
    title: str = ""
    is_admin: bool = False
    #: a guest
    is_restricted: bool = False
    deleted: bool = False
    bot_id: str | None = None


@dataclass(slots=True)
class Channel:
    """A channel, a private channel or a direct message; `people` holds the ids of its members."""

    id: str
    team: str
    name: str
    people: set[str] = field(default_factory=set)
    is_private: bool = False
    is_im: bool = False
    #: other teams that share the channel (Slack Connect)
    shared_with: frozenset[str] = frozenset()
    purpose: str = ""

    @property
    def is_ext_shared(self) -> bool:
        """Whether people of other companies read along."""
        return bool(self.shared_with)

    @property
    def kind(self) -> str:
        """Slack's `channel_type`."""
        if self.is_im:
            return "im"
        return "group" if self.is_private else "channel"


@dataclass(slots=True)
class UserGroup:
    """A user group of a workspace: mentioned as one, and changed by its admins."""

    id: str
    team: str
    handle: str
    people: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Installation:
    """The app in one team: its bot user and token."""

    team: str
    bot_user: str
    bot_id: str
    token: Secret
    scopes: frozenset[str] = SCOPES
    revoked: bool = False
    #: when the token ends and by what it is renewed; None: it lives for ever
    expires_at: datetime | None = None
    refresh: Secret | None = None
    #: access tokens of before that still work, and until when
    former: dict[str, datetime] = field(default_factory=dict)
    #: set when a whole enterprise installed it; the token is then the same in all its teams
    enterprise: str | None = None

    def knows(self, token: str) -> bool:
        """Whether the token was given for this installation and may still work."""
        return token == self.token.reveal() or token in self.former

    def ended(self, token: str, now: datetime) -> bool:
        """Whether the token's time is over."""
        until = self.former.get(token, self.expires_at)
        return until is not None and until <= now


@dataclass(slots=True)
class SlackApp:
    """The app itself: what it signs with, and where it is installed."""

    id: str
    name: str
    signing_secret: Secret
    app_token: Secret
    client_id: str
    client_secret: Secret
    installations: dict[str, Installation]
    #: command -> the words suggested after it
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    events: frozenset[str] = EVENTS
    #: whether its manifest has `agent_view`
    agent: bool = True
    #: callback id -> where it is chosen (global, message) and how the menu names it
    shortcuts: dict[str, tuple[str, str]] = field(default_factory=dict)

    def serves(self, team: str) -> bool:
        """Whether the app is installed in that team and has not left."""
        return team in self.installations and not self.installations[team].revoked

    def bot_token(self, team: str) -> str:
        """Return the bot token of that team (invented: it opens nothing but this stand-in)."""
        return self.installations[team].token.reveal()


@dataclass(slots=True)
class World:
    """Everything that is there before the first message."""

    teams: dict[str, Team]
    people: dict[str, Person]
    channels: dict[str, Channel]
    app: SlackApp
    #: whom the page lets a visitor act as
    act_as: tuple[str, ...]
    #: what the page suggests to type
    suggestions: tuple[str, ...] = ()
    #: enterprises by id
    enterprises: dict[str, str] = field(default_factory=dict)
    #: user groups by id
    groups: dict[str, UserGroup] = field(default_factory=dict)

    def direct(self, user: str) -> Channel:
        """Return the direct message between that person and the app, made when it is first asked for."""
        person = self.people[user]
        channel_id = "D0" + user.removeprefix("U0")
        if channel_id not in self.channels:
            bot = self.app.installations[person.team].bot_user
            self.channels[channel_id] = Channel(channel_id, person.team, user, {user, bot}, is_im=True)
        return self.channels[channel_id]

    def of_team(self, team: str) -> list[Person]:
        """Return the people of a team, bots too, in a stable order."""
        return [person for person in self.people.values() if person.team == team]

    def sees(self, user: str, channel: Channel) -> bool:
        """Whether that person can open the channel: its members, and the team's full members for public ones."""
        person = self.people.get(user)
        if person is None or person.deleted:
            return False
        public = not (channel.is_private or channel.is_im or person.is_restricted)
        return user in channel.people or (public and person.team == channel.team)
