"""The generated company: the same for a seed, adding up to the cent, changing as told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox.providers.quickbooks import Books, Size, generate
from sandbox.providers.quickbooks.documents import DOCUMENTS
from sandbox.providers.quickbooks.ledger import TRANSACTIONS, postings
from sandbox.providers.quickbooks.values import Record, cents, encode, referred
from storage.facts.clock import SystemClock

AS_OF = datetime(2026, 11, 20, 17, tzinfo=UTC)
ENTITIES = (
    "Account", "Customer", "Vendor", "Item", "Invoice", "Bill", "Payment", "JournalEntry", "BillPayment", *DOCUMENTS,
)  # fmt: skip


def company(seed: int = 1, invoices: int = 150) -> Books:
    return generate(seed, Size.of(invoices, documents=3), as_of=AS_OF, clock=SystemClock())


def content(books: Books) -> dict[str, bytes]:
    return {entity: encode(books.truth(entity)) for entity in ENTITIES}


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    assert content(company()) == content(company())
    assert content(company())["Invoice"] != content(company(2))["Invoice"]


def test_the_same_mutations_give_the_same_bytes() -> None:
    first, second = company(), company()
    for books in (first, second):
        books.mutate(9, new=7, changed=6, deleted=2, voided=1, deactivated=1, documents=9, at=AS_OF)
    assert content(first) == content(second)


def imbalance(invoice: Record) -> Decimal:
    """What a check of an invoice sees: lines - discount + tax - total, and each line against price and quantity."""
    lines: list[Record] = invoice["Line"]
    sold = [line for line in lines if "SalesItemLineDetail" in line]
    sales: Decimal = sum((line["Amount"] for line in sold), Decimal(0))
    discount: Decimal = sum((line["Amount"] for line in lines if "DiscountLineDetail" in line), Decimal(0))
    subtotal: Decimal = sum((line["Amount"] for line in lines if "SubTotalLineDetail" in line), Decimal(0))
    details = [(line["Amount"], line["SalesItemLineDetail"]) for line in sold]
    wrong: Decimal = sum((abs(worth - detail["UnitPrice"] * detail["Qty"]) for worth, detail in details), Decimal(0))
    total: Decimal = invoice["TotalAmt"]
    tax: Decimal = invoice["TxnTaxDetail"]["TotalTax"]
    return abs(sales - subtotal) + abs(sales - discount + tax - total) + wrong


def test_invoices_add_up_to_the_cent() -> None:
    invoices = company().truth("Invoice")
    assert {imbalance(invoice) for invoice in invoices} == {Decimal(0)}
    assert any("DiscountLineDetail" in line for invoice in invoices for line in invoice["Line"])
    assert any(invoice["TxnTaxDetail"]["TotalTax"] for invoice in invoices)


def test_the_check_of_sums_catches_a_cent() -> None:
    invoice = company().truth("Invoice")[0]
    assert imbalance(invoice | {"TotalAmt": invoice["TotalAmt"] + Decimal("0.01")}) == Decimal("0.01")


def test_every_transaction_balances() -> None:
    books = company()
    books.mutate(4, new=20, voided=2, documents=27, at=AS_OF)
    key = books.key_accounts()
    for entity in TRANSACTIONS:
        assert books.truth(entity), entity
        for record in books.truth(entity):
            entry = postings(entity, record, key)
            assert sum(worth for _, worth in entry) == 0, (entity, record["Id"])
            assert all(account for account, _ in entry), (entity, record["Id"])


def test_balances_follow_from_transactions_also_after_changes() -> None:
    books = company()
    books.mutate(4, new=30, changed=10, deleted=4, voided=2, documents=27, at=AS_OF)
    owed: dict[str, int] = {}
    for sign, entity in ((1, "Invoice"), (-1, "Payment"), (-1, "CreditMemo")):
        for record in books.truth(entity):
            customer = referred(record, "CustomerRef")
            owed[customer] = owed.get(customer, 0) + sign * cents(record["TotalAmt"])
    assert {record["Id"]: cents(record["Balance"]) for record in books.truth("Customer")} == {
        record["Id"]: owed.get(record["Id"], 0) for record in books.truth("Customer")
    }
    accounts = {record["Name"]: record for record in books.truth("Account")}
    assert cents(accounts["Accounts Receivable (A/R)"]["CurrentBalance"]) == sum(owed.values())
    sums = {"Asset": 0, "Liability": 0, "Equity": 0, "Revenue": 0, "Expense": 0}
    for account in accounts.values():
        sums[account["Classification"]] += cents(account["CurrentBalance"])
    profit = -sum(
        books.ledger("Accrual").moved(account["Id"], "", "9999") or 0
        for account in accounts.values()
        if account["Classification"] in ("Revenue", "Expense")
    )
    assert sums["Asset"] == sums["Liability"] + sums["Equity"] + profit


def test_sizes_are_as_promised() -> None:
    books = company(invoices=600)
    invoices = books.truth("Invoice")
    lines = [sum("SalesItemLineDetail" in line for line in invoice["Line"]) for invoice in invoices]
    assert 2200 < sum(len(encode(invoice)) for invoice in invoices) / 600 < 2600
    assert 1.9 < sum(lines) / 600 < 2.3
    assert 800 < sum(len(encode(record)) for record in books.truth("Customer")) / 50 < 1100


def test_a_mutation_says_what_it_did() -> None:
    books = company()
    before = content(books)
    ids = {entity: books.ids(entity) for entity in ENTITIES}
    old = {(entity, record["Id"]): record for entity in ENTITIES for record in books.truth(entity)}
    change = books.mutate(8, new=12, changed=7, deleted=3, voided=2, deactivated=1, at=AS_OF + timedelta(hours=1))
    assert len(change.new) == 12
    assert len(change.deleted) == 3
    assert before != content(books)
    seen_new, seen_changed, seen_deleted = set(), set(), set()
    for entity in ENTITIES:
        seen_deleted |= {(entity, id_) for id_ in ids[entity] - books.ids(entity)}
        for record in books.truth(entity):
            key = (entity, record["Id"])
            if key not in old:
                seen_new.add(key)
            elif old[key] != record:
                seen_changed.add(key)
                assert old[key]["MetaData"]["LastUpdatedTime"] < record["MetaData"]["LastUpdatedTime"], key
    assert set(change.new) == seen_new
    assert set(change.changed) == seen_changed
    assert set(change.deleted) == seen_deleted
    assert any(record.get("PrivateNote") == "Voided" and record["TotalAmt"] == 0 for record in books.truth("Invoice"))


def test_a_mutation_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than population"):
        company(invoices=10).mutate(1, deleted=500)


def test_given_records_replace_the_generated_ones() -> None:
    books = company()
    times = {"CreateTime": "2020-06-18T14:09:07Z", "LastUpdatedTime": "2020-06-18T14:09:07Z"}
    vendor = {"Id": "12", "DisplayName": "Seed", "Active": True, "MetaData": times}
    books.load_tables({"Vendor": [vendor]})
    assert books.truth("Vendor") == [vendor]
    assert books.ids("Invoice") == set()
    assert b'"DisplayName":"Seed"' in books.query("select * from Vendor")
    assert books.query("select * from Invoice").startswith(b'{"QueryResponse":{}')
