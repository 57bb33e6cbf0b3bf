"""The general ledger is read in parts, line by line, and adds up to what QuickBooks prints."""

import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from httpx import Headers

from connectors.errors import Broken
from connectors.quickbooks.general_ledger import Chosen, batch, batches, quarters
from connectors.registry import connector_for
from connectors.wire import Answer
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import Books, QuickBooks
from sandbox.providers.quickbooks.postings import TOO_LONG
from storage.facts.clock import OffsetClock
from storage.facts.sources import Provider
from tests.connectors.worlds import QUIET, REALM, World, quickbooks_world
from tests.jobs.briefly import Some

if TYPE_CHECKING:
    from connectors.quickbooks.company import Company

#: the ledger, and what has to be read before it is
LEDGER = frozenset({"accounts", "general_ledger"})


def added(rows: list[dict[str, Any]]) -> dict[str, Decimal]:
    """What the lines of each account add up to."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row["row_kind"] == "data":
            found[row["path"]] += row["amount"] or Decimal(0)
    return found


@pytest.mark.contracts
def test_lines_add_up_to_the_printed_totals(contracts: Path) -> None:
    rows = batch((contracts / "qbo/synthetic/reports/general_ledger.json").read_bytes(), {}).rows.to_pylist()
    totals = {row["path"]: row["amount"] for row in rows if row["row_kind"] == "summary"}
    sums = added(rows)
    assert totals["Checking"] == sums["Checking"] == Decimal("1000.00")
    within = sum((worth for path, worth in sums.items() if path.startswith("Landscaping")), Decimal(0))
    assert totals["Landscaping"] == within == Decimal("81.00")
    assert totals["Petty Cash"] is None
    expense = next(row for row in rows if row["txn_type"] == "Expense")
    assert (expense["txn_date"], expense["memo"], expense["amount"]) == (
        date(2026, 11, 9), "Nov rent", Decimal("-500.00"),
    )  # fmt: skip
    assert [row["balance"] for row in rows if row["row_kind"] == "beginning"] == [Decimal("11040.55")]
    assert len({row["id"] for row in rows}) == len(rows)


def test_quarters_reach_from_last_january_to_today() -> None:
    found = quarters(date(2026, 11, 22))
    assert (found[0][0], found[-1]) == (date(2025, 1, 1), (date(2026, 10, 1), date(2026, 12, 31)))
    assert all(later[0] - earlier[1] == timedelta(days=1) for earlier, later in pairwise(found))
    assert len(quarters(date(2026, 1, 1))) == 5


async def test_a_quarter_that_is_too_long_is_asked_for_in_halves_and_nothing_is_lost() -> None:
    clock = OffsetClock()
    app = QuickBooks.generated(seed=5, invoices=12, documents=1, clock=clock)
    async with quickbooks_world(app, clock, limits=QUIET) as world:
        await world.collect()
        app.script.add(Rule(Kind.SERVER_ERROR, operation="report", entity="GeneralLedger", status=504, times=3))
        done = await world.collect()
    assert "general_ledger" in done.full
    asked = [entry for entry in app.journal.entries if entry.entity == "GeneralLedger"]
    assert len(asked) == len(quarters(clock.now().date())) + 2 * 3
    since = f"{clock.now().year - 1}-01-01"
    posted = [entry for entry in app.books[REALM].entries() if entry.date >= since]
    kept = [row for row in world.kept.rows["general_ledger"].values() if row["row_kind"] == "data"]
    assert len(kept) == len(posted) > 20
    assert {(row["txn_type"], row["txn_id"], row["account_id"]) for row in kept} == {
        (entry.kind, entry.id, entry.account) for entry in posted
    }


def narrowed(books: Books) -> None:
    """Let sales, bills and journal entries be of classes, departments and customers, by line or as a whole."""
    books.fill("Department", [{**books.truth("Department")[0], "Id": "2", "FullyQualifiedName": "Depot"}])
    sold = books.truth("Invoice")
    for number, one in enumerate(sold):
        details = [line["SalesItemLineDetail"] for line in one["Line"] if "SalesItemLineDetail" in line]
        details[0]["ClassRef"] = {"value": str(number % 2 + 1)}
        if number % 3 == 0:
            one["ClassRef"] = {"value": "2"}
    books.fill("Invoice", sold)
    bought = books.truth("Bill")
    for one in bought:
        one["Line"][0]["AccountBasedExpenseLineDetail"] |= {"ClassRef": {"value": "1"}, "CustomerRef": {"value": "3"}}
    books.fill("Bill", bought)
    entered = books.truth("JournalEntry")
    for one in entered:
        detail = one["Line"][0]["JournalEntryLineDetail"]
        detail |= {"DepartmentRef": {"value": "2"}, "Entity": {"Type": "Customer", "EntityRef": {"value": "2"}}}
    books.fill("JournalEntry", entered)


def told(rows: list[dict[str, Any]], one: str) -> set[tuple[Any, Any, Any]]:
    """What the lines say of their class, department or customer, and whether that is known."""
    lines = (row for row in rows if row["row_kind"] == "data")
    return {(row[f"{one}_id"], row[f"{one}_name"], row[f"{one}_known"]) for row in lines}


async def test_lines_are_of_the_class_department_and_customer_that_quickbooks_says() -> None:
    """Of a company that keeps no classes, and of one that refuses the columns, nothing is known: not that there are none."""
    clock = OffsetClock()
    app = QuickBooks.generated(seed=5, invoices=12, documents=1, clock=clock)
    books = app.books[REALM]
    narrowed(books)
    async with quickbooks_world(app, clock, limits=QUIET) as world:
        world.connector = Some(connector_for(Provider.QUICKBOOKS), LEDGER)
        await world.collect()
        await world.collect()
        rows = list(world.kept.rows["general_ledger"].values())
        assert told(rows, "class") == {("1", "Wholesale", True), ("2", "Retail", True), (None, None, True)}
        assert told(rows, "department") >= {("1", "Oakland studio", True), ("2", "Depot", True), (None, None, True)}
        assert len(told(rows, "customer")) > 3
        found = Counter((row["txn_id"], row["account_id"], row["class_id"] or "", row["department_id"] or "",
                         row["customer_id"] or "") for row in rows if row["row_kind"] == "data")  # fmt: skip
        since = f"{clock.now().year - 1}-01-01"
        assert found == Counter((one.id, one.account, one.class_id, one.department_id, one.customer_id)
                                for one in books.entries() if one.date >= since)  # fmt: skip
        settings = books.truth("Preferences")[0]
        settings["AccountingInfoPrefs"] |= {"ClassTrackingPerTxnLine": False, "ClassTrackingPerTxn": False}
        books.fill("Preferences", [settings])
        await again(world, clock)
        rows = list(world.kept.rows["general_ledger"].values())
        assert told(rows, "class") == {(None, None, False)}
        assert {known for *_, known in told(rows, "department")} == {True}
        said = '{"Fault":{"Error":[{"Message":"Invalid column","code":"2020"}],"type":"ValidationFault"}}'
        rule = Rule(Kind.SERVER_ERROR, operation="report", entity="GeneralLedger", status=400, body=said, times=1)
        app.script.add(rule)
        await again(world, clock)
        refused = list(world.kept.rows["general_ledger"].values())
        assert {known for *_, known in told(refused, "department")} == {True, False}
        assert len(refused) == len(rows)


async def again(world: World, clock: OffsetClock) -> None:
    """Collect on another day."""
    clock.advance(timedelta(days=1))
    await world.collect()


async def test_a_ledger_that_is_cut_off_is_asked_for_in_halves() -> None:
    clock = OffsetClock()
    app = QuickBooks.generated(seed=5, invoices=12, documents=1, clock=clock)
    books = app.books[REALM]
    async with quickbooks_world(app, clock, limits=QUIET) as world:
        world.connector = Some(connector_for(Provider.QUICKBOOKS), LEDGER)
        await world.collect()
        # Words of a person are no sign of it.
        books.fill("Customer", [{**one, "FullyQualifiedName": TOO_LONG} for one in books.truth("Customer")])
        await again(world, clock)
        asked = [entry for entry in app.journal.entries if entry.entity == "GeneralLedger"]
        assert len(asked) == len(quarters(clock.now().date()))
        assert TOO_LONG in {row["customer_name"] for row in world.kept.rows["general_ledger"].values()}
        books.most_postings = 25
        await again(world, clock)
        asked = [entry for entry in app.journal.entries if entry.entity == "GeneralLedger"][len(asked) :]
        assert len(asked) > len(quarters(clock.now().date()))
        since = f"{clock.now().year - 1}-01-01"
        kept = [row for row in world.kept.rows["general_ledger"].values() if row["row_kind"] == "data"]
        assert len(kept) == sum(one.date >= since for one in books.entries()) > 25


def ledger_of(*cells: tuple[str, str, str]) -> bytes:
    """A ledger of lines with an amount in the company's currency, a plain amount, and a class without an id."""
    keys = ("tx_date", "txn_type", "subt_nat_home_amount", "subt_nat_amount", "klass_name")
    headings = [{"ColType": "x", "MetaData": [{"Name": "ColKey", "Value": key}]} for key in keys]
    rows = [{"ColData": [{"value": "2026-11-03"}, {"value": "Invoice", "id": str(number)},
                         *({"value": text} for text in one)]} for number, one in enumerate(cells)]  # fmt: skip
    section = {"Header": {"ColData": [{"value": "Sales", "id": "1"}]}, "Rows": {"Row": rows}}
    return json.dumps(
        {"Header": {"ReportName": "GeneralLedger"}, "Columns": {"Column": headings}, "Rows": {"Row": [section]}}
    ).encode()


def test_no_amount_of_another_currency_counts_and_a_name_without_an_id_is_nobodys() -> None:
    rows = batch(ledger_of(("110.00", "100.00", ""), ("", "50.00", "Retail")), {}).rows.to_pylist()
    assert [row["amount"] for row in rows] == [Decimal("110.00"), None]
    assert [(row["class_id"], row["class_known"]) for row in rows] == [(None, True), (None, False)]
    assert [row["department_known"] for row in rows] == [False, False]
    rows = batch(ledger_of(("", "100.00", ""), ("", "50.00", "")), {}).rows.to_pylist()
    assert [row["amount"] for row in rows] == [Decimal("100.00"), Decimal("50.00")]


class InParts:
    """QuickBooks that answers with these parts of a ledger, from the oldest on, as often as it is asked."""

    def __init__(self, *parts: bytes) -> None:
        self.parts = parts
        self.asked = 0

    async def get(self, path: str, name: str, params: dict[str, str]) -> Answer:
        self.asked += 1
        place = [first.isoformat() for first, _ in quarters(UNTIL.date())].index(params["start_date"])
        return Answer(200, Headers(), self.parts[place] if place < len(self.parts) else ledger_of(), None)


class EachByItself(Chosen):
    """Decides for each part by what stands in it alone."""

    def of(self, lines: Any, names: tuple[str, str]) -> str:
        return Chosen().of(lines, names)


UNTIL = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("loses", [False, True], ids=["decided once", "twin: for each part"])
async def test_parts_that_disagree_about_the_currency_are_read_by_one_column(*, loses: bool) -> None:
    """100.00 of some currency are no 110.00 of the company's, whichever part comes first."""
    plain, home = ledger_of(("", "100.00", ""), ("", "50.00", "")), ledger_of(("110.00", "100.00", ""))
    for parts, times in (((plain, home, plain), 1 + 1), ((home, plain, plain), 1)):
        company, kept = InParts(*parts), dict[str, Any]()
        async for one in batches(cast("Company", company), UNTIL, EachByItself() if loses else Chosen()):
            # As the warehouse does it: of what comes twice the later one counts.
            kept |= {row["id"]: row["amount"] for row in one.rows.to_pylist() if row["row_kind"] == "data"}
        amounts = sorted(map(str, kept.values()))
        assert (amounts == ["110.00", "None", "None", "None", "None"]) is not loses
        assert loses or company.asked == len(quarters(UNTIL.date())) + (2 if times > 1 else 0)
    # Of a company with one currency nothing is asked for twice.
    company = InParts(plain, plain)
    found = [one async for one in batches(cast("Company", company), UNTIL)]
    assert company.asked == len(found) == len(quarters(UNTIL.date()))


class Refusing(InParts):
    """QuickBooks that knows nothing of these columns."""

    def __init__(self, *columns: str) -> None:
        super().__init__(ledger_of(("110.00", "100.00", "")))
        self.columns = frozenset(columns)
        self.taken: list[set[str]] = []

    async def get(self, path: str, name: str, params: dict[str, str]) -> Answer:
        asked = set(params.get("columns", "").split(",")) - {""}
        if asked & self.columns:
            raise Broken("a column that is not there", code="request_refused")
        self.taken.append(asked)
        return await super().get(path, name, params)


@pytest.mark.parametrize("refused, home", [("klass_name", True), ("cust_name", True), ("subt_nat_home_amount", False)])
async def test_a_ledger_without_classes_is_still_asked_for_in_the_companys_currency(
    refused: str, *, home: bool
) -> None:
    company = Refusing(refused)
    found = [one async for one in batches(cast("Company", company), UNTIL)]
    assert len(found) == len(company.taken) == len(quarters(UNTIL.date()))
    assert {"subt_nat_home_amount" in asked for asked in company.taken} == {home}
    assert not any("klass_name" in asked for asked in company.taken)


@pytest.mark.parametrize("name, columns", [("ProfitAndLoss", ["tx_date", "subt_nat_amount"]), ("GeneralLedger", ["x"])])
def test_what_is_no_ledger_is_refused(name: str, columns: list[str]) -> None:
    headings = [{"ColType": "x", "MetaData": [{"Name": "ColKey", "Value": key}]} for key in columns]
    body = {"Header": {"ReportName": name}, "Columns": {"Column": headings}, "Rows": {}}
    with pytest.raises(Broken):
        batch(json.dumps(body).encode(), {})
