"""Twins of what connects accounts, programs and their keys."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.errors import ConnectorError
from jobs.api_keys import NewKey
from jobs.authorize import authorize
from jobs.connecting.disconnect import Confirmation
from jobs.connecting.views import Link, Offer, Parted, Parting
from jobs.errors import NotFoundError
from jobs.outgoing.service import Made
from jobs.refresh.ask import TriggerKey
from storage.facts.api_keys import ApiKey, KeyScope
from storage.facts.outgoing import TOLD_OF, Endpoint, Send
from storage.facts.people import Action, Actor
from storage.facts.secret import Secret
from storage.facts.sources import Freshness, Provider, Source
from storage.facts.status import SourceStatus
from tests.bot.twins.world import AT, SHOP


@dataclass
class TwinConnections:
    """Makes links that lead nowhere."""

    links: list[tuple[Provider, str | None]] = field(default_factory=list)

    def catalogue(self) -> tuple[Offer, ...]:
        return tuple(Offer(each, each.value.title(), "reads it", "https://tidings.example/help") for each in Provider)

    async def link(self, actor: Actor, provider: Provider, trigger: TriggerKey, source_id: str | None = None) -> Link:
        authorize(actor, Action.CONNECT)
        self.links.append((provider, source_id))
        url = Secret("https://tidings.example/connect/l/abc")
        return Link("flw_1", url, datetime.now(UTC) + timedelta(minutes=15))


@dataclass
class TwinDisconnects:
    """Disconnects nothing, and says so as if it had."""

    confirmed: list[Confirmation] = field(default_factory=list)

    async def preview(self, actor: Actor, source_id: str) -> Parting:
        authorize(actor, Action.DISCONNECT)
        return Parting(SourceStatus(SHOP, Freshness.FRESH, None, None, None, None, None), "mark", 0, only_data=False)

    async def disconnect(self, actor: Actor, confirmed: Confirmation, trigger: TriggerKey) -> Parted:
        authorize(actor, Action.DISCONNECT)
        self.confirmed.append(confirmed)
        return Parted("dis_1", SHOP, confirmed.erase, None)


@dataclass
class TwinHelp:
    """Finds nothing wrong."""

    tickets: list[str] = field(default_factory=list)

    async def source(self, actor: Actor, source_id: str) -> Source:
        authorize(actor, Action.ASK_FOR_HELP)
        return SHOP

    async def test(self, actor: Actor, source_id: str) -> ConnectorError | None:
        authorize(actor, Action.ASK_FOR_HELP)
        return None

    async def ticket(self, actor: Actor, source_id: str, trigger: TriggerKey) -> str:
        authorize(actor, Action.ASK_FOR_HELP)
        self.tickets.append(source_id)
        return "tck_1"


class TwinKeys:
    """Keys, and what was done with them."""

    def __init__(self) -> None:
        self.known: dict[str, ApiKey] = {}

    async def all(self, actor: Actor) -> list[tuple[ApiKey, str]]:
        authorize(actor, Action.MANAGE_API_KEYS)
        return [(key, "Daniel Kim") for key in self.known.values()]

    async def new(self, actor: Actor, name: str, scopes: frozenset[KeyScope], trigger: TriggerKey) -> NewKey:
        member = authorize(actor, Action.MANAGE_API_KEYS)
        key = ApiKey(f"key_{len(self.known)}", "org_1", member.id, name, scopes, datetime(2026, 11, 22, tzinfo=UTC))
        assert trigger.trigger_id
        self.known[key.id] = key
        return NewKey(key, Secret("tdk_only_now"))

    async def revoke(self, actor: Actor, key_id: str, trigger: TriggerKey) -> ApiKey:
        authorize(actor, Action.MANAGE_API_KEYS)
        if key_id not in self.known:
            raise NotFoundError
        assert trigger.trigger_id
        return self.known.pop(key_id)


class TwinOutgoing:
    """Has one receiver, and does what is asked."""

    def __init__(self) -> None:
        self.endpoint = Endpoint("hook_1", "org_1", "https://hooks.example.com/x", TOLD_OF, AT, None, None, "")
        self.asked: list[tuple[str, ...]] = []

    async def all(self, actor: Actor) -> list[Endpoint]:
        authorize(actor, Action.MANAGE_WEBHOOKS)
        return [self.endpoint]

    async def one(self, actor: Actor, endpoint_id: str) -> tuple[Endpoint, list[Send]]:
        return self._found(actor, "one", endpoint_id), []

    async def add(self, actor: Actor, url: str, trigger: TriggerKey) -> Made:
        authorize(actor, Action.MANAGE_WEBHOOKS)
        self.asked.append(("add", url, trigger.trigger_id))
        return Made(self.endpoint, Secret("whsec_" + "0" * 44))

    async def renew(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Made:
        return Made(self._found(actor, "renew", endpoint_id, trigger.trigger_id), Secret("whsec_" + "0" * 44))

    async def remove(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        return self._found(actor, "remove", endpoint_id, trigger.trigger_id)

    async def test(self, actor: Actor, endpoint_id: str, trigger: TriggerKey) -> Endpoint:
        return self._found(actor, "test", endpoint_id, trigger.trigger_id)

    async def replay(self, actor: Actor, endpoint_id: str, hours: int, trigger: TriggerKey) -> tuple[Endpoint, int]:
        return self._found(actor, "replay", endpoint_id, str(hours), trigger.trigger_id), 3

    def _found(self, actor: Actor, *asked: str) -> Endpoint:
        authorize(actor, Action.MANAGE_WEBHOOKS)
        self.asked.append(asked)
        if asked[1] != self.endpoint.id:
            raise NotFoundError
        return self.endpoint
