"""Invented facts of one company: its sources, runs, refreshes and what goes wrong with them."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from storage.facts.access import AccessRequest, Asker
from storage.facts.audit import AuditEntry, AuditPage
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.dependents import Dependent, DependentKind, Frozen
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.past import Older
from storage.facts.people import Member, Role
from storage.facts.receipts import ReceiptPage
from storage.facts.runs import (
    Clocks,
    Duration,
    Failure,
    FailureKind,
    Missing,
    Partly,
    Receipt,
    Result,
    Run,
    RunState,
    Stage,
    Trigger,
)
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider, Source
from storage.facts.status import RefreshStatus, SourceStatus
from storage.facts.streams import StreamCounts
from storage.facts.timelines import Reader, Told

NOW = datetime(2026, 11, 21, 19, 41, tzinfo=UTC)
ZONE = "America/New_York"
ORG = "Temerity Goods"
ADMINS = ("Daniel Kim",)


def minutes(count: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=count)


def source(
    provider: Provider = Provider.SHOPIFY,
    *,
    number: int = 1,
    company: str = "Temerity Goods",
    connection: ConnectionState = ConnectionState.CONNECTED,
    reason: str | None = None,
) -> Source:
    """Return a source of Temerity Goods."""
    shopify = provider is Provider.SHOPIFY
    account = (
        ("temeritygoods" if number == 1 else f"store-{number}") + ".myshopify.com"
        if shopify
        else f"93414500000000{number:02}"
    )
    return Source(
        id=f"src_{provider}_{number}",
        organization_id="org_1",
        provider=provider,
        account=account,
        label=account if shopify else f"quickbooks_{account}",
        company=company,
        mode=CollectMode.ON_DEMAND if shopify else CollectMode.TIMER,
        schedule_minutes=60,
        schedule_version=1,
        connection=connection,
        connection_reason=reason,
        connection_since=NOW - timedelta(days=3),
    )


def member(name: str, role: Role) -> Member:
    """Return a member of it."""
    return Member("mem_1", "org_1", "T0TEMERITY", "U0MAYA", name, role, ZONE, None, email_confirmed=False)


SHOPIFY = source()
QUICKBOOKS = source(Provider.QUICKBOOKS, company="Temerity Goods Inc.")
COUNTS = {
    "orders": StreamCounts(new=41, changed=12, deleted=0, unchanged=9, total=18_204),
    "products": StreamCounts(changed=3, total=512),
    "customers": StreamCounts(unchanged=4, total=6_033),
}


def failure(
    kind: FailureKind = FailureKind.RETRY,
    code: str = "timeout",
    detail: str = "Shopify did not answer within 60 seconds.",
    stage: Stage = Stage.COLLECTING,
) -> Failure:
    """Return why a run failed."""
    return Failure(kind, code, detail, stage, "ref_7k2m9q")


def run(
    of: Source = SHOPIFY,
    state: RunState = RunState.READY,
    *,
    asked: float = 12,
    as_of: float = 11,
    rows: int = 0,
    expected: int | None = None,
    counts: Mapping[str, StreamCounts] | None = None,
    failed: Failure | None = None,
    **more: Any,
) -> Run:
    """Return a run in that state; `asked` and `as_of` are minutes before now."""
    asked_at = NOW - minutes(asked)
    ready = state is RunState.READY
    ended = not state.active
    values: dict[str, Any] = {
        "id": f"run_{of.id}",
        "organization_id": "org_1",
        "source_id": of.id,
        "trigger": Trigger.REQUEST,
        "state": state,
        "stage": None,
        "generation": 1,
        "attempt": 1,
        "clocks": Clocks(
            asked_at,
            NOW - minutes(as_of) if ready else None,
            NOW - minutes(asked - 3) if ready else None,
            NOW - minutes(asked - 4) if ready else None,
        ),
        "started_at": None if state is RunState.QUEUED else asked_at + timedelta(seconds=2),
        "finished_at": asked_at + minutes(4) if ended else None,
        "rows": rows,
        "rows_expected": expected,
        "progress_at": NOW - timedelta(seconds=2) if rows else None,
        "moved_at": NOW - minutes(14) if rows else None,
        "next_attempt_at": None,
        "failure": failed,
        "counts": counts or {},
    }
    return Run(**(values | more))


def partial(of: Source = SHOPIFY, **more: Any) -> Run:
    """Return a run that could not read one stream, whose data is as old as it was."""
    wrong = "Inventory, record gid://shopify/InventoryItem/7: tracked is not true or false"
    old = Missing(
        ("inventory_items", "locations"), "Inventory and Locations", FailureKind.BROKEN, "value_unreadable", wrong,
        NOW - minutes(95),
    )  # fmt: skip
    partly = Partly((old,), NOW - minutes(11), ("Orders", "Products", "Customers", "Payouts"), NOW + minutes(4))
    values: dict[str, Any] = {"as_of": 95, "counts": COUNTS, "partly": partly, "result": Result.PARTIAL}
    return run(of, **(values | {"notes": (_NO_PAYOUTS,)} | more))


def begun(of: Source = QUICKBOOKS, **more: Any) -> Run:
    """Return a first read that has the newest periods only."""
    first = date(2025, 1, 1)
    older = (
        Older("invoices", first, 61_000, "Invoices"),
        Older("payments", first, 58_000, "Payments"),
        Older("journal_entries", date(2025, 7, 1), 24_000, "Journal entries"),
    )
    values: dict[str, Any] = {"trigger": Trigger.FIRST_READ, "rows": 48_000, "older": older, "result": Result.CHANGED}
    return run(of, **(values | {"asked": 5, "as_of": 5, "counts": COUNTS} | more))


_NO_PAYOUTS = "Payouts: not read, the connection has no permission for it. To have it, reconnect Shopify."


def status(of: Source = SHOPIFY, freshness: Freshness = Freshness.FRESH, **more: Any) -> SourceStatus:
    """Return how a source stands."""
    values: dict[str, Any] = {
        "last_ready": run(of, asked=30, as_of=24),
        "last_finished": None,
        "active": None,
        "next_run_at": NOW + minutes(36),
        "duration": Duration(130, 290, 38),
    }
    return SourceStatus(source=of, freshness=freshness, **(values | more))


def refresh(*runs: tuple[Source, Run], **more: Any) -> RefreshStatus:
    """Return a refresh of these runs."""
    values: dict[str, Any] = {
        "id": "rfr_06e9k2",
        "organization_id": "org_1",
        "organization": ORG,
        "requested_at": runs[0][1].clocks.requested_at,
        "requested_by": "Maya Ortiz",
        "everything": len(runs) > 1,
        "runs": runs,
        "before": {entry.id: NOW - minutes(95) for entry, _ in runs},
        "people": ("Maya Ortiz",),
        "escalated_at": None,
        "acknowledged_by": None,
        "finished_at": None if any(entry.state.active for _, entry in runs) else NOW - minutes(8),
        "next_collection": {QUICKBOOKS.id: NOW + minutes(56)},
        "durations": {entry.id: Duration(130, 290, 38) for entry, _ in runs},
    }
    return RefreshStatus(**(values | more))


def usual_runs() -> list[Run]:
    """Return ten runs of two days, the newest first, of which one came late and one failed."""
    late = (20, 80, 140, 200, 660, 720, 780, 840, 900, 960)
    rows = (31, 204, 96, 410, 1_204, 88, 0, 130, 260, 175)
    runs = [
        run(
            asked=minutes_before + 2,
            as_of=minutes_before + 1,
            id=f"run_{minutes_before}",
            counts={"orders": StreamCounts(new=new, changed=0, total=18_204)},
            trigger=Trigger.SCHEDULE,
            clocks=Clocks(*(NOW - minutes(minutes_before + ago) for ago in (2, 1, 0.4, 0))),
        )
        for minutes_before, new in zip(late, rows, strict=True)
    ]
    return [*runs[:4], run(state=RunState.FAILED, asked=300, failed=failure(), id="run_f"), *runs[4:]]


def ready(**more: Any) -> RefreshStatus:
    """Return one that is over, and good."""
    return refresh((SHOPIFY, run(counts=COUNTS)), **more)


def working(**more: Any) -> RefreshStatus:
    """Return one under way."""
    rows = run(state=RunState.RUNNING, stage=Stage.COLLECTING, rows=12_400, expected=18_200)
    return refresh((SHOPIFY, rows), **more)


def mixed(**more: Any) -> RefreshStatus:
    """Return one of which a part failed."""
    books = run(QUICKBOOKS, as_of=64, counts={"Invoice": StreamCounts(new=4, changed=1, total=2_310)})
    return refresh((SHOPIFY, run(state=RunState.FAILED, failed=failure())), (QUICKBOOKS, books), **more)


def many(count: int = 50) -> list[SourceStatus]:
    """Return that many sources."""
    return [
        status(
            source(Provider.SHOPIFY if index % 2 else Provider.QUICKBOOKS, number=index, company=f"Store {index}"),
            list(Freshness)[index % 3],
            last_ready=run(asked=30 + index, as_of=24 + index),
            next_run_at=NOW + minutes(index),
        )
        for index in range(1, count + 1)
    ]


def cut_off() -> SourceStatus:
    """Return a source that is disconnected."""
    gone = source(connection=ConnectionState.DISCONNECTED, reason="Shopify refused the stored grant")
    return status(gone, Freshness.OVERDUE, last_ready=run(gone, asked=4400, as_of=4390), next_run_at=None)


def audit_page(broken: tuple[int, ...] = ()) -> AuditPage:
    """Return a page of the audit."""
    entries = (
        AuditEntry(14, NOW, "Daniel Kim", "manage_members", "Noor Haddad", {"before": None, "after": "viewer"}),
        AuditEntry(
            13, NOW - minutes(4), "Maya Ortiz", "start_refresh", "rfr_1", {"sources": ["a", "b"], "joined": False}
        ),
        AuditEntry(12, NOW - minutes(9), "support: Sam Keller", "acknowledge_escalation", "rfr_0", {}),
    )
    return AuditPage(entries, 14, broken)


STILL = Dependent(DependentKind.SCHEDULE, SHOPIFY.id, "every 60 minutes")


def receipt_page(
    of: Run | None = None, *, sound: bool = True, asked_by: tuple[str, ...] = ("Maya Ortiz", "Sam Keller")
) -> ReceiptPage:
    """Return a receipt with its names."""
    done = of or run(counts=COUNTS, asked=20)
    receipt = Receipt(
        "rcp_0m5k2n8q4r7t1v3x6z9bcd", done.id, "org_1", done.source_id, 1_204, done.clocks, done.counts,
        {"collecting": 74.2, "processing": 3.1}, 811, 813, "9f2c" * 16, "51ab" * 16, "07de" * 16,
        partly=done.partly, trigger=done.trigger, asked_by=("mem_1", "mem_2"), release="0.1.0",
        configuration="4c1d90e2ab37",
    )  # fmt: skip
    return ReceiptPage(receipt, SHOPIFY, asked_by, sound)


def frozen(reason: str | None, since: float = 90, as_of: float = 300) -> tuple[Frozen, ...]:
    """Return what stands still, since so many minutes."""
    return (Frozen(STILL, reason or "", NOW - minutes(since), NOW - minutes(as_of)),)


def incident(**changed: Any) -> Incident:
    """Return an incident."""
    known: dict[str, Any] = {
        "id": "inc_1",
        "organization_id": "org_1",
        "source_id": SHOPIFY.id,
        "kind": IncidentKind.DISCONNECTED,
    }
    known |= {"reason": "Shopify refused the stored grant", "opened_at": NOW - minutes(90), "due_at": None}
    return Incident(**{**known, "reminders": 0, "resolved_at": None, "resolution": None, **changed})


def access_request(*, joined: bool = False, approved: bool | None = None) -> AccessRequest:
    """Return a request for access, decided or not."""
    maya = Asker("mem_1", "Maya Ortiz", NOW - minutes(40), SHOPIFY.label, "card")
    noor = Asker("mem_2", "Noor Haddad", NOW - minutes(20), "everything", "card")
    settled = (NOW - minutes(2), "Sam Keller", approved) if approved is not None else ()
    people = (maya, noor) if joined else (maya,)
    return AccessRequest("acr_7k2m9q", "org_1", ORG, "Ruth Adler", maya.at, people, *settled)


def told(state: DeliveryState, channel: Channel = Channel.SLACK, reader: Reader = Reader.YOU, **how: Any) -> Told:
    """Return one message of a timeline."""
    name, kind = how.pop("name", "Maya Ortiz"), how.pop("kind", "refresh_finished")
    to = how.pop("to", "maya@temeritygoods.example" if channel is Channel.EMAIL else "T0TEMERITY/U0MAYA")
    sent: dict[str, Any] = {"sent_at": NOW - minutes(8), "external_id": "1763752260.000100"}
    settled: dict[str, Any] = sent if state is DeliveryState.SENT else {"sent_at": None, "external_id": None}
    one: dict[str, Any] = {
        "attempts": 1, "doubts": 0, "intent_at": NOW - minutes(9), "reason": None, "settled_at": NOW - minutes(8),
    }  # fmt: skip
    one |= {**settled, **how}
    known = Delivery(
        "dlv_1", "org_1", how.pop("of", kind), "rfr_1", channel, to, "mem_1", state,
        created_at=NOW - minutes(9), expires_at=NOW + minutes(1440), **{k: v for k, v in one.items() if k != "of"},
    )  # fmt: skip
    return Told(known, reader, name, kind)
