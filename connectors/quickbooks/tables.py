"""QuickBooks' ready tables: what each SQL file reads."""

import re
from collections.abc import Mapping

from connectors.ready import sql
from storage.facts.ready import ReadyTable

_PACKAGE = "connectors.quickbooks"
#: Columns that are empty where the amount does not fit -> what is known then; ``home_x`` beside ``x`` is one, too.
_FITS: Mapping[str, tuple[str, ...]] = {
    "amount_before_tax": ("total_amount",),
    "settled_amount": ("total_amount", "open_amount"),
    "applied_amount": ("total_amount",),
    "inventory_value_at_cost": ("purchase_cost", "quantity_on_hand"),
    **dict.fromkeys(("debit_amount", "credit_amount", "opening_balance", "movement", "closing_balance"), ()),
}
_CONVERTED = re.compile(r"\bAS home_(\w+)")


def _of(name: str, *, key: str, lines: str | None = None, parent: str | None = None, whole: bool = False) -> ReadyTable:
    text = sql(_PACKAGE, name)
    return ReadyTable(
        f"quickbooks_{name}",
        text,
        parent=f"raw_quickbooks_{parent or name}",
        key=key,
        lines=(f"raw_quickbooks_{lines}",) if lines else (),
        whole=whole,
        fits=_fits(text) if name != "budgets" else {"total_amount": ()},
    )


def _lines(document: str, shape: str, *, note: str = "", **words: str) -> ReadyTable:
    """Return the lines of a document; one SQL serves all documents that sell, another all that buy."""
    text = sql(_PACKAGE, shape, document=document, note=f" {note}" if note else "", **words)
    return ReadyTable(
        f"quickbooks_{document}_lines",
        text,
        parent=f"raw_quickbooks_{document}s",
        key=f"{document}_id",
        lines=(f"raw_quickbooks_{document}_lines",),
        fits=_fits(text),
    )


def _fits(text: str) -> dict[str, tuple[str, ...]]:
    """Return the columns of a SELECT that are empty where an amount does not fit, with what is known then."""
    converted = {f"home_{name}": (name,) for name in _CONVERTED.findall(text)}
    return converted | {name: known for name, known in _FITS.items() if f" AS {name}," in text}


READY = (
    _of("accounts", key="account_id"),
    _of("customers", key="customer_id"),
    _of("vendors", key="vendor_id"),
    _of("items", key="item_id"),
    _of("invoices", key="invoice_id"),
    _lines("invoice", "sale_lines"),
    _of("bills", key="bill_id"),
    _lines("bill", "bought_lines", payee="vendor"),
    _of("payments", key="payment_id", lines="payment_lines"),
    _of("journal_entries", key="journal_entry_id", lines="journal_lines"),
    _of("journal_lines", key="journal_entry_id", parent="journal_entries", lines="journal_lines"),
    _of("sales_receipts", key="sales_receipt_id"),
    _lines("sales_receipt", "sale_lines"),
    _of("refund_receipts", key="refund_receipt_id"),
    _lines(
        "refund_receipt", "sale_lines", note="Amounts are positive, as QuickBooks shows them, although money goes out."
    ),
    _of("credit_memos", key="credit_memo_id"),
    _lines(
        "credit_memo",
        "sale_lines",
        note="Amounts are positive, as QuickBooks shows them: they lower what the customer owes.",
    ),
    _of("purchases", key="purchase_id"),
    _lines("purchase", "bought_lines", payee="entity", note="The sign of a credit is in the purchase, not here."),
    _of("vendor_credits", key="vendor_credit_id"),
    _lines("vendor_credit", "bought_lines", payee="vendor", note="Amounts are positive, as QuickBooks shows them."),
    _of("estimates", key="estimate_id"),
    _lines("estimate", "sale_lines"),
    _of("purchase_orders", key="purchase_order_id"),
    _lines("purchase_order", "bought_lines", payee="vendor"),
    _of("deposits", key="deposit_id", lines="deposit_lines"),
    _of("deposit_lines", key="deposit_id", parent="deposits", lines="deposit_lines"),
    _of("bill_payments", key="bill_payment_id", lines="bill_payment_lines"),
    _of("bill_payment_lines", key="bill_payment_id", parent="bill_payments", lines="bill_payment_lines"),
    _of("transfers", key="transfer_id"),
    _of("classes", key="class_id"),
    _of("departments", key="department_id"),
    _of("employees", key="employee_id"),
    _of("customer_types", key="customer_type_id"),
    _of("payment_methods", key="payment_method_id"),
    _of("terms", key="term_id"),
    _of("tax_agencies", key="tax_agency_id"),
    _of("tax_codes", key="tax_code_id", lines="tax_code_sales_rates"),
    _of("tax_rates", key="tax_rate_id"),
    _of("time_activities", key="time_activity_id"),
    _of("budgets", key="budget_id", lines="budget_lines"),
    _of("budget_lines", key="budget_id", parent="budgets", lines="budget_lines"),
    _of("company_info", key="company_info_id"),
    _of("preferences", key="preferences_id"),
    _of("exchange_rates", key="exchange_rate_id"),
    _of("profit_and_loss", key="row_id"),
    _of("balance_sheet", key="row_id"),
    _of("profit_and_loss_cash", key="row_id"),
    _of("balance_sheet_cash", key="row_id"),
    _of("cash_flow", key="row_id"),
    _of("trial_balance", key="row_id"),
    _of("trial_balance_cash", key="row_id"),
    _of("aged_receivables", key="row_id"),
    _of("aged_payables", key="row_id"),
    _of("ledger_lines", key="ledger_line_id", parent="general_ledger"),
    _of("account_balances", key="account_id", parent="general_ledger", whole=True),
)
