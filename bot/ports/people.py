"""What the Slack edge needs to know of people, channels and workspaces."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from jobs.access import AccessAnswer, Wish
from jobs.channels import ChannelView
from jobs.installs.leaving import Departure, Left
from jobs.members import Changed
from jobs.refresh.ask import Place, TriggerKey
from storage.facts.access import AccessRequest
from storage.facts.people import Actor, GroupRole, Member, Role, SlackIdentity
from storage.facts.sources import Organization


class People(Protocol):
    """Who acts."""

    async def actor(self, identity: SlackIdentity, *, rechecked: bool = False) -> Actor | None:
        """Return who this is, None when Slack must be asked first; an older role does where it is read again later."""
        ...

    async def readers(
        self, team_id: str, identities: Collection[SlackIdentity]
    ) -> Mapping[SlackIdentity, Actor | None]:
        """Return who these are for requests that change nothing; None where Slack must be asked first."""
        ...

    def reader(self, identity: SlackIdentity) -> Actor | None:
        """Return who this is for a request that changes nothing, where that is known without a look."""
        ...

    async def learn(self, identity: SlackIdentity) -> Actor:
        """Ask Slack and return who this is; for workers."""
        ...

    def profile_changed(self, event: Mapping[str, Any]) -> None:
        """Take over what a user_change event says."""
        ...

    async def admins(self, organization_id: str) -> list[Member]:
        """Return the admins."""
        ...

    async def organization(self, organization_id: str) -> Organization:
        """Return the organization."""
        ...


class Access(Protocol):
    """Access to refreshes by request."""

    async def ask(self, actor: Actor, wish: Wish, trigger: TriggerKey) -> AccessAnswer:
        """Ask support, or join whoever did."""
        ...

    async def decide(
        self, actor: Actor, request_id: str, trigger: TriggerKey, *, approve: bool, message: str
    ) -> AccessRequest:
        """Approve or decline, once."""
        ...


class Members(Protocol):
    """Who may do what."""

    async def all(self, actor: Actor) -> list[Member]:
        """Return the members."""
        ...

    async def named(self, actor: Actor, words: str) -> Member:
        """Return the one of that name."""
        ...

    async def grant(self, actor: Actor, user_id: str, role: Role, trigger: TriggerKey) -> Changed:
        """Give a role."""
        ...

    async def groups(self, actor: Actor) -> tuple[GroupRole, ...]:
        """Return the user groups whose people have a role."""
        ...

    async def group(self, actor: Actor, group_id: str, role: Role | None, trigger: TriggerKey) -> Role | None:
        """Give a user group a role, or none."""
        ...

    async def revoke(self, actor: Actor, member_id: str, trigger: TriggerKey) -> Changed:
        """Take the role away."""
        ...


class Addresses(Protocol):
    """The one question about the e-mail address."""

    def slack_only(self, actor: Actor) -> bool:
        """Whether there is no address to which anything could be mailed."""
        ...

    async def question(self, actor: Actor) -> str | None:
        """Return the address to ask about, None when the member was asked before."""
        ...

    async def answer(self, actor: Actor, *, yes: bool, address: str | None = None) -> Member:
        """Remember the answer."""
        ...


class Installs(Protocol):
    """The app in workspaces."""

    async def left(self, departure: Departure) -> Left:
        """Take what Slack says about a removal."""
        ...

    async def link_enterprises(self) -> None:
        """Look at the workspaces of enterprises."""
        ...


class Channels(Protocol):
    """Where Tidings may speak."""

    async def look(self, actor: Actor, place: Place) -> ChannelView:
        """Return how a channel stands."""
        ...

    async def allow(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        """Let Tidings speak there."""
        ...

    async def deny(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        """Say nothing there any more."""
        ...
