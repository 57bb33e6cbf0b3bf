"""Reports flatten to their own printed totals, to the cent."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.errors import Broken
from connectors.quickbooks.report_tree import Line, flatten
from connectors.quickbooks.reports import DAILY_REPORTS, REPORTS, Report, batch

PROFIT, BALANCE = REPORTS
REAL = [
    "reports/profitloss.json",
    "reports/balancesheet.json",
    "reports/cashflow.json",
    "synthetic/reports/profit_and_loss_by_month.json",
]


def added(lines: list[Line], at: int, kinds: set[str]) -> Decimal:
    """Add up what was flattened under the section whose total is line `at`, in that column."""
    closing = lines[at]
    found = Decimal(0)
    for line in lines[:at]:
        inside = line.path[: len(closing.path)] == closing.path
        if inside and line.row_kind in kinds and line.column == closing.column:
            found += line.amount or 0
    return found


@pytest.mark.contracts
@pytest.mark.parametrize("name", REAL)
def test_every_printed_total_is_the_sum_of_the_flattened_rows(contracts: Path, name: str) -> None:
    _, lines = flatten((contracts / "qbo" / name).read_bytes())
    closings = [n for n, line in enumerate(lines) if line.row_kind == "summary"]
    checked = 0
    for at in closings:
        inside = [
            line
            for line in lines[:at]
            if line.path[: len(lines[at].path)] == lines[at].path and line.row_kind != "summary"
        ]
        if inside:
            checked += 1
            assert added(lines, at, {"data", "header"}) == (lines[at].amount or 0), lines[at]
    assert checked >= 2


@pytest.mark.contracts
def test_printed_results_follow_from_the_sections(contracts: Path) -> None:
    _, lines = flatten((contracts / "qbo/reports/profitloss.json").read_bytes())
    said = {line.section: line.amount or Decimal(0) for line in lines if line.row_kind == "summary" and line.level == 0}
    assert said["GrossProfit"] == said["Income"] - said["COGS"]
    assert said["NetOperatingIncome"] == said["GrossProfit"] - said["Expenses"]
    assert said["NetIncome"] == said["NetOperatingIncome"] + said["OtherIncome"] - said["OtherExpenses"]
    _, sheet = flatten((contracts / "qbo/reports/balancesheet.json").read_bytes())
    tops = [line.amount for line in sheet if line.row_kind == "summary" and line.level == 0]
    assert tops[0] == tops[1] == Decimal("23436.29")


@pytest.mark.contracts
@pytest.mark.parametrize("name", ["aged_receivables", "trial_balance"])
def test_the_printed_grand_total_is_the_sum_of_all_rows(contracts: Path, name: str) -> None:
    _, lines = flatten((contracts / f"qbo/synthetic/reports/{name}.json").read_bytes())
    said = {line.column: line.amount for line in lines if line.section == "GrandTotal"}
    assert len(said) >= 2
    for column, total in said.items():
        rows = [line for line in lines if line.column == column and line.row_kind != "summary"]
        assert sum((line.amount or Decimal(0) for line in rows), Decimal(0)) == total


@pytest.mark.contracts
def test_ages_are_told_by_their_keys_and_the_total_is_marked(contracts: Path) -> None:
    aged = next(report for report in DAILY_REPORTS if report.name == "AgedReceivables")
    rows = batch(aged, (contracts / "qbo/synthetic/reports/aged_receivables.json").read_bytes()).rows.to_pylist()
    assert {row["column_key"] for row in rows if not row["is_total_column"]} == {"current", "0", "1", "2", "3"}
    assert {row["column_key"] for row in rows if row["is_total_column"]} == {"total"}
    assert {row["basis"] for row in rows} == {None}
    assert len({row["id"] for row in rows}) == len(rows)


@pytest.mark.contracts
def test_the_twin_that_ignores_section_headers_is_caught(contracts: Path) -> None:
    _, lines = flatten((contracts / "qbo/reports/profitloss.json").read_bytes())
    at = next(n for n, line in enumerate(lines) if line.row_kind == "summary" and line.path == ("Income", "Services"))
    assert added(lines, at, {"data"}) != lines[at].amount
    assert added(lines, at, {"data", "header"}) == lines[at].amount == Decimal("112070.00")


@pytest.mark.contracts
def test_months_are_told_by_their_dates(contracts: Path) -> None:
    found = batch(PROFIT, (contracts / "qbo/synthetic/reports/profit_and_loss_by_month.json").read_bytes())
    rows = found.rows.to_pylist()
    assert {(str(row["period_start"]), str(row["period_end"])) for row in rows if not row["is_total_column"]} == {
        ("2026-10-01", "2026-10-31"), ("2026-11-01", "2026-11-20"),
    }  # fmt: skip
    net = [row for row in rows if row["section"] == "NetIncome"]
    assert {row["column_key"]: row["amount"] for row in net} == {
        "2026-10-01..2026-10-31": Decimal("3545.00"), "2026-11-01..2026-11-20": Decimal("4371.13"), "total": Decimal("7916.13"),
    }  # fmt: skip
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["basis"] for row in rows} == {"Accrual"}


@pytest.mark.contracts
def test_a_report_without_data_is_empty_not_broken(contracts: Path) -> None:
    cash = DAILY_REPORTS[0]
    found = batch(cash, (contracts / "qbo/synthetic/reports/no_data.json").read_bytes())
    assert found.rows.num_rows == 0
    assert found.stream.full


def report(rows: object) -> bytes:
    columns = {"Column": [{"ColType": "Account"}, {"ColType": "Money"}]}
    return json.dumps(
        {"Header": {"ReportName": "ProfitAndLoss", "Time": "1389691233181"}, "Columns": columns, "Rows": rows}
    ).encode()


@pytest.mark.parametrize("rows", [{}, None, {"Row": None}, {"Row": []}])
def test_all_ways_of_having_no_rows(rows: object) -> None:
    assert batch(PROFIT, report(rows)).rows.num_rows == 0


def line(value: str, name: str = "Rent") -> dict[str, object]:
    return {"ColData": [{"value": name, "id": "17"}, {"value": value}]}


def test_rows_without_a_type_are_told_by_what_they_hold() -> None:
    section = {
        "Header": {"ColData": [{"value": "Expenses"}, {"value": "1.50"}]},
        "Rows": {"Row": [line("2.00")]},
        "group": "Expenses",
    }
    rows = batch(PROFIT, report({"Row": [section]})).rows.to_pylist()
    assert [(row["row_kind"], row["amount"], row["path"], row["section"]) for row in rows] == [
        ("header", Decimal("1.50"), "Expenses", "Expenses"),
        ("data", Decimal("2.00"), "Expenses > Rent", "Expenses"),
    ]


def test_a_cell_that_no_ready_table_could_hold_stops_its_report() -> None:
    with pytest.raises(Broken, match="more than 15 digits"):
        batch(PROFIT, report({"Row": [line("1000000000000000.00")]}))


def test_twins_in_a_report_keep_keys_of_their_own() -> None:
    rows = batch(PROFIT, report({"Row": [line("1.00"), line("2.00")]})).rows.to_pylist()
    assert len({row["id"] for row in rows}) == 2


def test_a_key_stays_when_amounts_change() -> None:
    one, two = (batch(PROFIT, report({"Row": [line(value)]})).rows.to_pylist()[0] for value in ("1.00", "2.00"))
    assert one["id"] == two["id"]
    assert one["_hash"] != two["_hash"]


@pytest.mark.parametrize("value", ["1,000.00", "1e3", "NaN", "١", "1.005", "--1", "12345678901234567", " 1"])
def test_a_cell_that_is_no_amount_is_refused(value: str) -> None:
    with pytest.raises(Broken, match="report_unreadable"):
        batch(PROFIT, report({"Row": [line(value)]}))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html>", b"[1]", b'{"Header":{}}', report({"Row": [{"ColData": [{"value": 1}]}]})]
)
def test_what_is_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(Broken):
        batch(PROFIT, body)


def test_another_report_than_asked_for_is_refused() -> None:
    with pytest.raises(Broken):
        batch(Report("BalanceSheet", BALANCE.stream), report({}))


def test_more_cells_than_columns_is_refused() -> None:
    with pytest.raises(Broken):
        batch(PROFIT, report({"Row": [{"ColData": [{"value": "x"}, {"value": "1"}, {"value": "2"}]}]}))
