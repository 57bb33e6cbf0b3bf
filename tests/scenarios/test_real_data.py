"""Real data through the whole product: public seed tables and real report answers, stand-in to warehouse.

The seeds are small, partly deleted, and most of their lines are orphans. What is proven here is types, nulls, deletes
and counts; equality row by row is proven on the generated company.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.cli.demo_ground import Ground, Wishes, prepared
from bot.main import App
from connectors.quickbooks.report_tree import Line, flatten
from connectors.registry import connector_for
from jobs.status import statuses
from sandbox.providers import catalogue
from sandbox.providers.quickbooks.values import encode
from storage.facts.runs import Run
from storage.facts.sources import Provider
from storage.facts.status import SourceStatus
from storage.facts.streams import ColumnType
from storage.records import seeds, sources
from storage.sessions import Session
from tests.scenarios import real_data
from tests.scenarios.real_data import HOW_TO_ALLOW, KINDS, RENAMED, Kind, RealBooks

pytestmark = [pytest.mark.contracts, pytest.mark.skipif(not real_data.there(), reason=HOW_TO_ALLOW)]

_PATIENCE = 240.0
_EXPECTED = {"account": 11, "customer": 5, "vendor": 10, "item": 3, "invoice": 12, "bill": 10, "payment": 11,
             "journal_entry": 10}  # fmt: skip
_TYPES: dict[ColumnType, type] = {
    ColumnType.TEXT: str, ColumnType.MONEY: Decimal, ColumnType.NUMBER: Decimal, ColumnType.INTEGER: int,
    ColumnType.BOOLEAN: bool, ColumnType.DATE: date, ColumnType.TIMESTAMP: datetime,
}  # fmt: skip

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Refreshed:
    """What the warehouse held after the first read, and after the deleted records were gone at QuickBooks."""

    books: RealBooks
    first: Rows
    second: Rows
    first_run: Run
    second_run: Run


@pytest.fixture(scope="module")
def refreshed() -> Iterator[Refreshed]:
    with prepared(Wishes(size=5)) as ground:
        yield asyncio.run(_story(ground))


async def _story(ground: Ground) -> Refreshed:
    books = real_data.load()
    company = ground.outside.sandbox.quickbooks.books[catalogue.REALM]
    company.load_tables(books.records)
    company.set_report("ProfitAndLoss", encode(real_data.report("profitloss")))
    company.set_report("BalanceSheet", encode(real_data.report("balancesheet")))
    app = ground.app()
    async with app.running():
        first_run = await _next_ready(app, None)
        first = await _rows(app)
        for kind in KINDS:
            left = [one for one in books.records[kind.entity] if one["Id"] not in kind.deleted_ids]
            company.set_records(kind.entity, left)
        ground.outside.sandbox.pass_time(timedelta(minutes=61))
        second_run = await _next_ready(app, first_run.id)
        return Refreshed(books, first, await _rows(app), first_run, second_run)


async def _next_ready(app: App, before: str | None) -> Run:
    """Wait until QuickBooks has a run that became ready after that one."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        found = await _quickbooks(app)
        assert found.last_finished is None or found.last_finished.failure is None, found.last_finished
        if found.last_ready is not None and found.last_ready.id != before:
            return found.last_ready
        await asyncio.sleep(0.1)
    raise AssertionError(f"no run became ready: {await _quickbooks(app)}")


async def _quickbooks(app: App) -> SourceStatus:
    def work(session: Session) -> SourceStatus:
        [organization] = seeds.organizations(session)
        listed = statuses(session, sources.sources_of(session, organization.id), app.clock.now(), budget=1000)
        return next(one for one in listed if one.source.provider is Provider.QUICKBOOKS)

    return await app.database.reading(work)


async def _rows(app: App) -> Rows:
    status = await _quickbooks(app)
    warehouse = app.jobs.ground.warehouses.of(status.source.organization_id)

    def read() -> Rows:
        with warehouse.reader() as reader:
            return {name: reader.query(f'SELECT * FROM "{name}"') for name in sorted(LOOKED_AT & set(reader.tables()))}

    return await asyncio.to_thread(read)


LINES = {"invoice_line": "invoice_lines", "bill_line": "bill_lines", "payment_line": "payment_lines",
         "journal_entry_line": "journal_lines"}  # fmt: skip
NAMES = {"profitloss": "profit_and_loss", "balancesheet": "balance_sheet"}
LOOKED_AT = {
    *(f"{layer}_quickbooks_{kind.stream}" for kind in KINDS for layer in ("raw", "ready")),
    *(f"raw_quickbooks_{stream}" for stream in (*LINES.values(), *NAMES.values())),
}


def raw(kind: Kind) -> str:
    return f"raw_quickbooks_{kind.stream}"


def live(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if not row["_deleted"]]


kinds = pytest.mark.parametrize("kind", KINDS, ids=[kind.table for kind in KINDS])


@kinds
def test_every_seed_row_arrives_once(refreshed: Refreshed, kind: Kind) -> None:
    seed = [row["id"] for row in real_data.table(kind.table)]
    assert len(seed) == _EXPECTED[kind.table]
    assert Counter(row["id"] for row in live(refreshed.first[raw(kind)])) == Counter(seed)
    assert refreshed.first_run.counts[kind.stream].new == len(seed)


@kinds
def test_every_value_arrives_with_its_type_and_every_gap_as_null(refreshed: Refreshed, kind: Kind) -> None:
    stream = next(one for one in connector_for(Provider.QUICKBOOKS).streams if one.name == kind.stream)
    types = {column.name: column.type for column in stream.columns}
    loaded = {row["id"]: row for row in refreshed.first[raw(kind)]}
    for row in loaded.values():
        for name, value in row.items():
            if name in types and value is not None:
                assert isinstance(value, _TYPES[types[name]]), (name, value)
    taken = set(kind.fields.values()) | {"id", "sync_token", "created_at", "updated_at"}
    compared = 0
    for seed in real_data.table(kind.table):
        for column in sorted(taken):
            name = RENAMED[kind.table].get(column, column)
            if name not in types:
                continue
            assert loaded[seed["id"]][name] == _expected(seed[column], types[name]), (kind.table, seed["id"], name)
            compared += 1
    assert compared >= 8 * len(loaded)


def _expected(text: str, type_: ColumnType) -> object:
    if text == "":
        return None
    match type_:
        case ColumnType.MONEY | ColumnType.NUMBER:
            return Decimal(text)
        case ColumnType.INTEGER:
            return int(text)
        case ColumnType.BOOLEAN:
            return text == "TRUE"
        case ColumnType.DATE:
            return date.fromisoformat(text)
        case ColumnType.TIMESTAMP:
            return datetime.fromisoformat(real_data.instant(text)).astimezone(UTC)
    return text


@kinds
def test_what_vanished_at_quickbooks_is_deleted_here_and_nothing_else(refreshed: Refreshed, kind: Kind) -> None:
    assert wrongly_kept_or_lost(refreshed.second, kind) == (set(), set())
    count = refreshed.second_run.counts.get(kind.stream)
    assert (count.deleted if count else 0) == len(kind.deleted_ids)
    assert (count.new if count else 0) == 0


def wrongly_kept_or_lost(rows: Rows, kind: Kind) -> tuple[set[str], set[str]]:
    """Return the ids that should be deleted and are not, and those that are gone and should not be."""
    gone = {row["id"] for row in rows[raw(kind)] if row["_deleted"]}
    return kind.deleted_ids - gone, gone - kind.deleted_ids


def test_the_check_catches_a_product_that_misses_deletes(refreshed: Refreshed) -> None:
    missed = {kind.table: wrongly_kept_or_lost(refreshed.first, kind)[0] for kind in KINDS if kind.deleted_ids}
    assert missed == {kind.table: kind.deleted_ids for kind in KINDS if kind.deleted_ids}
    assert sum(len(ids) for ids in missed.values()) == 22


def test_the_ready_tables_hold_the_live_records_only(refreshed: Refreshed) -> None:
    keys = {table.name: table.key for table in connector_for(Provider.QUICKBOOKS).ready}
    for kind in KINDS:
        key = keys[f"quickbooks_{kind.stream}"]
        ready = refreshed.second[f"ready_quickbooks_{kind.stream}"]
        assert {row[key] for row in ready} == {row["id"] for row in live(refreshed.second[raw(kind)])}, kind.stream


#: Lines whose parents the published seeds do not hold, by parent.
ORPHANS = {
    "bill_line": ["126", "400", "402", "403", "404", "405", "410"],
    "invoice_line": ["35647"] * 6 + ["40092"] * 4,
    "journal_entry_line": ["395"] + ["41"] * 6 + ["44"],
    "payment_line": ["24183", "24360", "24370", "24372", "24377", "24379", "24382", "24420", "24685", "24819", "27757"],
}


def test_the_orphans_are_known_one_by_one(refreshed: Refreshed) -> None:
    assert {name: sorted(parents) for name, parents in refreshed.books.orphans.items()} == {
        name: sorted(parents) for name, parents in ORPHANS.items()
    }


@pytest.mark.parametrize("table", sorted(LINES))
def test_lines_with_a_parent_arrive_with_it_and_go_with_it(refreshed: Refreshed, table: str) -> None:
    parent = table.removesuffix("_line")
    orphans = Counter(ORPHANS[table])
    wanted = Counter(row[f"{parent}_id"] for row in real_data.table(table)) - orphans
    loaded = refreshed.first[f"raw_quickbooks_{LINES[table]}"]
    assert Counter(row["parent_id"] for row in loaded) == wanted
    kind = next(one for one in KINDS if one.table == parent)
    later = Counter(row["parent_id"] for row in refreshed.second[f"raw_quickbooks_{LINES[table]}"])
    assert {key for key in later if key not in kind.deleted_ids} == set(wanted) - kind.deleted_ids


def test_amounts_of_lines_are_kept_to_the_cent(refreshed: Refreshed) -> None:
    amounts = {row["parent_id"]: row["amount"] for row in refreshed.first["raw_quickbooks_bill_lines"]}
    assert amounts["401"] == Decimal("1386.00")
    assert {key: str(value) for key, value in amounts.items()} == {
        row["bill_id"]: str(Decimal(row["amount"]).quantize(Decimal("0.01")))
        for row in real_data.table("bill_line")
        if row["bill_id"] not in ORPHANS["bill_line"]
    }


# Reports: of other companies and periods, each flattened to its own printed totals.


# The fourth published answer, a ProfitAndLossDetail with chosen columns, is no stream of ours; its rows have no title
# cell and some of its lines are not in it, so that its own totals cannot be reached by anybody.
@pytest.mark.parametrize("name", ["profitloss", "balancesheet", "cashflow"])
def test_a_report_flattens_to_its_own_printed_totals(name: str) -> None:
    _, lines = flatten(encode(real_data.report(name)))
    assert lines
    printed, wrong = _totals(lines)
    assert printed >= 4
    assert wrong == []


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_warehouse_holds_the_report_cell_by_cell(refreshed: Refreshed, name: str) -> None:
    _, lines = flatten(encode(real_data.report(name)))
    rows = sorted(live(refreshed.first[f"raw_quickbooks_{NAMES[name]}"]), key=lambda row: int(row["row_number"]))
    assert [(row["path"], row["row_kind"], row["amount"]) for row in rows] == [
        (" > ".join(line.path), line.row_kind, line.amount) for line in lines
    ]
    assert sum((row["amount"] or 0) for row in rows) != 0


def test_the_check_catches_a_reader_that_forgets_the_headers_amounts() -> None:
    _, lines = flatten(encode(real_data.report("profitloss")))
    _, wrong = _totals([line for line in lines if line.row_kind != "header"])
    assert wrong


def test_the_check_catches_a_total_that_is_off_by_a_cent() -> None:
    _, lines = flatten(encode(real_data.report("balancesheet")))
    last = next(line for line in reversed(lines) if line.row_kind == "data" and line.amount)
    off = [line if line is not last else _moved(line) for line in lines]
    _, wrong = _totals(off)
    assert wrong


def _moved(line: Line) -> Line:
    return replace(line, amount=(line.amount or Decimal(0)) + Decimal("0.01"))


#: Totals that no section adds up: the printed rule of each, as the sections whose totals it adds and subtracts.
_COMPUTED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "GrossProfit": (("Income",), ("COGS",)),
    "NetOperatingIncome": (("GrossProfit",), ("Expenses",)),
    "NetOtherIncome": (("OtherIncome",), ("OtherExpenses",)),
    "NetIncome": (("NetOperatingIncome", "NetOtherIncome"), ()),
    "EndingCash": (("CashIncrease",), ()),
    "CashIncrease": (("OperatingActivities", "InvestingActivities", "FinancingActivites"), ()),
}


def _totals(lines: list[Line]) -> tuple[int, list[str]]:
    """Return how many printed totals there are, and those that the flattened cells do not add up to."""
    wrong = []
    printed = [line for line in lines if line.row_kind == "summary" and line.amount is not None]
    by_section: dict[tuple[str, int], Decimal] = {}
    for line in printed:
        if len(line.path) == 1 and line.section:
            by_section[line.section, line.column] = line.amount or Decimal(0)
    for line in printed:
        own = sum(
            (
                other.amount or Decimal(0)
                for other in lines
                if other.row_kind in {"data", "header"}
                and other.column == line.column
                and other.path[: len(line.path)] == line.path
            ),
            Decimal(0),
        )
        rule = _COMPUTED.get(line.section or "") if len(line.path) == 1 else None
        if rule is not None and not any(
            other.path[: len(line.path)] == line.path and other.row_kind != "summary" for other in lines
        ):
            plus, minus = rule
            own = sum((by_section.get((one, line.column), Decimal(0)) for one in plus), Decimal(0))
            own -= sum((by_section.get((one, line.column), Decimal(0)) for one in minus), Decimal(0))
        if own != line.amount:
            wrong.append(f"{' > '.join(line.path)} prints {line.amount}, adds up to {own}")
    return len(printed), wrong
