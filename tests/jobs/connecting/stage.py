"""Two organizations, their people, and the service between them and a pretended provider."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import inspect
from sqlmodel import select

from connectors.base import ProviderSettings
from connectors.registry import connector_for
from connectors.slack_signin import SlackApp
from jobs.connecting.marks import hash_of
from jobs.connecting.means import Means
from jobs.connecting.service import ConnectService
from jobs.connecting.telling import flow_words
from jobs.connecting.views import Connected, FlowView
from jobs.desk import Desk
from jobs.notify.notifier import Notifier
from jobs.people import People, Profile
from jobs.refresh.ask import TriggerKey
from jobs.work import Work
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import CONNECT_CODE
from storage.facts.flows import Flow
from storage.facts.ids import new_id
from storage.facts.people import Actor, Role, SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from storage.records import audit, deliveries, flows, sources
from storage.seal import Seal, new_key
from storage.sessions import Database, Session
from storage.tables import AuditRow, ConnectionRow, FlowRow, MemberRow, OrganizationRow, WorkspaceRow, metadata
from tests.jobs.connecting.pretend import SCOPES, PretendGrants, PretendProvider

DANIEL = SlackIdentity("T0A", "U0DANIEL")
OLGA = SlackIdentity("T0A", "U0OLGA")
PRIYA = SlackIdentity("T0A", "U0PRIYA")
EVE = SlackIdentity("T0B", "U0EVE")
PEOPLE = {
    DANIEL: ("org_a", "Daniel Kim", Role.ADMIN),
    OLGA: ("org_a", "Olga Berg", Role.ADMIN),
    PRIYA: ("org_a", "Priya Nair", Role.VIEWER),
    EVE: ("org_b", "Eve Stone", Role.ADMIN),
}
A, B = "org_a", "org_b"
SHOP, BOOKS = Provider.SHOPIFY, Provider.QUICKBOOKS
PUBLIC = "https://tidings.example"


def settings_of(provider: Provider, host: str = "tokens.example") -> ProviderSettings:
    base = f"https://{provider.value}.{host}"
    return ProviderSettings("id", Secret("secret"), base, f"{base}/authorize", f"{base}/token")


@dataclass
class Stage:
    """Everything that stands on it."""

    database: Database
    clock: OffsetClock
    outside: PretendProvider
    means: Means
    service: ConnectService
    works: list[Work]
    #: whom Slack calls a full member; None: Slack does not answer
    full: dict[SlackIdentity, bool | None] = field(default_factory=dict)

    async def actor(self, identity: SlackIdentity = DANIEL) -> Actor:
        return await self.means.people.learn(identity)

    async def link(self, identity: SlackIdentity = DANIEL, provider: Provider = SHOP, **more: Any) -> Secret:
        """Ask for a link; return its token."""
        trigger = TriggerKey(identity.team_id, more.pop("trigger", None) or new_id("trg"))
        made = await self.service.link(await self.actor(identity), provider, trigger, **more)
        return Secret(made.url.reveal().rpartition("/")[2])

    def flow(self, link: Secret) -> Flow:
        """Return the flow of a link, whatever became of it."""
        found = self.database.in_read(lambda session: flows.by_link(session, hash_of("link", link)))
        assert found is not None
        return found

    def code(self, link: Secret) -> str:
        """Read the newest code as the DM says it."""
        flow = self.flow(link)
        words = flow_words(self.means.seal, connector_for)[CONNECT_CODE]

        def read(session: Session) -> str:
            (delivery,) = deliveries.of_subject(session, f"{flow.id}.{flow.codes_sent}")
            assert delivery.destination == f"{flow.identity.team_id}/{flow.identity.user_id}"
            return words(session, delivery, self.clock.now()).summary.rpartition(": ")[2]

        return self.database.in_read(read)

    async def proven(
        self, browser: Secret, identity: SlackIdentity = DANIEL, provider: Provider = SHOP, **more: Any
    ) -> Secret:
        """Go as far as a proven browser; return the link."""
        link = await self.link(identity, provider, **more)
        await self.service.send_code(link, browser)
        await self.service.prove_code(link, browser, self.code(link))
        return link

    async def away(
        self, browser: Secret, identity: SlackIdentity = DANIEL, provider: Provider = SHOP, **more: Any
    ) -> str:
        """Go as far as the provider's page; return its address."""
        return await self.service.go(await self.proven(browser, identity, provider, **more), browser)

    async def back(
        self,
        browser: Secret,
        account: str,
        identity: SlackIdentity = DANIEL,
        provider: Provider = SHOP,
        *,
        scopes: tuple[str, ...] | None = None,
        **more: Any,
    ) -> FlowView:
        """Go as far as what waits for the yes."""
        url = await self.away(browser, identity, provider, **more)
        query = self.outside.consent(url, account, f"Company {account}", scopes=scopes or SCOPES)
        return await self.service.returned(provider, query, browser)

    async def connected(
        self, account: str, identity: SlackIdentity = DANIEL, provider: Provider = SHOP, **more: Any
    ) -> Connected:
        """Go the whole way."""
        browser = a_browser()
        view = await self.back(browser, account, identity, provider, **more)
        return await self.service.confirm(browser, flow_id=view.id)

    def sources(self, organization_id: str = A) -> list[Source]:
        return self.database.in_read(lambda session: sources.sources_of(session, organization_id))

    def connection(self, source_id: str) -> ConnectionRow:
        return self.database.in_read(lambda session: session.get_one(ConnectionRow, source_id))

    def sealed(self, flow_id: str) -> bytes | None:
        return self.database.in_read(lambda session: flows.sealed_grant(session, flow_id))

    def found(self, flow_id: str) -> Flow:
        found = self.database.in_read(lambda session: flows.find(session, flow_id))
        assert found is not None
        return found

    def trail(self, organization_id: str = A) -> list[str]:
        """What the audit says was done, in order; its chain is whole."""
        return [row.action for row in self.entries(organization_id)]

    def entries(self, organization_id: str = A) -> list[AuditRow]:
        """The audit itself."""

        def read(session: Session) -> list[AuditRow]:
            assert audit.broken_entries(session, organization_id) == []
            found = session.exec(select(AuditRow).where(AuditRow.organization_id == organization_id))
            return sorted(found, key=lambda row: row.sequence)

        return self.database.in_read(read)

    def twin(self, kind: type[ConnectService], **changes: Any) -> "Stage":
        """Return the same stage with another service."""
        means = replace(self.means, **changes)
        return replace(self, service=kind(means), means=means)

    def change(self, work: Callable[[Session], Any]) -> None:
        self.database.in_write(work)


@asynccontextmanager
async def staged(database: Database, folder: Path, *, slack: SlackApp | None = None) -> AsyncIterator[Stage]:
    """Put everything up on that database."""
    outside = PretendProvider(folder)
    seal = Seal([Secret(new_key())])
    clock = OffsetClock()
    database.in_write(lambda session: seed(session, clock))
    desk = Desk(database.url)
    works: list[Work] = []
    full: dict[SlackIdentity, bool | None] = dict.fromkeys(PEOPLE, True)
    means = make_means(database, desk, clock, seal, outside, works, full, slack=slack)
    try:
        yield Stage(database, clock, outside, means, ConnectService(means), works, full)
    finally:
        desk.close()


def make_means(
    database: Database,
    desk: Desk,
    clock: OffsetClock,
    seal: Seal,
    outside: PretendProvider,
    works: list[Work],
    full: dict[SlackIdentity, bool | None],
    *,
    slack: SlackApp | None = None,
    checkpoint: Callable[[str], None] = lambda _name: None,
) -> Means:
    async def fetch(identity: SlackIdentity) -> Profile | None:
        known = full.get(identity, True)
        return None if known is None else Profile(known, "somebody", None, "UTC")

    consents = {
        SHOP: PretendGrants(SHOP, outside),
        BOOKS: PretendGrants(BOOKS, outside),
    }

    def enqueue(session: Session, work: Work) -> None:
        _ = session
        works.append(work)

    return Means(
        desk=desk,
        database=database,
        clock=clock,
        seal=seal,
        people=People(desk, clock, fetch),
        enqueue=enqueue,
        notifier=Notifier(enqueue, support_channel="", support_email=""),
        grants_for=lambda provider: consents[provider],
        connector_for=connector_for,
        providers={provider: settings_of(provider) for provider in (SHOP, BOOKS)},
        slack=slack or SlackApp("", Secret(""), "https://slack.example/api/"),
        public_url=PUBLIC,
        read_budget=500_000,
        checkpoint=checkpoint,
    )


def seed(session: Session, clock: OffsetClock) -> None:
    now = clock.now()
    for number, name in ((A, "Temerity Goods"), (B, "Bold Beans")):
        session.add(OrganizationRow(id=number, name=name, timezone="UTC", created_at=now))
    session.flush()
    for team, organization_id in (("T0A", A), ("T0B", B)):
        session.add(WorkspaceRow(team_id=team, organization_id=organization_id, name=f"Workspace {team}"))
    session.flush()
    for identity, (organization_id, name, role) in PEOPLE.items():
        session.add(
            MemberRow(
                id=f"mem_{identity.user_id}",
                organization_id=organization_id,
                team_id=identity.team_id,
                user_id=identity.user_id,
                name=name,
                role=role,
            )
        )


def member_id(identity: SlackIdentity) -> str:
    return f"mem_{identity.user_id}"


def remove(session: Session, identity: SlackIdentity, clock: OffsetClock) -> None:
    session.get_one(MemberRow, member_id(identity)).removed_at = clock.now()


def demote(session: Session, identity: SlackIdentity) -> None:
    session.get_one(MemberRow, member_id(identity)).role = Role.VIEWER


def a_browser() -> Secret:
    return Secret(new_id("browser"))


def rewrite(database: Database, flow_id: str, **values: Any) -> None:
    """Change the row of a flow behind everybody's back; twins do it."""

    def work(session: Session) -> None:
        row = session.get_one(FlowRow, flow_id)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)

    database.in_write(work)


def everything(database: Database) -> bytes:
    """Return all that the database holds, as one text."""
    with database.read() as session:
        tables = [table for name, table in metadata.tables.items() if inspect(database.engine).has_table(name)]
        rows = [row for table in tables for row in session.connection().execute(table.select())]
    return b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row if value is not None
    )
