"""QuickBooks' ready tables: what each SQL file reads."""

from connectors.ready import sql
from storage.facts.ready import ReadyTable

_PACKAGE = "connectors.quickbooks"


def _of(name: str, *, key: str, lines: str | None = None, parent: str | None = None) -> ReadyTable:
    return ReadyTable(
        f"quickbooks_{name}",
        sql(_PACKAGE, name),
        parent=f"raw_quickbooks_{parent or name}",
        key=key,
        lines=(f"raw_quickbooks_{lines}",) if lines else (),
    )


READY = (
    _of("accounts", key="account_id"),
    _of("customers", key="customer_id"),
    _of("vendors", key="vendor_id"),
    _of("items", key="item_id"),
    _of("invoices", key="invoice_id"),
    _of("invoice_lines", key="invoice_id", parent="invoices", lines="invoice_lines"),
    _of("bills", key="bill_id"),
    _of("bill_lines", key="bill_id", parent="bills", lines="bill_lines"),
    _of("payments", key="payment_id", lines="payment_lines"),
    _of("journal_entries", key="journal_entry_id", lines="journal_lines"),
    _of("journal_lines", key="journal_entry_id", parent="journal_entries", lines="journal_lines"),
    _of("profit_and_loss", key="row_id"),
    _of("balance_sheet", key="row_id"),
)
