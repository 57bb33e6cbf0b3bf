"""Metrics follow the books of the generated company, to the cent, and never claim more than their source has."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from connectors.base import Connector
from connectors.outgoing.signing import new_secret
from connectors.registry import connector_for
from jobs import dependents
from jobs.errors import NotAllowedError, TooLateError
from jobs.incidents.noticing import lost
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.periods import period_of
from jobs.refresh.ask import TriggerKey
from jobs.slots import Slot
from storage.bindings import of_endpoint
from storage.facts.dependents import DependentKind
from storage.facts.ids import new_id
from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    Frequency,
    ItemKind,
    Metric,
    MetricState,
    Period,
    Selection,
)
from storage.facts.outgoing import EventType
from storage.facts.restated import restated_of
from storage.facts.runs import Run, RunState
from storage.facts.sources import ConnectionState, Provider
from storage.records import frozen, metrics, organizations, outgoing, runs, sources
from storage.sessions import Database, Session
from storage.tables import MetricTurnRow, OutgoingMessageRow
from storage.warehouse import StorageFailed
from templates.forms.metrics import metric_form
from tests.jobs.briefly import Some
from tests.jobs.stage import REALM, Stage, staged
from tests.waiting import eventually

PROFIT, LEDGER = Dataset.PROFIT_AND_LOSS, Dataset.ACCOUNTS
NET = Selection(PROFIT, ItemKind.SECTION, "NetIncome")
INCOME = Selection(PROFIT, ItemKind.SECTION, "Income")
GROSS = Selection(PROFIT, ItemKind.SECTION, "GrossProfit")
CHECKING = "1"
#: What would end a statement, were it ever part of one.
HOSTILE = "x'); DROP TABLE ready_quickbooks_accounts; --"
DEFINITIONS: Mapping[str, Definition] = {
    "Net income": Definition(NET),
    "Costs *turned*": Definition(
        Selection(Dataset.EXPENSES), frequency=Frequency.QUARTERLY, reversed=True, fiscal_month=2
    ),
    "Revenue": Definition(Selection(Dataset.REVENUE), frequency=Frequency.WEEKLY),
    "Revenue of the year": Definition(Selection(Dataset.REVENUE), frequency=Frequency.ANNUAL, fiscal_month=4),
    "Margin": Definition(GROSS, Calculation.RATIO, INCOME),
    "Growth": Definition(INCOME, Calculation.GROWTH),
    "Growth in a year": Definition(INCOME, Calculation.GROWTH_YEAR),
    "So far": Definition(INCOME, Calculation.CUMULATIVE),
    "Rolling": Definition(INCOME, Calculation.ROLLING),
    "In the bank": Definition(Selection(Dataset.BALANCE_SHEET, ItemKind.ACCOUNT, CHECKING)),
    "In the bank by the ledger": Definition(Selection(LEDGER, ItemKind.ACCOUNT, CHECKING), Calculation.END_BALANCE),
    "Banks": Definition(
        Selection(Dataset.CATEGORIES, ItemKind.CATEGORY, "Bank"), Calculation.END_BALANCE, frequency=Frequency.WEEKLY
    ),
    "Average line": Definition(Selection(Dataset.ITEMS), Calculation.AVERAGE),
    "Invoices of the first": Definition(
        Selection(Dataset.CUSTOMERS, ItemKind.CUSTOMER, "1"), Calculation.COUNT, frequency=Frequency.QUARTERLY
    ),
    HOSTILE: Definition(Selection(LEDGER, ItemKind.ACCOUNT, HOSTILE, f"<b>*{HOSTILE}*")),
}


SOLD = {"invoices", "sales_receipts", "credit_memos", "refund_receipts"}
STREAMS = frozenset(
    {"accounts", "items", "customers", "preferences", *SOLD, "profit_and_loss", "balance_sheet", "general_ledger"}
)


def some(provider: Provider) -> Connector:
    """Return a connector that reads what these metrics need."""
    return Some(connector_for(provider), STREAMS) if provider is Provider.QUICKBOOKS else connector_for(provider)


#: Made through the form, changed and deleted again.
FORMED = ("By the form", "Turned")


#: How many months and weeks there are to be compared depends on the day.
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Books:
    """The company's books, added up by themselves: no table, no report and no SQL of the product."""

    def __init__(self, stage: Stage) -> None:
        books = stage.quickbooks.books[REALM]
        self.entries = [(date.fromisoformat(one.date), one.account, one.cents) for one in books.entries()]
        self.accounts = {one["Id"]: one for one in books.truth("Account")}
        self.invoices = books.truth("Invoice")

    def moved(self, period: Period, wanted: Callable[[Mapping[str, Any]], bool]) -> Fraction:
        """Debits less credits of a period."""
        cents = sum(
            c
            for day, account, c in self.entries
            if period.start <= day <= period.end and wanted(self.accounts[account])
        )
        return Fraction(cents, 100)

    def of_class(self, period: Period, *names: str) -> Fraction:
        return self.moved(period, lambda account: account["Classification"] in names)

    def of_type(self, period: Period, *names: str) -> Fraction:
        return self.moved(period, lambda account: account["AccountType"] in names)

    def average_line(self, period: Period) -> Fraction:
        """Return what the average sold line of a period is worth."""
        lines = [
            Fraction(line["Amount"])
            for invoice in self.invoices
            for line in invoice["Line"]
            if line["DetailType"] == "SalesItemLineDetail"
            and period.start <= date.fromisoformat(invoice["TxnDate"]) <= period.end
        ]
        return sum(lines, Fraction(0)) / len(lines)

    def value(self, name: str, period: Period) -> Fraction | None:
        """Return what a metric of that name must be."""
        ever = Period(date.min, period.end)
        earlier = [period_of(period.start - timedelta(days=1), Frequency.MONTHLY)]
        while len(earlier) < 12 and earlier[-1].start.year > 2000:
            earlier.append(period_of(earlier[-1].start - timedelta(days=1), Frequency.MONTHLY))
        income = lambda one: -self.of_type(one, "Income")  # noqa: E731 - one short name for the table below
        mine = [one for one in self.invoices if one["CustomerRef"]["value"] == "1"]
        made: dict[str, Callable[[], Fraction]] = {
            "Net income": lambda: -self.of_class(period, "Revenue", "Expense"),
            "Costs *turned*": lambda: -self.of_class(period, "Expense"),
            "Revenue": lambda: -self.of_class(period, "Revenue"),
            "Revenue of the year": lambda: -self.of_class(period, "Revenue"),
            "Margin": lambda: -self.of_type(period, "Income", "Cost of Goods Sold") / income(period),
            "Growth": lambda: (income(period) - income(earlier[0])) / abs(income(earlier[0])),
            "Growth in a year": lambda: (income(period) - income(earlier[11])) / abs(income(earlier[11])),
            "So far": lambda: income(Period(period.start.replace(month=1), period.end)),
            "Rolling": lambda: (income(period) + income(earlier[0]) + income(earlier[1])) / 3,
            "In the bank": lambda: self.moved(ever, lambda account: account["Id"] == CHECKING),
            "In the bank by the ledger": lambda: self.moved(ever, lambda account: account["Id"] == CHECKING),
            "Banks": lambda: self.of_type(ever, "Bank"),
            "Average line": lambda: self.average_line(period),
            "Invoices of the first": lambda: Fraction(
                sum(period.start <= date.fromisoformat(one["TxnDate"]) <= period.end for one in mine)
            ),
        }
        try:
            return made[name]()
        except ZeroDivisionError:
            return None


class Played:
    """A company whose metrics are calculated as in the product."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.source = stage.source(Provider.QUICKBOOKS)
        self.slots = 0

    def read(self, work: Callable[[Session], Any]) -> Any:
        return self.stage.database.in_read(work)

    def write(self, work: Callable[[Session], Any]) -> Any:
        return self.stage.database.in_write(work)

    def make(self, name: str, definition: Definition) -> None:
        now = self.stage.clock.now()
        metric = Metric(
            new_id("met"), self.source.organization_id, self.source.id, self.source.account, name, definition, 1,
            "mem_1", "", now, MetricState.CALCULATING, "", None, "", None, 0,
        )  # fmt: skip
        assert self.write(lambda session: metrics.add(session, metric, "mem_1"))

    def ended(self) -> list[Run]:
        found = self.read(lambda session: runs.history(session, [self.source.id], 20))
        return [one for one in found if one.state is RunState.READY]

    async def collect(self) -> Run:
        """Let the timer's run of this hour happen."""
        self.slots += 1
        before = len(self.ended())
        self.stage.jobs.submit_slots([Slot(self.source.id, f"slot-{self.slots}", self.stage.clock.now())])

        async def over() -> Run | None:
            found = self.ended()
            return found[0] if len(found) > before else None

        return await eventually(over, seconds=60)

    async def calculated(self) -> dict[str, Metric]:
        """Wait until nothing is due."""

        async def over() -> dict[str, Metric] | None:
            due = self.read(lambda session: session.exec(select(MetricTurnRow.due_at)).all())
            return self.all() if due == [None] else None

        return await eventually(over, seconds=60)

    def all(self) -> dict[str, Metric]:
        return {one.name: one for one in self.read(lambda session: metrics.of_source(session, self.source.id))}

    def values(self, name: str) -> list[Any]:
        found: list[Any] = self.read(lambda session: metrics.newest_values(session, self.all()[name].id))
        return found

    def told(self) -> list[dict[str, Any]]:
        wanted = select(OutgoingMessageRow.body).where(OutgoingMessageRow.type == EventType.METRIC_UPDATED)
        return [json.loads(body)["data"] for body in self.read(lambda session: session.exec(wanted).all())]

    def check(self, *names: str, books: Books | None = None) -> int:
        """Compare every value with the books; return how many numbers there were."""
        books, compared = books or Books(self.stage), 0
        for name in names or [one for one in DEFINITIONS if one != HOSTILE]:
            for kept in self.values(name):
                if not kept.value.complete and kept.value.period.end < self.stage.clock.now().date():
                    continue
                wanted = books.value(name, kept.value.period)
                if kept.value.value is None:
                    assert kept.value.reason, name
                    continue
                assert wanted is not None, (name, kept)
                assert abs(Fraction(kept.value.value) - wanted) <= Fraction(1, 2 * 10**12), (name, kept, wanted)
                compared += 1
        return compared


class Dies:
    """Raises once where it is told to, as a process does that is killed there."""

    def __init__(self) -> None:
        self.at = ""

    def __call__(self, name: str) -> None:
        if self.at and name == self.at:
            self.at = ""
            raise RuntimeError("killed here")


async def test_metrics_follow_the_books(sqlite_database: Database, tmp_path: Path) -> None:
    dies = Dies()
    async with staged(
        sqlite_database, tmp_path, invoices=15, orders=1, checkpoint=dies, connectors=some, at=NOW
    ) as stage:
        played = Played(stage)
        sealed = stage.jobs.ground.seal.close(new_secret().reveal(), *of_endpoint("hook_1"))
        played.write(lambda session: outgoing.add_endpoint(
            session, "hook_1", stage.organization_id, "https://127.0.0.1:9/in", (EventType.METRIC_UPDATED,), sealed,
            organizations.admins(session, stage.organization_id)[0].id, stage.clock.now(),
        ))  # fmt: skip
        played.make("Net income", DEFINITIONS["Net income"])
        played.make("Revenue", DEFINITIONS["Revenue"])

        async def died() -> bool | None:
            due = played.read(lambda session: session.exec(select(MetricTurnRow.due_at)).one())
            # It may be taken again six minutes later: what failed has said so by then.
            return None if dies.at or due is None or due > stage.clock.now() + timedelta(minutes=6) else True

        # Killed before it calculates, then when a part of it is kept: the next one does it again, and nothing twice.
        dies.at = "metrics.claimed"
        first = await played.collect()
        for then in ("metrics.kept", ""):
            gone: bool = await eventually(died, seconds=60)
            assert gone
            dies.at = then
            stage.clock.advance(timedelta(minutes=6))
        found = await played.calculated()
        # The ledger comes with the second collection: until then there is no value, and nothing that looks like one.
        assert (found["Revenue"].state, played.values("Revenue")) == (MetricState.CALCULATING, [])
        assert "not imported yet" in found["Revenue"].reason
        assert found["Net income"].as_of == first.clocks.source_as_of
        assert played.check("Net income") > 20
        # Who makes one of it now is told that, too: there is no instant up to which nothing would be complete.
        stood = "Stood = accounts: Checking, end balance"
        early = await stage.jobs.services.metrics.preview(await stage.actor("U0DANIEL"), stood)
        assert (early.metric.as_of, early.values) == (None, ())
        await _a_manager_makes_one(played)
        await _through_the_form(played)

        for name, definition in DEFINITIONS.items():
            if name not in found:
                played.make(name, definition)
        stage.clock.advance(timedelta(hours=1))
        second = await played.collect()
        found = await played.calculated()
        assert played.check() > 250
        assert {name for name, one in found.items() if one.state is not MetricState.CURRENT} == {HOSTILE}
        assert found[HOSTILE].state is MetricState.BROKEN
        assert "is not in QuickBooks any more" in found[HOSTILE].reason
        assert all(kept.revision == 1 for name in DEFINITIONS for kept in played.values(name))
        messages = played.told()
        assert sorted(one["name"] for one in messages) == sorted({*DEFINITIONS, "Income now", *FORMED} - {HOSTILE})
        weekly = next(one for one in messages if one["name"] == "Revenue")
        assert (weekly["currency"], weekly["stale"], len(weekly["others"])) == ("USD", False, 24)
        assert weekly["more"] + 25 == len(played.values("Revenue"))

        told = len(played.told())
        played.write(lambda session: metrics.due(session, played.source.id, stage.clock.now()))
        await played.calculated()
        assert len(played.told()) == told, "the same again changes nothing and tells nobody"

        held = _it_stands_still(played)
        played.write(lambda session: metrics.due(session, played.source.id, stage.clock.now()))
        await played.calculated()
        assert played.values("Net income") == held
        day = _an_old_invoice_changes(stage)
        account = _its_account_vanished(played)
        stage.clock.advance(timedelta(hours=5))
        played.write(partial(_reconnected, played=played))
        third = await played.collect()
        found = await played.calculated()
        assert found["Net income"].as_of == third.clocks.source_as_of
        # The ledger is read once a day: what is calculated from it stays as old as it is, and says so.
        read = third if _day(third) != _day(second) else second
        assert found["Revenue"].as_of == read.clocks.source_as_of
        assert played.check("Net income", "Margin", "Growth", "So far", "Rolling", "Average line") > 60
        _restated(played, day, third)
        assert {one["name"] for one in played.told()[told:]} >= {"Net income", "Average line"}
        bank = found["In the bank"]
        assert (bank.state, bank.reason) == (MetricState.BROKEN, "Petty cash is not in QuickBooks any more")
        assert played.values("In the bank") == account
        await _another_account_is_chosen(played)


async def _a_manager_makes_one(played: Played) -> None:
    service, manager = played.stage.jobs.services.metrics, await played.stage.actor("U0DANIEL")
    words = "Income now = profit and loss: income, monthly, target at least 40000"
    card = await service.preview(manager, words)
    assert "Income now" not in played.all()
    books = Books(played.stage)
    assert len(card.values) == 6
    assert all(one.value.value == -books.of_type(one.value.period, "Income") for one in card.values)
    key = TriggerKey("T0TEMERITY", "card-1")
    assert [await service.make(manager, words, key) for _ in range(2)] == ["Income now"] * 2
    await played.calculated()
    shown = await service.one(manager, "income  NOW")
    assert (shown.state, shown.values[0].value) == (MetricState.CURRENT, card.values[0].value)
    with pytest.raises(MetricRefusedError, match="has this name"):
        await service.preview(manager, words)
    with pytest.raises(MetricRefusedError, match="in time; try again"):
        async with service.looking():
            raise StorageFailed("the lake is away")
    with pytest.raises(MetricRefusedError, match="nothing there is called"):
        await service.preview(manager, f"Other = accounts: {HOSTILE[:20]}")
    customer = played.stage.quickbooks.books[REALM].truth("Customer")[0]
    sold = (await service.preview(manager, f"Sold = items, customer {customer['DisplayName'].upper()}")).metric
    narrowed = sold.definition.selection
    assert (narrowed.customer_id, narrowed.customer_name) == (customer["Id"], customer["DisplayName"])
    with pytest.raises(MetricRefusedError, match="no class in QuickBooks is called “Retail”"):
        await service.preview(manager, "Sold = items, class Retail")
    with pytest.raises(NotAllowedError):
        await service.preview(await played.stage.actor("U0MAYA"), words)


async def _another_account_is_chosen(played: Played) -> None:
    """Choose what takes the place of a vanished account: nothing else is asked for, and it goes on from there."""
    making, manager = played.stage.jobs.services.making, await played.stage.actor("U0DANIEL")
    found = await making.begin(manager, "card-instead", played.all()["In the bank"].id)
    assert found.gone == "Petty cash is not in QuickBooks any more"
    assert [one.label for one in metric_form(found, "").inputs] == ["Account or line of the report"]
    assert set((await making.filled(manager, found.draft, {}, more=False)).wrong) == {"item"}
    item = {f"item.balance_sheet.{played.source.id}": f"account:{CHECKING}"}
    done = await making.filled(manager, found.draft, item, more=False)
    await making.preview(manager, done.draft)
    await making.save(manager, done.draft, TriggerKey("T0TEMERITY", "metric:card-instead"))
    await played.calculated()
    shown = await played.stage.jobs.services.metrics.one(manager, "In the bank")
    assert (shown.state, shown.reason, shown.before) == (MetricState.CURRENT, "", None)
    assert played.check("In the bank") > 20


async def _through_the_form(played: Played) -> None:
    """Search what was imported, look at the last values, make one, change it, and delete it."""
    making, manager = played.stage.jobs.services.making, await played.stage.actor("U0DANIEL")
    found = await making.begin(manager, "card-form")
    assert (list(found.desk.companies), found.desk.zone) == ([played.source.id], found.draft.definition.zone)
    item = f"item.profit_and_loss.{played.source.id}"
    (net,) = [one for one in await making.search(manager, found.draft, item, "netinc") or () if one.key == "NetIncome"]
    accounts = await making.search(manager, found.draft, f"item.accounts.{played.source.id}", "check")
    assert [(one.key, one.name, one.note) for one in accounts or ()] == [(CHECKING, "Checking", "Bank")]
    bad = await making.filled(manager, found.draft, {item: "section:Nothing", "name": "income NOW"}, more=False)
    assert set(bad.wrong) == {"item"}
    said = {item: f"section:{net.key}", "name": "income NOW", "target": "5"}
    done = await making.filled(manager, found.draft, said, more=False)
    with pytest.raises(MetricRefusedError, match="has this name"):
        await making.preview(manager, done.draft)
    done = await making.filled(manager, done.draft, {"name": "By the form"}, more=True)
    assert not done.wrong
    shown = await making.preview(manager, done.draft)
    assert [one.value for one in shown.values] == [one.value for one in played.values("Net income")[:6]]
    key = TriggerKey("T0TEMERITY", "metric:card-form")
    assert [(await making.save(manager, done.draft, key)).name for _ in range(2)] == ["By the form"] * 2
    await played.calculated()
    before = played.values("By the form")
    again = await making.begin(manager, "card-again", "by the FORM", by_name=True)
    assert (again.draft.version, again.draft.definition) == (1, done.draft.definition)
    changed = await making.filled(manager, again.draft, {"reversed": "yes", "name": "Turned"}, more=True)
    await making.save(manager, changed.draft, TriggerKey("T0TEMERITY", "metric:card-again"))
    with pytest.raises(TooLateError, match="meanwhile"):
        await making.save(manager, again.draft, TriggerKey("T0TEMERITY", "metric:card-late"))
    await played.calculated()
    turned = played.values("Turned")
    assert [one.value.value for one in turned] == [-(one.value.value or 0) for one in before]
    assert {one.version for one in turned} == {2}
    gone = TriggerKey("T0TEMERITY", "card-delete")
    assert [(await making.delete(manager, again.draft.metric_id, gone)).name for _ in range(2)] == ["Turned"] * 2
    assert "Turned" not in played.all()


def _day(run: Run) -> date:
    assert run.clocks.source_as_of is not None
    return run.clocks.source_as_of.date()


def _it_stands_still(played: Played) -> list[Any]:
    """Lose the connection; return the values from before."""
    stage, source = played.stage, played.source
    listed = played.read(lambda session: dependents.dependents_of(session, source))
    assert {one.name for one in listed if one.kind is DependentKind.METRIC} == {*DEFINITIONS, "Income now"}
    notifier = stage.jobs.services.incidents._notifier
    played.write(lambda session: lost(session, source.id, "access was revoked", stage.clock.now(), notifier))
    metric = played.all()["Net income"]
    assert played.read(lambda session: frozen.is_frozen(session, DependentKind.METRIC, metric.id))
    return played.values("Net income")


def _reconnected(session: Session, played: Played) -> None:
    """Do what a reconnect does in its transaction."""
    sources.set_connection(session, played.source.id, ConnectionState.CONNECTED, None, played.stage.clock.now())
    thawed = [one for one in dependents.thaw(session, played.source.id) if one.kind is DependentKind.METRIC]
    assert {one.name for one in thawed} == {*DEFINITIONS, "Income now"}


def _an_old_invoice_changes(stage: Stage) -> date:
    """Let somebody correct an invoice of a closed period; return its day."""
    books = stage.quickbooks.books[REALM]
    old = sorted(books.truth("Invoice"), key=lambda one: one["TxnDate"])[-3]
    first, *others = old["Line"]
    grown = Decimal("41.17") - first["Amount"]
    new = {**old, "Line": [{**first, "Amount": Decimal("41.17")}, *others]}
    new["MetaData"] = {**old["MetaData"], "LastUpdatedTime": stage.clock.now().isoformat(timespec="seconds")}
    new |= {name: old[name] + grown for name in ("TotalAmt", "Balance")}
    books.change(put=[("Invoice", new)], at=stage.clock.now())
    return date.fromisoformat(old["TxnDate"])


def _restated(played: Played, day: date, run: Run) -> None:
    metric, month = played.all()["Net income"], period_of(day, Frequency.MONTHLY)
    (restated,) = [one for one in played.values("Net income") if one.value.period == month]
    before, after = played.read(lambda session: metrics.revisions(session, metric.id, month))
    assert after == restated
    assert (after.changed["why"], after.run_id) == ("data", run.id)
    assert (after.changed["before"], after.changed["run_before"]) == (f"{before.value.value:f}", before.run_id)
    told = restated_of(after)
    assert told is not None
    # Of a report no line says its transactions: all that changed of that time are named, here the one invoice.
    assert [(one.kind, one.day) for one in told.documents or ()] == [("invoice", day)]
    assert (told.around, told.more, told.at is not None) == (True, 0, True)


def _its_account_vanished(played: Played) -> list[Any]:
    """Let a metric be of an account that is not there; return its values from before."""
    metric = played.all()["In the bank"]
    picked = replace(metric.definition.selection, item="4711", item_name="Petty cash")
    gone, now = replace(metric.definition, selection=picked), played.stage.clock.now()
    assert played.write(lambda session: metrics.redefine(session, metric, gone, "mem_1", now))
    assert not played.write(lambda session: metrics.redefine(session, metric, gone, "mem_1", now)), (
        "it was changed meanwhile"
    )
    return played.values("In the bank")
