"""Who and what the twins know: one organization, its two sources, and a source of others."""

from datetime import UTC, datetime, timedelta

from storage.facts.people import Member, Role
from storage.facts.runs import Clocks, Run, RunState, Trigger
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider, Source
from storage.facts.status import SourceStatus

AT = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)


def source(identifier: str, provider: Provider, label: str, *, organization: str = "org_temerity",
           company: str = "Temerity Goods", connection: ConnectionState = ConnectionState.CONNECTED) -> Source:  # fmt: skip
    return Source(
        id=identifier,
        organization_id=organization,
        provider=provider,
        account=label,
        label=label,
        company=company,
        mode=CollectMode.TIMER if provider is Provider.QUICKBOOKS else CollectMode.ON_DEMAND,
        schedule_minutes=60,
        schedule_version=1,
        connection=connection,
        connection_reason=None if connection is ConnectionState.CONNECTED else "the grant was revoked",
        connection_since=AT,
    )


QBO = source("src_qbo", Provider.QUICKBOOKS, "quickbooks_9341", company="Temerity Goods LLC")


SHOP = source("src_shop", Provider.SHOPIFY, "temeritygoods.myshopify.com", company="Temerity Goods Store")


OTHERS = source("src_other", Provider.SHOPIFY, "rival.myshopify.com", organization="org_rival", company="Rival")


def run_of(one: Source, *, state: RunState = RunState.READY) -> Run:
    clocks = Clocks(AT, source_as_of=AT, loaded_at=AT, ready_at=AT)
    return Run(f"run_{one.id}", one.organization_id, one.id, Trigger.REQUEST, state, None, 1, 1, clocks, AT, AT, 10, None,
               AT, None, None)  # fmt: skip


def status_of(one: Source) -> SourceStatus:
    return SourceStatus(one, Freshness.FRESH, run_of(one), None, None, AT + timedelta(hours=1), None)


def member(user: str, name: str, role: Role, team: str = "T0TEMERITY", email: str | None = None) -> Member:
    return Member(
        f"mem_{user}", "org_temerity", team, user, name, role, "America/New_York", email, email_confirmed=False
    )


MEMBERS = (
    member("U0MAYA", "Maya Ortiz", Role.REFRESHER, email="maya@temeritygoods.example"),
    member("U0DANIEL", "Daniel Kim", Role.ADMIN, email="daniel@temeritygoods.example"),
    member("U0PRIYA", "Priya Nair", Role.VIEWER, email="priya@temeritygoods.example"),
    member("U0NOMAIL", "Noor Haddad", Role.REFRESHER),
)
