"""A small company's books, its lake, the exchange over it and the far side's folder, on a clock that stands still."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlmodel import select

from connectors.decode import decode, empty
from connectors.pocketadvantage.transfer.opening import Operator
from connectors.pocketadvantage.transfer.places import Place, Transfer
from connectors.quickbooks import lists, shapes
from connectors.shapes import Shape
from jobs.desk import Desk
from jobs.exchange.alerting import EXCHANGE_ALERT, alert_words
from jobs.exchange.building import Maps
from jobs.exchange.due import exchange_sweep
from jobs.exchange.fil import FilRules, read_fil
from jobs.exchange.mappings import chosen
from jobs.exchange.pairs import confirmed, plan
from jobs.exchange.ports import FarSide
from jobs.exchange.running import ExchangeHandler
from jobs.exchange.service import ExchangeService
from jobs.ground import Ground, Warehouses
from jobs.work import EXCHANGE, Work
from storage.facts.exchange import ExchangePair, ExchangeRun, Pair
from storage.facts.people import Actor, Member, Role, SlackIdentity
from storage.facts.runs import Partly
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Source
from storage.records import deliveries, exchange, outcomes, sources
from storage.seal import Seal, new_key
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, DeliveryRow, MemberRow, OrganizationRow, RunRow, SourceRow, WorkspaceRow
from storage.warehouse import LoadRun

ORGANIZATION, BOOKS, FAR = "org_1", "src_books", "src_far"
CUST_ID = "TG-01"
#: Friday before the clocks of New York go back
START = datetime(2026, 10, 30, 12, tzinfo=UTC)
SHAPES: dict[str, Shape] = {
    "customers": shapes.CUSTOMERS,
    "items": shapes.ITEMS,
    "vendors": shapes.VENDORS,
    "employees": lists.EMPLOYEES,
    "invoices": shapes.INVOICES,
    "terms": lists.TERMS,
    "customer_types": lists.CUSTOMER_TYPES,
    "accounts": shapes.ACCOUNTS,
}
FILES = {Pair.CUSTOMERS: "customer.fil", Pair.ITEMS: "item.fil", Pair.VENDORS: "vendor.fil",
         Pair.SALES_REPS: "salesrep.fil", Pair.INVOICES: "invoice.fil"}  # fmt: skip


@dataclass
class Still:
    """A clock that moves when it is told to."""

    at: datetime = START

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Books:
    """What QuickBooks holds: records by stream and id, and what changed since it was last collected."""

    def __init__(self, clock: Still) -> None:
        self._clock = clock
        self.records: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in SHAPES}
        self.gone: dict[str, set[str]] = {name: set() for name in SHAPES}
        self.changed: dict[str, set[str]] = {name: set() for name in SHAPES}
        self.dropped: dict[str, set[str]] = {name: set() for name in SHAPES}

    def put(self, stream: str, key: str, **fields: Any) -> dict[str, Any]:
        """Create a record, or change one; its revision grows."""
        before = self.records[stream].get(key)
        stamp = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S-00:00")
        made = {"CreateTime": before["MetaData"]["CreateTime"] if before else stamp, "LastUpdatedTime": stamp}
        token = str(int(before["SyncToken"]) + 1) if before else "0"
        record = {**(before or {}), **fields, "Id": key, "SyncToken": token, "MetaData": made}
        self.records[stream][key] = record
        self.changed[stream].add(key)
        return record

    def customer(self, key: str, name: str, **fields: Any) -> None:
        self.put("customers", key, DisplayName=name, FullyQualifiedName=name, Active=True, Taxable=True,
                 Balance=0, CurrencyRef={"value": "USD"}, **fields)  # fmt: skip

    def item(self, key: str, name: str, **fields: Any) -> None:
        self.put(
            "items", key, Name=name, FullyQualifiedName=name, Active=True, Type="Service", UnitPrice=12.5, **fields
        )

    def invoice(self, key: str, customer: str, amounts: list[float], **fields: Any) -> None:
        lines: list[dict[str, Any]] = [
            {"Id": str(place), "LineNum": place, "Amount": amount, "DetailType": "SalesItemLineDetail",
             "SalesItemLineDetail": {"ItemRef": {"value": "1"}, "Qty": 1, "UnitPrice": amount,
                                     "TaxCodeRef": {"value": "NON"}}}
            for place, amount in enumerate(amounts, 1)
        ]  # fmt: skip
        total = round(sum(amounts), 2)
        lines.append({"Amount": total, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})
        self.put("invoices", key, DocNumber=f"INV-{key}", TxnDate="2026-10-15", DueDate="2026-11-14",
                 CustomerRef={"value": customer}, Line=lines, TotalAmt=total, Balance=total,
                 TxnTaxDetail={"TotalTax": 0}, CurrencyRef={"value": "USD"}, **fields)  # fmt: skip

    def void(self, key: str) -> None:
        """Void an invoice as QuickBooks does: everything is zero, and its note says so."""
        lines = [
            {**line, "Amount": 0, "SalesItemLineDetail": {**line["SalesItemLineDetail"], "Qty": 0, "UnitPrice": 0}}
            for line in self.records["invoices"][key]["Line"]
            if line["DetailType"] == "SalesItemLineDetail"
        ]
        self.put("invoices", key, Line=lines, TotalAmt=0, Balance=0, PrivateNote="Voided")

    def delete(self, key: str) -> None:
        """Delete an invoice."""
        del self.records["invoices"][key]
        self.gone["invoices"].add(key)
        self.dropped["invoices"].add(key)


@dataclass
class Company:
    """The whole of it."""

    database: Database
    folder: Path
    clock: Still
    books: Books
    ground: Ground
    handler: ExchangeHandler
    works: list[Work]
    #: everything that was ever enqueued
    asked: list[Work]
    sweep: Callable[[], Any]
    rules: FilRules = field(default_factory=FilRules)
    cursor: int = 0

    # The world

    def collect(self, *, partly: Partly | None = None, ready: bool = True) -> None:
        """Let Tidings read what changed in QuickBooks, and be ready with it now."""
        self.cursor += 1
        now, name = self.clock.now(), f"run_{self.cursor:04d}"
        changed = any(self.books.changed.values()) or any(self.books.dropped.values())
        if changed or self.cursor == 1:
            warehouse = self.ground.warehouses.of(ORGANIZATION)
            with warehouse.begin(
                LoadRun(name, BOOKS, "quickbooks", now), [one.stream for one in SHAPES.values()]
            ) as load:
                for stream, shape in SHAPES.items():
                    keys = sorted(self.books.changed[stream] & set(self.books.records[stream]))
                    page = [msgspec.Raw(json.dumps(self.books.records[stream][key]).encode()) for key in keys]
                    if page:
                        load.write(decode(shape, [page]).batch)
                    if self.books.dropped[stream]:
                        load.write(empty(shape, tuple(sorted(self.books.dropped[stream]))))
                load.commit({stream: str(self.cursor) for stream in SHAPES})
            for kept in (self.books.changed, self.books.dropped):
                for stream in kept:
                    kept[stream] = set()
        state = {"state": "ready", "result": "changed", "ready_at": now} if ready else {"state": "failed"}
        outcome: dict[str, object] | None = {"partly": outcomes.partly_json(partly)} if partly else None

        def write(session: Session) -> None:
            session.add(RunRow(id=name, organization_id=ORGANIZATION, source_id=BOOKS, trigger="schedule",
                               slot_key=name, requested_at=now, started_at=now, source_as_of=now if ready else None,
                               loaded_at=now, finished_at=now, outcome=outcome, **state))  # fmt: skip

        self.database.in_write(write)

    def tidy(self) -> None:
        """Put the many small files of the lake together, as Tidings does between its runs."""
        warehouse = self.ground.warehouses.of(ORGANIZATION)
        for table in warehouse.scattered():
            warehouse.gather(table)
        warehouse.maintain(now=self.clock.now())

    def disconnect(self, source_id: str, state: ConnectionState = ConnectionState.DISCONNECTED) -> None:
        self.database.in_write(
            lambda session: sources.set_connection(session, source_id, state, None, self.clock.now())
        )

    # Tidings

    async def worked(self) -> None:
        """Sweep, and do all work that is there."""
        await self.sweep()
        while self.works:
            work = self.works.pop(0)
            if work.kind == EXCHANGE:
                await self.handler.take(work.subject, work.attempt)

    def ended(self, work: Work) -> None:
        """Let a reading of QuickBooks end that Tidings asked for."""
        values = {"state": "failed", "finished_at": self.clock.now()}
        self.database.in_write(lambda session: session.get_one(RunRow, work.subject).sqlmodel_update(values) and None)

    async def until(self, at: datetime, step: timedelta = timedelta(minutes=30), *, collecting: bool = True) -> None:
        """Let time pass, with a look each step; QuickBooks is collected each hour."""
        while self.clock.at < at:
            self.clock.at = min(at, self.clock.at + step)
            if collecting and self.clock.at.minute == 0:
                self.collect()
            await self.worked()

    def pair(self, pair: Pair) -> ExchangePair:
        found = self.database.in_read(lambda session: exchange.pairs_of_source(session, FAR))
        return next(one for one in found if one.pair is pair)

    def history(self, pair: Pair) -> list[ExchangeRun]:
        """Return the runs of a pair, the first first."""
        return self.database.in_read(lambda session: exchange.history(session, self.pair(pair).id, 1000))[::-1]

    def on(self, *pairs: Pair, schedule: str | None = None) -> None:
        """Switch pairs on."""

        def write(session: Session) -> None:
            for one in exchange.pairs_of_source(session, FAR):
                if one.pair in pairs:
                    exchange.change_pair(session, one, on=True, **({"schedule": schedule} if schedule else {}))
                    plan(session, exchange.pair(session, one.id), self.clock.now())

        self.database.in_write(write)

    def service(self, desk: Desk, kind: type[ExchangeService] = ExchangeService) -> ExchangeService:
        return kind(desk, self.clock, self.enqueue, self.sides, chosen)

    def enqueue(self, session: Session, work: Work) -> None:
        self.works.append(work)
        self.asked.append(work)

    @property
    def sides(self) -> "LocalSide":
        return LocalSide(self.folder / "far", self.rules)

    def told(self) -> list[str]:
        """Return what admins were told, in order."""

        def work(session: Session) -> list[str]:
            rows = session.exec(select(DeliveryRow).where(DeliveryRow.kind == EXCHANGE_ALERT))
            found = [deliveries.delivery(session, row.id) for row in sorted(rows, key=lambda row: row.created_at)]
            return [str(alert_words()[EXCHANGE_ALERT](session, one, self.clock.now())) for one in found]

        return self.database.in_read(work)

    # The far side

    def file(self, pair: Pair) -> Path:
        return self.folder / "far" / ORGANIZATION / f"latest{CUST_ID}" / FILES[pair]

    def rows(self, pair: Pair) -> list[dict[str, str]]:
        """Return the rows of the file as Inventiv would read them."""
        names, rows = read_fil(self.file(pair).read_bytes(), self.rules)
        return [dict(zip(names, row, strict=True)) for row in rows]


@dataclass
class LocalSide:
    """A folder of this machine; an error that is set is raised once."""

    folder: Path
    rules: FilRules = field(default_factory=FilRules)

    async def of(self, _source: Source) -> FarSide:
        place = Place(Transfer.LOCAL, CUST_ID, organization=ORGANIZATION)
        return FarSide(place, Operator(str(self.folder)), self.rules)


class Told:
    """Stands where notices are made: this is about files."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args, **_more: None


def seeded(session: Session, zone: str) -> None:
    session.add(OrganizationRow(id=ORGANIZATION, name="Temerity Goods", timezone=zone, created_at=START))
    session.flush()
    for source_id, provider, account, mode in ((BOOKS, "quickbooks", "1", "timer"),
                                               (FAR, "pocketadvantage", CUST_ID, "exchange")):  # fmt: skip
        session.add(SourceRow(id=source_id, organization_id=ORGANIZATION, provider=provider, account=account,
                              label=source_id, company="Temerity Goods", mode=mode, schedule_minutes=60,
                              created_at=START, updated_at=START))  # fmt: skip
        session.flush()
        session.add(ConnectionRow(source_id=source_id, organization_id=ORGANIZATION, state="connected", since=START))
    session.add(WorkspaceRow(team_id="T1", organization_id=ORGANIZATION, name="Temerity"))
    session.flush()
    admin: dict[str, Any] = {"id": "mem_admin", "organization_id": ORGANIZATION, "team_id": "T1", "user_id": "Uadmin"}
    session.add(MemberRow(**admin, name="Ada", role="admin"))
    session.flush()
    confirmed(session, ORGANIZATION, FAR, BOOKS, START)


def actor(role: Role = Role.MANAGER, organization: str = ORGANIZATION) -> Actor:
    """Return somebody with that role."""
    identity = SlackIdentity("T1", f"U{role.value}")
    member = Member(f"mem_{role.value}", organization, "T1", identity.user_id, role.value, role, "UTC", None, False)
    return Actor(identity, member)


def company(
    database: Database,
    folder: Path,
    *,
    zone: str = "America/New_York",
    kind: Callable[..., ExchangeHandler] = ExchangeHandler,
    checkpoint: Callable[[str], None] = lambda _name: None,
    maps: Callable[[Session, str, Pair], Maps] = chosen,
    begin: bool = True,
    clock: Still | None = None,
) -> Company:
    """Build it; with `begin`, in an empty database."""
    clock = clock or Still()
    if begin:
        database.in_write(lambda session: seeded(session, zone))
    (folder / "far").mkdir(exist_ok=True)
    warehouses = Warehouses(str(folder / "lake"))
    ground = Ground(database, clock, Seal([Secret(new_key())]), warehouses, {}, lambda _: None, 1, checkpoint)  # type: ignore[arg-type,return-value]  # nothing is read
    works: list[Work] = []

    asked: list[Work] = []

    def enqueue(session: Session, work: Work) -> None:
        works.append(work)
        asked.append(work)

    handler = kind(ground, Told(), enqueue, LocalSide(folder / "far"), maps)
    return Company(
        database, folder, clock, Books(clock), ground, handler, works, asked, exchange_sweep(database, clock, enqueue)
    )
