"""The tables that people import for their finance: the same columns whichever provider fills them.

Each provider that fills one has ``connectors/<provider>/finance/<table>.sql``, a SELECT over its own ready tables that
gives every column but `provider`. They are computed when they are read (`storage.warehouse.imports`), so that no
refresh is dearer for them. `docs/tables.md` is made of this module by ``python -m bot.cli.pages``.
"""

from collections.abc import Iterable, Iterator
from importlib.resources import files

from storage.facts.imports import ImportColumn, ImportTable
from storage.facts.sources import Provider

_TEXT, _DAY, _INSTANT = "VARCHAR", "DATE", "TIMESTAMP WITH TIME ZONE"
_COUNT, _YES = "BIGINT", "BOOLEAN"
#: holds the largest amount of any source, and sums of some: one that did not fit would keep everybody from every row
_MONEY = "DECIMAL(21,3)"

_OF = (
    ImportColumn("source", _TEXT, "The source's id."),
    ImportColumn("provider", _TEXT, "Who filled the row: `quickbooks`, `shopify`, `amazon` or `netsuite`."),
)
_CURRENCY = ImportColumn("currency", _TEXT, "Currency of all amounts of the row, as its three-letter code.")
_TEST = ImportColumn("is_test", _YES, "Made with a test payment: no money moved. Leave such rows out of sums.")
_CANCELLED = ImportColumn("is_cancelled", _YES, "The order was cancelled.")
_ORDERED = ImportColumn("ordered_at", _INSTANT, "When it was ordered.")
_ORDER = ImportColumn("order_id", _TEXT, "The order.")
_SKU = ImportColumn("sku", _TEXT, "The seller's own number of the product.")
_ACCOUNT = (
    ImportColumn("account_id", _TEXT, "The account's id; empty where the provider gives a name alone."),
    ImportColumn("account_name", _TEXT, "The account's name."),
)


def _table(name: str, about: str, *columns: ImportColumn) -> ImportTable:
    parts = {str(provider): sql for provider in Provider if (sql := _sql(provider, name))}
    return ImportTable(name, about, (*_OF, *columns), parts)


def _sql(provider: Provider, name: str) -> str | None:
    file = files(f"connectors.{provider}") / "finance" / f"{name}.sql"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def finance_tables() -> tuple[ImportTable, ...]:
    """Return all of them, their SQL read from the files."""
    return (
        _table(
            "ledger_lines",
            "One row for each line of a posted transaction in an account. Debits are positive, credits negative: the"
            " lines of a transaction add up to zero, and those of an account to its balance on the debit side.",
            ImportColumn("line_id", _TEXT, "The line, within its source."),
            ImportColumn("transaction_id", _TEXT, "The transaction; within a source, together with its type."),
            ImportColumn("transaction_type", _TEXT, "The provider's own word: Invoice, Journal."),
            ImportColumn("transaction_number", _TEXT, "The number that people read."),
            ImportColumn("posting_date", _DAY, "The day in the company's own calendar."),
            *_ACCOUNT,
            ImportColumn("name", _TEXT, "Customer, vendor or employee."),
            ImportColumn("memo", _TEXT, "What was noted."),
            _CURRENCY,
            ImportColumn("amount", _MONEY, "Debit less credit; empty where the provider does not say the side."),
            ImportColumn("amount_as_given", _MONEY, "The provider's number with its own sign."),
        ),
        _table(
            "account_balances",
            "One row for each account and quarter in which something was posted; after it the balance stays as it"
            " closed. Debit balances are positive, credit balances negative.",
            *_ACCOUNT,
            ImportColumn("period_start", _DAY, "First day, in the company's own calendar."),
            ImportColumn("period_end", _DAY, "Last day."),
            _CURRENCY,
            ImportColumn("opening_balance", _MONEY, "Before the first day's postings."),
            ImportColumn("movement", _MONEY, "What was posted: debit less credit."),
            ImportColumn("closing_balance", _MONEY, "opening_balance + movement; up to now for a running quarter."),
        ),
        _table(
            "orders",
            "One row for each order. Amounts are those of the sale and positive; what was paid back stands in"
            " `refunds`. total_amount = items_amount + shipping_amount + other_amount, and tax_amount unless prices"
            " include it.",
            _ORDER,
            ImportColumn("order_number", _TEXT, "The number that people read."),
            _ORDERED,
            ImportColumn("updated_at", _INSTANT, "The provider's time of the last change."),
            ImportColumn("status", _TEXT, "The provider's own word: how it is paid (Shopify) or shipped (Amazon)."),
            _CANCELLED,
            _TEST,
            ImportColumn("channel", _TEXT, "Where it was sold."),
            ImportColumn("units", _COUNT, "Pieces, as they stand now."),
            _CURRENCY,
            ImportColumn("items_amount", _MONEY, "Goods after discounts."),
            ImportColumn("discount_amount", _MONEY, "What was taken off, positive; already taken off items_amount."),
            ImportColumn("shipping_amount", _MONEY, "Shipping."),
            ImportColumn(
                "other_amount", _MONEY, "What else is in the total: tips, duties, gift wrap, less on shipping."
            ),
            ImportColumn("tax_amount", _MONEY, "Tax of goods and shipping."),
            ImportColumn(
                "prices_include_tax", _YES, "Whether tax is in the other amounts; empty where nobody says it."
            ),
            ImportColumn("total_amount", _MONEY, "What the buyer pays; empty where it cannot be told from tax."),
        ),
        _table(
            "order_lines",
            "One row for each line of an order, for the whole line, not for one piece. net_amount = gross_amount -"
            " discount_amount, before tax unless prices include it.",
            _ORDER,
            ImportColumn("line_id", _TEXT, "The line, within its source."),
            ImportColumn("line_number", _COUNT, "Its place in the order, from 1."),
            _ORDERED,
            _CANCELLED,
            _TEST,
            _SKU,
            ImportColumn("product_name", _TEXT, "The product."),
            ImportColumn("quantity", _COUNT, "Pieces that were sold."),
            _CURRENCY,
            ImportColumn("gross_amount", _MONEY, "Before discounts; empty while Amazon has not priced the order."),
            ImportColumn("discount_amount", _MONEY, "What was taken off, positive."),
            ImportColumn("net_amount", _MONEY, "After discounts."),
            ImportColumn("tax_amount", _MONEY, "Tax of the line."),
        ),
        _table(
            "refunds",
            "One row for each thing that a refund gave back. Amounts are positive where money goes to the buyer; fees"
            " that the marketplace gives back to the seller are not in it.",
            ImportColumn("refund_id", _TEXT, "The refund."),
            ImportColumn("refund_line_id", _TEXT, "The part of it, within its source."),
            _ORDER,
            ImportColumn("refunded_at", _INSTANT, "When it was given back."),
            ImportColumn("kind", _TEXT, "What was given back, in the provider's words."),
            _TEST,
            _SKU,
            ImportColumn("quantity", _COUNT, "Pieces; empty for shipping, and at Amazon."),
            _CURRENCY,
            ImportColumn("amount_before_tax", _MONEY, "Without tax."),
            ImportColumn("tax_amount", _MONEY, "Tax of it."),
            ImportColumn("total_amount", _MONEY, "amount_before_tax + tax_amount."),
        ),
        _table(
            "payouts",
            "One row for each payment of a provider to the bank. Positive came in there, negative was taken from it.",
            ImportColumn("payout_id", _TEXT, "The payout: Amazon's settlement."),
            ImportColumn("paid_at", _INSTANT, "When it was sent to the bank."),
            ImportColumn("period_start", _INSTANT, "From when it settles; empty at Shopify."),
            ImportColumn("period_end", _INSTANT, "Until when; empty at Shopify."),
            ImportColumn("status", _TEXT, "The provider's own word; empty at Amazon. Only PAID ones have arrived."),
            _CURRENCY,
            ImportColumn("amount", _MONEY, "What is paid."),
        ),
        _table(
            "inventory",
            "One row for each product and place, as it is now. Amazon shows shared stock in each of its marketplaces:"
            " do not add its places.",
            ImportColumn("item_id", _TEXT, "The item, within its source."),
            ImportColumn("place_id", _TEXT, "Location (Shopify) or marketplace (Amazon)."),
            ImportColumn("place", _TEXT, "Its name, where the provider tells one."),
            _SKU,
            ImportColumn("product_name", _TEXT, "The product, where the provider tells it with the stock."),
            ImportColumn("on_hand", _COUNT, "Pieces that are there, sold or not."),
            ImportColumn("available", _COUNT, "Pieces that can be sold."),
            ImportColumn("reserved", _COUNT, "Pieces that are set aside for orders or otherwise."),
            ImportColumn("incoming", _COUNT, "Pieces on the way; not in on_hand."),
            _CURRENCY,
            ImportColumn(
                "unit_cost", _MONEY, "Today's cost of a piece; empty where nobody entered one, and at Amazon."
            ),
            ImportColumn("stock_value", _MONEY, "unit_cost for all on_hand."),
            ImportColumn("changed_at", _INSTANT, "The provider's time of the last change."),
        ),
    )


def page(tables: Iterable[ImportTable]) -> str:
    """Return the part of docs/tables.md that the code knows."""
    return "\n\n".join(_section(table) for table in tables)


def _section(table: ImportTable) -> str:
    return "\n".join(_lines(table))


def _lines(table: ImportTable) -> Iterator[str]:
    yield f"## `{table.name}`"
    yield ""
    yield f"{table.about} Filled by {', '.join(f'`{one}`' for one in table.parts)}."
    yield ""
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    yield from (f"| `{one.name}` | {one.type} | {one.meaning} |" for one in table.columns)
