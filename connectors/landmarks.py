"""By which columns a record is known to people: its number, its amount and its day, declared for each stream."""

from collections.abc import Mapping
from dataclasses import dataclass

from storage.facts.sources import Provider


@dataclass(frozen=True, slots=True)
class Landmark:
    """The columns of one stream's raw table; the key ``id`` is looked at besides."""

    stream: str
    #: what people call one of its records
    noun: str
    #: columns with what people read as its number, the shown one first
    numbers: tuple[str, ...]
    amount: str | None = None
    currency: str | None = "currency"
    day: str | None = None


def _document(stream: str, noun: str, amount: str | None = "total_amount") -> Landmark:
    return Landmark(stream, noun, ("doc_number",), amount, day="txn_date")


LANDMARKS: Mapping[Provider, tuple[Landmark, ...]] = {
    Provider.QUICKBOOKS: (
        _document("invoices", "invoice"),
        _document("bills", "bill"),
        _document("payments", "payment"),
        _document("sales_receipts", "sales receipt"),
        _document("refund_receipts", "refund receipt"),
        _document("credit_memos", "credit memo"),
        _document("purchases", "purchase"),
        _document("deposits", "deposit"),
        _document("vendor_credits", "vendor credit"),
        _document("bill_payments", "bill payment", None),
        _document("journal_entries", "journal entry"),
        _document("transfers", "transfer", "amount"),
        _document("estimates", "estimate"),
        _document("purchase_orders", "purchase order"),
    ),
    Provider.SHOPIFY: (
        Landmark("orders", "order", ("name", "legacy_id"), "total", day="processed_at"),
        Landmark("draft_orders", "draft order", ("name", "legacy_id"), "total", day="created_at"),
        Landmark("payouts", "payout", ("legacy_id",), "net", day="issued_at"),
    ),
    Provider.AMAZON: (
        Landmark("orders", "order", ("id", "merchant_order_id"), currency=None, day="purchased_at"),
        Landmark("settlements", "settlement", ("id",), "total_amount", day="deposited_at"),
        Landmark("transactions", "transaction", ("order_id",), "total_amount", day="posted_at"),
    ),
    Provider.NETSUITE: (
        Landmark("transaction_lines", "transaction line", ("document_number",), "amount", day="txn_date"),
    ),
}
