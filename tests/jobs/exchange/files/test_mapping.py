"""Profiles and records: what is sent, left out, refused and held; a profile that is wrong is told whole."""

import time
from decimal import Decimal
from typing import Any

import pytest

from jobs.exchange.mapping import Inputs, Mapped, Mapper, MappingError, Rejected, Skipped, load_profile
from jobs.exchange.mapping.inputs import sales_reps
from jobs.exchange.mapping.reading import read_profile, versions
from tests.jobs.exchange.files.ground import company, inputs

SMALL = """
profile: small
version: 1
status: assumption
note: of a test
inputs: {}
tables: {regions: {CA: West, 007: Bond}}
pairs:
  customers:
    file: customer
    keys: [CUST_NO]
    fields: {text: [Id, Name, State], number: [Balance], flag: [Active]}
    skip: [{when: not Active, because: not active}]
    columns:
      CUST_NO: {from: Id, required: true}
      NAME: Name
      REGION: lookup("regions", State)
      BALANCE: {from: Balance, kind: money}
"""


def mapped(pair, record, **more: Any):
    return Mapper(load_profile().pair(pair), inputs()).map(record, **more)


def invoice(**more: Any):
    found = next(each for each in company()["Invoice"] if len(each["Line"]) > 3)
    return found | more


def columns(pair, result, row=0):
    assert isinstance(result, Mapped), result
    return Mapper(load_profile().pair(pair), inputs()).named(result.rows[row])


def test_the_profile_has_all_columns_of_the_specification_in_their_order() -> None:
    """And says of itself that it is an assumption."""
    address = ["1", "2", "3", "4", "5", "_CITY", "_STATE", "_ZIP", "_CTRY"]
    wanted = {
        "customers": ["CUST_NO", "NAME", "FULL_NAME", "PARENT_NO", "COMPANY", "FIRST", "LAST", *(f"BILL{e}" for e in address),
                      *(f"SHIP{e}" for e in address), "PHONE", "FAX", "EMAIL", "TERMS", "SALESREP", "PRICE_LEVEL", "CUST_TYPE", "TAXABLE",
                      "TAX_CODE", "RESALE_NO", "CREDIT_LIMIT", "BALANCE", "CURRENCY", "ACTIVE", "MODIFIED"],
        "items": ["ITEM_NO", "NAME", "FULL_NAME", "PARENT_NO", "TYPE", "DESC", "PURCH_DESC", "UOM", "PRICE", "COST", "QTY_ON_HAND", "QTY_ON_ORDER", "REORDER_PT", "TAXABLE", "TAX_CODE", "INCOME_ACCT", "COGS_ACCT", "ASSET_ACCT", "VENDOR_NO", "BARCODE", "CLASS", "ACTIVE", "MODIFIED"],
        "invoices": ["TXN_ID", "REVISION", "STATUS", "INV_NO", "TXN_DATE", "DUE_DATE", "SHIP_DATE", "CUST_NO", "SALESREP", "TERMS", "PO_NO", "LINE_NO", "LINE_ID", "ITEM_NO", "DESC", "QTY", "UNIT_PRICE", "AMOUNT", "TAX_CODE", "DISC_PCT", "DISC_AMT", "SUBTOTAL", "TAX_TOTAL", "TOTAL", "BALANCE", "CURRENCY", "EXCH_RATE", "LINKED_SO", "MODIFIED"],
        "vendors": ["VENDOR_NO", "NAME", "COMPANY", "ADDR1", "ADDR2", "ADDR3", "ADDR4", "ADDR5", "CITY", "STATE", "ZIP", "PHONE", "EMAIL", "TERMS", "ACCT_NO", "TAX_ID", "ACTIVE", "MODIFIED"],
        "sales_reps": ["REP_CODE", "NAME", "ENTITY_TYPE", "ACTIVE", "MODIFIED"],
    }  # fmt: skip
    profile = load_profile("inventiv-default", 1)
    assert (profile.status, "three real files" in profile.note) == ("assumption", True)
    for pair, names in wanted.items():
        assert [column.name for column in profile.pair(pair).columns] == names
    assert versions()[0] == 1
    with pytest.raises(MappingError, match="inventiv-default has no version 99"):
        load_profile(version=99)
    with pytest.raises(MappingError, match=r"there is no profile \.\./x"):
        load_profile("../x")
    with pytest.raises(MappingError, match="has no pair nothing"):
        profile.pair("nothing")


def test_an_invoice_is_a_row_for_each_of_its_lines() -> None:
    record = invoice()
    result = mapped("invoices", record)
    sold = [line for line in record["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    assert isinstance(result, Mapped)
    assert (result.key, result.revision, len(result.rows)) == (record["Id"], record["SyncToken"], len(sold))
    rows = [columns("invoices", result, place) for place in range(len(sold))]
    assert [row["LINE_NO"] for row in rows] == [str(n) for n in range(1, len(sold) + 1)]
    assert {row["TOTAL"] for row in rows} == {f"{record['TotalAmt']:.2f}"}
    assert sum(Decimal(row["AMOUNT"]) for row in rows) == Decimal(rows[0]["SUBTOTAL"])
    assert rows[0]["ITEM_NO"].startswith("TG-")
    assert rows[0]["SALESREP"]


def test_a_bundle_stands_as_the_lines_inside_it() -> None:
    sold = {
        "DetailType": "SalesItemLineDetail",
        "Amount": Decimal("5.00"),
        "SalesItemLineDetail": {"ItemRef": {"value": "1"}, "Qty": 1},
    }
    bundle = {"DetailType": "GroupLineDetail", "Amount": Decimal(10), "GroupLineDetail": {"Line": [sold, sold]}}
    text = {"DetailType": "DescriptionOnly", "Description": "Thank you"}
    lines = [sold, bundle, text, {"DetailType": "SubTotalLineDetail", "Amount": Decimal(15)}]
    result = mapped(
        "invoices", {"Id": "7", "SyncToken": "0", "Line": lines, "TotalAmt": Decimal(15), "Balance": Decimal(15)}
    )
    assert isinstance(result, Mapped), result
    rows = [columns("invoices", result, place) for place in range(len(result.rows))]
    assert [(row["LINE_NO"], row["AMOUNT"], row["DESC"]) for row in rows] == [
        ("1", "5.00", ""), ("2", "5.00", ""), ("3", "5.00", ""), ("4", "0.00", "Thank you"),
    ]  # fmt: skip
    assert {row["SUBTOTAL"] for row in rows} == {"15.00"}


@pytest.mark.parametrize(
    "change, deleted, status", [({"TotalAmt": 0, "PrivateNote": "Voided - by mistake"}, False, "V"), ({}, True, "D")]
)
def test_voided_and_deleted_invoices_are_one_row_without_lines(change, deleted, status) -> None:
    result = mapped("invoices", invoice(**change), deleted=deleted)
    row = columns("invoices", result)
    assert len(result.rows) == 1
    assert (row["STATUS"], row["TOTAL"], row["SUBTOTAL"], row["TAX_TOTAL"], row["DISC_AMT"], row["BALANCE"]) == (
        status,
        *["0.00"] * 5,
    )
    assert {
        row[name] for name in ("LINE_NO", "LINE_ID", "ITEM_NO", "DESC", "QTY", "UNIT_PRICE", "AMOUNT", "TAX_CODE")
    } == {""}


def test_an_invoice_of_which_the_sums_disagree_is_held_with_all_of_them() -> None:
    record = invoice()
    result = mapped("invoices", record | {"TotalAmt": record["TotalAmt"] + Decimal("0.01")})
    assert isinstance(result, Rejected)
    assert (result.key, result.field, result.control) == (record["Id"], "TOTAL", True)
    assert "the lines' AMOUNT come to" in result.reason
    assert str(result).startswith(f"record {record['Id']}, TOTAL: ")


@pytest.mark.parametrize("pair, record, said", [
    ("customers", {"Id": "1", "DisplayName": "A", "Balance": "x"}, 'record 1, BALANCE: Balance is "x", and a number was expected'),
    ("customers", {"Id": "1", "Balance": Decimal("1.001")}, "record 1, BALANCE: is 1.001, and 2 places are the most: write round(..., 2)"),
    ("customers", {"Id": "1", "Balance": Decimal(10) ** 17}, "record 1, BALANCE: has more than 16 digits before the point"),
    ("customers", {"DisplayName": "A"}, "record , CUST_NO: the record has no key"), ("customers", {"Id": ["1"]}, "record , CUST_NO: Id is a list, and text was expected"),
    ("customers", {"Id": "1", "BillAddr": {"Line1": {"a": 1}}}, "record 1, BILL1: BillAddr.Line1 is a group of fields, and text was expected"),
    ("invoices", {"Id": "1", "TotalAmt": 1, "TxnDate": "soon", "Line": []}, 'record 1, TXN_DATE: TxnDate is "soon", and a day such as 2026-11-23 was expected'),
    ("invoices", {"Id": "1", "TotalAmt": 1, "Line": [{"DetailType": "SalesItemLineDetail", "Amount": 1, "SalesItemLineDetail": {"Qty": "x"}}]},
     'record 1, QTY: line.SalesItemLineDetail.Qty is "x", and a number was expected (line 1)'),
])  # fmt: skip
def test_what_is_refused_names_record_column_and_reason(pair, record, said) -> None:
    assert str(mapped(pair, record)) == said


def test_odd_shapes_are_blank_and_inactive_people_are_left_out() -> None:
    row = columns(
        "customers",
        mapped("customers", {"Id": "1", "BillAddr": "somewhere", "ShipAddr": None, "Balance": Decimal("-0.0")}),
    )
    assert (row["BILL1"], row["SHIP1"], row["BALANCE"], row["ACTIVE"], row["TAXABLE"]) == ("", "", "0.00", "Y", "")
    assert mapped("sales_reps", {"Id": "4", "Active": False}) == Skipped("4", "the employee is not active")
    assert columns("customers", mapped("customers", {"Id": "1", "Active": False}))["ACTIVE"] == "N"
    for given, shown in ((None, ""), ("XX-XXX6789", "XXXXX6789"), ("12-3456789", "XXXXX6789"), ("123", "")):
        assert columns("vendors", mapped("vendors", {"Id": "1", "TaxIdentifier": given}))["TAX_ID"] == shown


def test_a_customers_sales_rep_is_that_of_its_latest_invoice() -> None:
    def sold(id_, day, rep, customer="1"):
        fields = [{"Name": "Sales Rep", "StringValue": rep}] if rep else []
        return {"Id": id_, "TxnDate": day, "CustomerRef": {"value": customer}, "CustomField": fields}

    made = [sold("9", "2026-01-02", "A"), sold("10", "2026-01-02", "B"), sold("11", "2026-01-01", "C"), sold("2", "2026-01-01", "D", "2"),
            sold("3", "2026-02-01", "", "2"), {"Id": "5"}]  # fmt: skip
    assert sales_reps(made) == sales_reps(made[::-1]) == {"1": "B"}


def test_what_a_mapping_looks_up_must_be_given() -> None:
    with pytest.raises(
        MappingError, match="customers: it looks things up in sales_rep_of_customer, which was not given"
    ):
        Mapper(load_profile().pair("customers"), Inputs({"terms": {}, "customer_types": {}}))
    assert load_profile().pair("vendors").inputs == ("terms",)


@pytest.mark.parametrize("before, after, said", [
    ("version: 1", "version: one", "version: a whole number"), ("note: of", "nte: of", "nte is not known"), ("from: Id", "from: Idd", "customers CUST_NO: not allowed at col 1"),
    ("kind: money", "kind: cash", "customers BALANCE kind: cash is not known; allowed are text"), ("keys: [CUST_NO]", "keys: [NO]", "customers keys: there is no column NO"),
    ("keys: [CUST_NO]", "keys: []", "sorted by at least one"), ("NAME: Name", "NAME: Name\n      NAME: Id", "line 17: NAME is there twice"),
    ("NAME: Name", "Name: Name", "customers Name: a column is called in capitals"), ("NAME: Name", "NAME: line.Id", "there is no field line.Id"),
    ("NAME: Name", "NAME: line_number()", "looks at a line, and the rows of this pair have none"), ("NAME: Name", "NAME: *x", "anchors and references"),
    ("NAME: Name", "NAME: &x Name", "anchors and references"), ("NAME: Name", "NAME: !!python/object:os.system x", "tags"), ("NAME: Name", "NAME: [a", "line"),
    ("NAME: Name", "NAME: {from: Name, wide: 3}", "wide is not known"), ("NAME: Name", "NAME: {from: Name, width: -1}", "width: a whole number"),
    ("NAME: Name", "NAME: " + "[" * 40 + "]" * 40, "at most 12 deep"), ("NAME: Name", "NAME: " + "x" * 200_001, "more than 200000 characters"),
    ("file: customer", "file: ../customer", "file: small letters"), ("flag: [Active]", "flag: [Active, Id]", "Id is there twice"), ("NAME: Name", "NAME:", "a value is expected"),
    ("NAME: Name", "NAME: {from: '\"a\"', kind: number}", "customers NAME: calculates with text"),
])  # fmt: skip
def test_a_profile_that_is_wrong_is_told_with_its_place(before, after, said) -> None:
    assert before in SMALL
    with pytest.raises(MappingError, match=said.replace("(", r"\(").replace(")", r"\)")):
        read_profile(SMALL.replace(before, after, 1))


def test_a_profile_keeps_text_as_it_was_written() -> None:
    profile = read_profile(SMALL)
    assert profile.tables == {"regions": {"CA": "West", "007": "Bond"}}
    result = Mapper(profile.pair("customers")).map({"Id": "1", "State": "007", "Active": True})
    assert result == Mapped("1", "", (("1", "", "Bond", ""),))


def test_ten_thousand_customers_are_mapped_at_once() -> None:
    """A tenth of what a nightly file may be: 100,000 rows take less than 6 s of a processor."""
    mapper, records = Mapper(load_profile().pair("customers"), inputs()), company()["Customer"]
    before = time.thread_time()
    for place in range(10_000):
        mapper.map(records[place % len(records)])
    assert time.thread_time() - before < 2.0


@pytest.mark.parametrize("most, loses", [(500, False), (1 << 60, True)])
def test_a_record_with_rows_without_end_is_refused(
    most: int,
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    result = Mapper(load_profile().pair("invoices"), inputs(), most=most).map(invoice())
    assert isinstance(result, Mapped) == loses
    if not loses:
        assert result == Rejected(invoice()["Id"], "rows", "its rows come to more than 500 characters")
