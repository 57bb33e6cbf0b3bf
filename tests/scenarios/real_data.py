"""Public QuickBooks seed tables as API-shaped records, and real report answers; read from the collected contracts."""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

Row = Mapping[str, str]
Record = dict[str, Any]

CONTRACTS = Path(os.environ.get("CONTRACTS_DIR") or Path(__file__).parents[2].parent / "shared" / "contracts") / "qbo"
SEEDS = CONTRACTS / "fivetran_seeds"
REPORTS = CONTRACTS / "reports"
HOW_TO_ALLOW = "no collected contracts: put them beside the project in ../shared/contracts, or set CONTRACTS_DIR"


def there() -> bool:
    """Whether the contracts are on this machine."""
    return SEEDS.is_dir() and REPORTS.is_dir()


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of one seed table as they are."""
    with (SEEDS / f"{name}_data.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def report(name: str) -> dict[str, Any]:
    """Return a real report answer; numbers in it are text, as QuickBooks sends them."""
    found: dict[str, Any] = json.loads(
        (REPORTS / f"{name}.json").read_text(encoding="utf-8"), object_hook=_without_empty_elements
    )
    return found


def _without_empty_elements(part: dict[str, Any]) -> dict[str, Any]:
    """An empty element of the published XML became ``""`` in the derived JSON; QuickBooks' own JSON says ``{}``."""
    return {key: {} if key == "Rows" and value == "" else value for key, value in part.items()}


@dataclass(frozen=True)
class Kind:
    """One entity: its seed table, its lines, and how a row reads in the API."""

    entity: str
    table: str
    #: the stream of ours, which names the raw table
    stream: str
    #: API path -> seed column; a suffix says the type: # number, ? boolean, @ instant, none text
    fields: Mapping[str, str]
    line: Callable[[Row], Record] | None = None

    @property
    def deleted_ids(self) -> set[str]:
        """Ids that the seed marks as deleted."""
        return {row["id"] for row in table(self.table) if row["_fivetran_deleted"] == "TRUE"}


@dataclass
class RealBooks:
    """The records by entity, and the lines whose parent is not among them."""

    records: dict[str, list[Record]] = field(default_factory=dict)
    #: line table -> ids of parents that are not there, one per orphan line
    orphans: dict[str, list[str]] = field(default_factory=dict)


def load() -> RealBooks:
    """Read every seed table; the deleted records are still live in it."""
    books = RealBooks()
    for kind in KINDS:
        lines = _lines(kind, books)
        books.records[kind.entity] = [_record(kind, row, lines.get(row["id"], [])) for row in table(kind.table)]
    return books


def _lines(kind: Kind, books: RealBooks) -> dict[str, list[Record]]:
    """Group the lines by parent, in their order, and note the orphans."""
    found: dict[str, list[tuple[int, Record]]] = defaultdict(list)
    if kind.line is None:
        return {}
    parents = {row["id"] for row in table(kind.table)}
    rows = table(f"{kind.table}_line")
    for row in rows:
        found[row[f"{kind.table}_id"]].append((int(row["index"]), kind.line(row)))
    books.orphans[f"{kind.table}_line"] = [
        row[f"{kind.table}_id"] for row in rows if row[f"{kind.table}_id"] not in parents
    ]
    return {parent: [line for _, line in sorted(lines, key=lambda one: one[0])] for parent, lines in found.items()}


def _record(kind: Kind, row: Row, lines: list[Record]) -> Record:
    record: Record = {}
    for path, column in (_COMMON | dict(kind.fields)).items():
        value = _value(path, row[column])
        if value is not None:
            _put(record, path.rstrip("#?@").split("."), value)
    if kind.line is not None:
        record["Line"] = lines
    return record


def _put(record: Record, path: list[str], value: object) -> None:
    for part in path[:-1]:
        record = record.setdefault(part, {})
    record[path[-1]] = value


def _value(path: str, text: str) -> object:
    if text == "":
        return None
    if path.endswith("#"):
        return Decimal(text)
    if path.endswith("?"):
        return text == "TRUE"
    return instant(text) if path.endswith("@") else text


def instant(text: str) -> str:
    """Turn ``2020-06-23 3:58:54`` (UTC, sometimes one digit for the hour) into ISO."""
    day, _, clock = text.partition(" ")
    return f"{day}T{clock.zfill(8)}+00:00"


def _bill_line(row: Row) -> Record:
    detail = "AccountBasedExpenseLineDetail"
    return _line(
        row,
        detail,
        {
            "AccountRef.value": "account_expense_account_id",
            "BillableStatus": "account_expense_billable_status",
            "TaxCodeRef.value": "account_expense_tax_code_id",
        },
    )


def _invoice_line(row: Row) -> Record:
    return _line(
        row,
        row["detail_type"] or "SalesItemLineDetail",
        {
            "ItemRef.value": "sales_item_item_id",
            "Qty#": "sales_item_quantity",
            "UnitPrice#": "sales_item_unit_price",
            "TaxCodeRef.value": "sales_item_tax_code_id",
        },
    )


def _journal_line(row: Row) -> Record:
    return _line(row, "JournalEntryLineDetail", {"PostingType": "posting_type", "AccountRef.value": "account_id"})


def _payment_line(row: Row) -> Record:
    return {"Amount": Decimal(row["amount"]), "LinkedTxn": [{"TxnId": row["invoice_id"], "TxnType": "Invoice"}]}


def _line(row: Row, detail: str, fields: Mapping[str, str]) -> Record:
    line: Record = {"Id": str(int(row["index"]) + 1), "DetailType": detail, detail: {}}
    for path, column in ({"Amount#": "amount", "Description": "description"}).items():
        if row[column]:
            line[path.rstrip("#")] = _value(path, row[column])
    for path, column in fields.items():
        if row[column]:
            _put(line[detail], path.rstrip("#").split("."), _value(path, row[column]))
    return line


_COMMON = {
    "Id": "id",
    "SyncToken": "sync_token",
    "MetaData.CreateTime@": "created_at",
    "MetaData.LastUpdatedTime@": "updated_at",
}
_CURRENCY = {"CurrencyRef.value": "currency_id"}
_TOTALS = {"TotalAmt#": "total_amount", "TxnDate": "transaction_date", "PrivateNote": "private_note"} | _CURRENCY

KINDS = (
    Kind("Account", "account", "accounts", {
        "Name": "name", "FullyQualifiedName": "fully_qualified_name", "AcctNum": "account_number", "Active?": "active",
        "Classification": "classification", "AccountType": "account_type", "AccountSubType": "account_sub_type",
        "SubAccount?": "sub_account", "ParentRef.value": "parent_account_id", "CurrentBalance#": "balance",
        "CurrentBalanceWithSubAccounts#": "balance_with_sub_accounts", **_CURRENCY,
    }),
    Kind("Customer", "customer", "customers", {
        "DisplayName": "display_name", "CompanyName": "company_name", "GivenName": "given_name",
        "FamilyName": "family_name", "FullyQualifiedName": "fully_qualified_name", "Active?": "active",
        "Balance#": "balance", "BalanceWithJobs#": "balance_with_jobs", "Job?": "job", "Taxable?": "taxable",
        "BillWithParent?": "bill_with_parent", "PrimaryEmailAddr.Address": "email",
        "PreferredDeliveryMethod": "preferred_delivery_method", **_CURRENCY,
    }),
    Kind("Vendor", "vendor", "vendors", {
        "DisplayName": "display_name", "CompanyName": "company_name", "Active?": "active", "Balance#": "balance",
        "Vendor1099?": "vendor_1099", "PrimaryEmailAddr.Address": "email", "PrintOnCheckName": "print_on_check_name",
        **_CURRENCY,
    }),
    Kind("Item", "item", "items", {
        "Name": "name", "FullyQualifiedName": "fully_qualified_name", "Active?": "active", "Type": "type",
        "UnitPrice#": "unit_price", "PurchaseCost#": "purchase_cost", "Taxable?": "taxable",
        "TrackQtyOnHand?": "track_quantity_on_hand", "IncomeAccountRef.value": "income_account_id",
    }),
    Kind("Invoice", "invoice", "invoices", {
        "DocNumber": "doc_number", "DueDate": "due_date", "Balance#": "balance", "CustomerRef.value": "customer_id",
        "CustomerMemo.value": "customer_memo", "SalesTermRef.value": "sales_term_id", "PrintStatus": "print_status",
        "EmailStatus": "email_status", "BillEmail.Address": "billing_email", "TxnTaxDetail.TotalTax#": "total_tax",
        "DeliveryInfo.DeliveryType": "delivery_type", "DeliveryInfo.DeliveryTime@": "delivery_time",
        "AllowIPNPayment?": "allow_ipnpayment", "AllowOnlinePayment?": "allow_online_payment",
        "AllowOnlineACHPayment?": "allow_online_achpayment",
        "AllowOnlineCreditCardPayment?": "allow_online_credit_card_payment",
        "ApplyTaxAfterDiscount?": "apply_tax_after_discount", **_TOTALS,
    }, _invoice_line),
    Kind("Bill", "bill", "bills", {
        "DocNumber": "doc_number", "DueDate": "due_date", "Balance#": "balance", "VendorRef.value": "vendor_id",
        "APAccountRef.value": "payable_account_id", "DepartmentRef.value": "department_id", **_TOTALS,
    }, _bill_line),
    Kind("Payment", "payment", "payments", {
        "CustomerRef.value": "customer_id", "DepositToAccountRef.value": "deposit_to_account_id",
        "PaymentMethodRef.value": "payment_method_id", "PaymentRefNum": "reference_number",
        "ProcessPayment?": "process_payment", "UnappliedAmt#": "unapplied_amount", **_TOTALS,
    }, _payment_line),
    Kind("JournalEntry", "journal_entry", "journal_entries", {
        "DocNumber": "doc_number", "Adjustment?": "adjustment", **_TOTALS,
    }, _journal_line),
)  # fmt: skip

#: seed column -> raw column, where the name differs; what is not here and not of the same name is not compared
RENAMED: Mapping[str, Mapping[str, str]] = {
    "account": {
        "fully_qualified_name": "full_name", "account_number": "number", "account_type": "type",
        "account_sub_type": "subtype", "parent_account_id": "parent_id", "balance": "current_balance",
        "balance_with_sub_accounts": "current_balance_with_sub_accounts", "currency_id": "currency",
    },
    "customer": {"fully_qualified_name": "full_name", "currency_id": "currency",
                 "preferred_delivery_method": "delivery_method"},
    "vendor": {"currency_id": "currency"},
    "item": {"fully_qualified_name": "full_name", "track_quantity_on_hand": "track_quantity"},
    "invoice": {
        "transaction_date": "txn_date", "currency_id": "currency", "billing_email": "bill_email",
        "allow_ipnpayment": "allow_ipn_payment", "allow_online_achpayment": "allow_online_ach",
        "allow_online_credit_card_payment": "allow_online_card", "apply_tax_after_discount": "tax_after_discount",
    },
    "bill": {"transaction_date": "txn_date", "currency_id": "currency", "payable_account_id": "ap_account_id"},
    "payment": {"transaction_date": "txn_date", "currency_id": "currency", "reference_number": "payment_reference"},
    "journal_entry": {"transaction_date": "txn_date", "currency_id": "currency"},
}  # fmt: skip
