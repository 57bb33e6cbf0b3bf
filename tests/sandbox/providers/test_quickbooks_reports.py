"""ProfitAndLoss and BalanceSheet follow from the transactions, to the cent."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.providers.conftest import REALM, QuickBooksBench

SPAN = {"start_date": "2026-01-01", "end_date": "2026-11-20"}


async def report(bench: Any, name: str, **parameters: str) -> Any:
    answer = await bench.client.get(f"/v3/company/{REALM}/reports/{name}", params={**SPAN, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def amounts(row: dict[str, Any], part: str) -> list[Decimal]:
    return [Decimal(cell["value"] or 0) for cell in row[part]["ColData"][1:]]


def total(rows: list[dict[str, Any]], width: int) -> list[Decimal]:
    """Add rows up as a reader would: data cells, headers' own cells and nested sections; check printed totals."""
    found = [Decimal(0)] * width
    for row in rows:
        if row["type"] == "Data":
            own = [Decimal(cell["value"] or 0) for cell in row["ColData"][1:]]
        elif "Header" in row:
            inner = total(row["Rows"].get("Row", []), width)
            own = [a + b for a, b in zip(amounts(row, "Header"), inner, strict=True)]
            assert own == amounts(row, "Summary"), row["Summary"]
        else:
            continue
        found = [a + b for a, b in zip(found, own, strict=True)]
    return found


def summaries(body: Any) -> dict[str, list[Decimal]]:
    return {row["group"]: amounts(row, "Summary") for row in body["Rows"]["Row"]}


def walk(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield row
        yield from walk(row.get("Rows", {}).get("Row", []))


@pytest.mark.parametrize("basis", ["Accrual", "Cash"])
async def test_profit_and_loss_adds_up(quickbooks: QuickBooksBench, basis: str) -> None:
    body = await report(quickbooks, "ProfitAndLoss", accounting_method=basis)
    total(body["Rows"]["Row"], 1)
    found = {group: cells[0] for group, cells in summaries(body).items()}
    assert found["GrossProfit"] == found["Income"] - found["COGS"]
    assert found["NetOperatingIncome"] == found["GrossProfit"] - found["Expenses"]
    assert found["NetIncome"] == found["NetOperatingIncome"] + found["NetOtherIncome"]
    assert body["Header"]["ReportBasis"] == basis
    assert {option["Name"]: option["Value"] for option in body["Header"]["Option"]}["NoReportData"] == "false"


async def test_income_is_what_the_invoices_say(quickbooks: QuickBooksBench) -> None:
    body = await report(quickbooks, "ProfitAndLoss")
    records = [r for r in quickbooks.books.truth("Invoice") if SPAN["start_date"] <= r["TxnDate"] <= SPAN["end_date"]]
    sold = sum((r["TotalAmt"] - r["TxnTaxDetail"]["TotalTax"] for r in records), Decimal(0))
    direct = Decimal(0)
    names = {a["Id"]: a for a in quickbooks.books.truth("Account")}
    for entry in quickbooks.books.truth("JournalEntry"):
        for line in entry["Line"]:
            detail = line["JournalEntryLineDetail"]
            income = names[detail["AccountRef"]["value"]]["AccountType"] == "Income"
            if income and SPAN["start_date"] <= entry["TxnDate"] <= SPAN["end_date"]:
                direct += line["Amount"] if detail["PostingType"] == "Credit" else -line["Amount"]
    assert summaries(body)["Income"] == [sold + direct]


async def test_a_new_invoice_moves_the_report(quickbooks: QuickBooksBench) -> None:
    before = summaries(await report(quickbooks, "ProfitAndLoss"))["Income"][0]
    from datetime import UTC, datetime

    at = datetime(2026, 11, 19, 18, tzinfo=UTC)
    change = quickbooks.books.mutate(2, new=1, at=at)
    made = quickbooks.books.tables["Invoice"].get(change.new[0][1])
    assert made is not None
    after = summaries(await report(quickbooks, "ProfitAndLoss"))["Income"][0]
    assert after - before == made["TotalAmt"] - made["TxnTaxDetail"]["TotalTax"]


async def test_money_posted_to_a_parent_stands_in_its_header(quickbooks: QuickBooksBench) -> None:
    body = await report(quickbooks, "ProfitAndLoss", start_date="2024-11-01")
    headers = [row["Header"]["ColData"] for row in walk(body["Rows"]["Row"]) if "Header" in row]
    assert any(cells[0].get("id") and cells[1]["value"] for cells in headers)


async def test_months_add_up_to_the_total(quickbooks: QuickBooksBench) -> None:
    body = await report(quickbooks, "ProfitAndLoss", summarize_column_by="Month")
    columns = body["Columns"]["Column"]
    keys = [{meta["Name"]: meta["Value"] for meta in column["MetaData"]} for column in columns]
    assert keys[0] == {"ColKey": "account"}
    assert keys[1] == {"StartDate": "2026-01-01", "EndDate": "2026-01-31", "ColKey": "Jan 2026"}
    assert keys[-2]["EndDate"] == "2026-11-20"
    assert columns[-2]["ColTitle"] == "Nov 1-20, 2026"
    assert keys[-1] == {"ColKey": "total"}
    total(body["Rows"]["Row"], len(columns) - 1)
    for cells in summaries(body).values():
        assert sum(cells[:-1]) == cells[-1]
    whole = summaries(await report(quickbooks, "ProfitAndLoss"))
    assert whole["NetIncome"] == summaries(body)["NetIncome"][-1:]


@pytest.mark.parametrize("basis", ["Accrual", "Cash"])
@pytest.mark.parametrize("by", ["Total", "Month"])
async def test_the_balance_sheet_balances(quickbooks: QuickBooksBench, basis: str, by: str) -> None:
    body = await report(quickbooks, "BalanceSheet", accounting_method=basis, summarize_column_by=by)
    width = len(body["Columns"]["Column"]) - 1
    total(body["Rows"]["Row"], width)
    found = summaries(body)
    assert found["TotalAssets"] == found["TotalLiabilitiesAndEquity"]
    assert width == (1 if by == "Total" else 11)
    groups = {row.get("group") for row in walk(body["Rows"]["Row"])}
    assert {"CurrentAssets", "BankAccounts", "Liabilities", "Equity", "NetIncome"} <= groups
    assert ({"AR", "AP"} <= groups) is (basis == "Accrual")


async def test_net_income_is_the_same_in_both(quickbooks: QuickBooksBench) -> None:
    profit = summaries(await report(quickbooks, "ProfitAndLoss"))["NetIncome"][0]
    sheet = await report(quickbooks, "BalanceSheet")
    row = next(row for row in walk(sheet["Rows"]["Row"]) if row.get("group") == "NetIncome")
    assert Decimal(row["ColData"][1]["value"]) == profit


async def test_the_check_of_sums_catches_a_wrong_total(quickbooks: QuickBooksBench) -> None:
    body = await report(quickbooks, "ProfitAndLoss")
    body["Rows"]["Row"][0]["Summary"]["ColData"][1]["value"] = "1.00"
    with pytest.raises(AssertionError):
        total(body["Rows"]["Row"], 1)


async def test_nothing_to_report(quickbooks: QuickBooksBench) -> None:
    body = await report(quickbooks, "ProfitAndLoss", start_date="2031-01-01", end_date="2031-01-31")
    assert body["Rows"] == {}
    assert {"Name": "NoReportData", "Value": "true"} in body["Header"]["Option"]


@pytest.mark.parametrize("wrong", [{"start_date": "soon"}, {"accounting_method": "Both"}, {"start_date": "2027-01-01"}])
async def test_wrong_parameters_are_faults(quickbooks: QuickBooksBench, wrong: dict[str, str]) -> None:
    answer = await quickbooks.client.get(f"/v3/company/{REALM}/reports/ProfitAndLoss", params={**SPAN, **wrong})
    assert answer.status_code == 400
    assert "Fault" in answer.json()


async def test_a_given_report_is_answered_as_it_is(quickbooks: QuickBooksBench) -> None:
    quickbooks.books.set_report("BalanceSheet", {"Header": {"ReportName": "BalanceSheet"}, "Rows": {}})
    assert await report(quickbooks, "BalanceSheet") == {"Header": {"ReportName": "BalanceSheet"}, "Rows": {}}
    quickbooks.books.set_report("BalanceSheet", None)
    assert "Columns" in await report(quickbooks, "BalanceSheet")
