"""Everything that a flow needs, passed around as one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from connectors.base import Connector, ProviderSettings
from connectors.grants import Grants
from connectors.slack_signin import SlackApp
from jobs.asks import Enqueue
from jobs.desk import Desk
from jobs.notify.notifier import Notifier
from jobs.people import People
from storage.facts.clock import Clock
from storage.facts.flows import Flow
from storage.facts.sources import Provider
from storage.seal import Seal
from storage.sessions import Database


@dataclass(frozen=True)
class Means:
    """Everything that a flow needs."""

    #: for what a person waits for, and nothing is lost by when it is not begun in time
    desk: Desk
    #: for what must be kept once the provider has answered
    database: Database
    clock: Clock
    seal: Seal
    people: People
    enqueue: Enqueue
    notifier: Notifier
    #: KeyError for a provider whose consent is not built
    grants_for: Callable[[Provider], Grants]
    connector_for: Callable[[Provider], Connector]
    providers: Mapping[Provider, ProviderSettings]
    slack: SlackApp
    #: our own address, without a slash at its end
    public_url: str
    read_budget: int
    #: providers of which an organization has one account
    one_per_organization: frozenset[Provider] = frozenset({Provider.QUICKBOOKS})
    checkpoint: Callable[[str], None] = field(default=lambda _name: None)

    def settings_for(self, flow: Flow) -> ProviderSettings:
        """Return the settings of the flow's provider, for its organization."""
        return replace(self.providers[flow.provider], organization=flow.organization_id)

    def redirect_uri(self, name: str) -> str:
        """Return the one address to which a provider, or Slack, sends browsers back: each has its own."""
        return f"{self.public_url}/connect/{name}/callback"
