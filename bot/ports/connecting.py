"""What the Slack edge needs to connect accounts, programs and their keys."""

from typing import Protocol

from connectors.errors import ConnectorError
from jobs.api_keys import NewKey
from jobs.connecting.disconnect import Confirmation
from jobs.connecting.views import Link, Offer, Parted, Parting
from jobs.outgoing.service import Made
from jobs.refresh.ask import TriggerKey
from storage.facts.api_keys import ApiKey, KeyScope
from storage.facts.outgoing import Endpoint, Send
from storage.facts.people import Actor
from storage.facts.sources import Provider, Source


class Connections(Protocol):
    """Links to connect and reconnect accounts."""

    def catalogue(self) -> tuple[Offer, ...]:
        """Return what can be connected."""
        ...

    async def link(self, actor: Actor, provider: Provider, trigger: TriggerKey, source_id: str | None = None) -> Link:
        """Make a link for the actor."""
        ...


class Help(Protocol):
    """Connections that do not work."""

    async def source(self, actor: Actor, source_id: str) -> Source:
        """Return the source."""
        ...

    async def test(self, actor: Actor, source_id: str) -> ConnectorError | None:
        """Ask the provider."""
        ...

    async def ticket(self, actor: Actor, source_id: str, trigger: TriggerKey) -> str:
        """Open a ticket."""
        ...


class Disconnects(Protocol):
    """Disconnects sources on purpose."""

    async def preview(self, actor: Actor, source_id: str) -> Parting:
        """Return what disconnecting affects; changes nothing."""
        ...

    async def disconnect(self, actor: Actor, confirmed: Confirmation, trigger: TriggerKey) -> Parted:
        """Disconnect."""
        ...


class Outgoing(Protocol):
    """Addresses that Tidings sends webhooks to."""

    async def all(self, actor: Actor) -> list[Endpoint]:
        """Return them."""
        ...

    async def one(self, actor: Actor, endpoint_id: str) -> tuple[Endpoint, list[Send]]:
        """Return one, and what was sent there."""
        ...

    async def add(self, actor: Actor, url: str, trigger: TriggerKey) -> Made:
        """Enter one."""
        ...

    async def renew(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Made:
        """Give it another secret."""
        ...

    async def remove(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        """Forget it."""
        ...

    async def test(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        """Send a test."""
        ...

    async def replay(self, actor: Actor, endpoint_id: str, hours: int, trigger: TriggerKey) -> tuple[Endpoint, int]:
        """Send again."""
        ...


class ApiKeys(Protocol):
    """Keys of programs."""

    async def all(self, actor: Actor) -> list[tuple[ApiKey, str]]:
        """Return all of them, each with who made it."""
        ...

    async def new(self, actor: Actor, name: str, scopes: frozenset[KeyScope], trigger: TriggerKey) -> NewKey:
        """Make one."""
        ...

    async def revoke(self, actor: Actor, key_id: str, trigger: TriggerKey) -> ApiKey:
        """Let it open nothing any more."""
        ...
