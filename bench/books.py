"""A company's lake with millions of ledger lines, for `bench.metrics`: tables by the warehouse, rows by DuckDB itself.

A read of as many records takes a quarter of an hour, and is measured elsewhere (`bench.growth`). What a calculation
reads are the ready tables alone, so these are filled.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

SOURCE, ORGANIZATION = "src_bench", "org_bench"
FIRST, LAST = date(2025, 1, 1), date(2026, 11, 20)
ACCOUNTS, ITEMS, CUSTOMERS = 300, 200, 2_000
#: type -> class of accounts; every account below 60 lies below the one with its number less 50
TYPES = {"Bank": "Asset", "Accounts Receivable": "Asset", "Income": "Revenue", "Other Income": "Revenue",
         "Expense": "Expense", "Cost of Goods Sold": "Expense"}  # fmt: skip
SECTIONS = ("Income", "GrossProfit", "Expenses", "NetIncome")
_DAYS = (LAST - FIRST).days + 1


@dataclass(frozen=True)
class Size:
    """How much there is of what."""

    ledger: int = 4_000_000
    invoices: int = 400_000

    @property
    def lines(self) -> int:
        """Lines of the ledger and of documents, and these themselves."""
        return self.ledger + 2 * self.invoices + self.invoices // 2


def fill(url: str, size: Size) -> None:
    """Make the organization's lake and fill the ready tables that metrics are calculated from."""
    from connectors.quickbooks.tables import READY
    from connectors.registry import connector_for
    from storage.facts.sources import Provider
    from storage.warehouse import LoadRun, Warehouse

    warehouse = Warehouse(url, ORGANIZATION)
    run = LoadRun("run_0", SOURCE, "quickbooks", datetime(2026, 11, 20, 12, tzinfo=UTC))
    with warehouse.begin(run, connector_for(Provider.QUICKBOOKS).streams) as loader:
        loader.commit(dict.fromkeys(("general_ledger", "profit_and_loss_cash", "balance_sheet_cash"), LAST.isoformat()))
    warehouse.process("run_0", SOURCE, READY)
    for sql in _filling(size):
        changed(url, [sql])


def changed(url: str, statements: list[str]) -> None:
    """Run statements over the lake in one transaction, as a build of ready tables does."""
    from storage.warehouse.location import locate
    from storage.warehouse.session import Limits, opened

    with (
        opened(locate(url, ORGANIZATION), Limits("2GB", 2), write=True) as session,
        session.transaction(),
    ):
        for sql in statements:
            session.run(sql)
        session.commit()


def _into(table: str, select: str) -> str:
    return f"INSERT INTO lake.main.ready_quickbooks_{table} BY NAME SELECT '{SOURCE}' AS _source, {select}"


def ledger_lines(first: int, count: int, more: str = "") -> str:
    """Return the statement that adds lines of the ledger, in the order of their days as a report is read."""
    number = f"i + {first}"
    day = more or f"DATE '{FIRST}' + CAST(i * {_DAYS} // {count} AS INTEGER)"
    return _into("ledger_lines", f"""CAST({number} AS VARCHAR) AS _key, _key AS ledger_line_id,
        CAST(1 + hash({number}) % {ACCOUNTS} AS VARCHAR) AS account_id, {day} AS posting_date,
        CAST((hash({number} + 7) % 200000) / 100 - 500 AS DECIMAL(18, 2)) AS amount, 'USD' AS currency,
        'Accrual' AS basis, CAST(hash({number} + 13) % 5 AS VARCHAR) AS class_id, true AS class_known,
        CAST(hash({number} + 17) % 5 AS VARCHAR) AS department_id, true AS department_known,
        CAST(1 + hash({number} + 19) % {CUSTOMERS} AS VARCHAR) AS customer_id, true AS customer_known
        FROM range({count}) r(i)""")  # fmt: skip


def invoices(first: int, count: int, day: str) -> list[str]:
    """Return the statements that add invoices, each with a line and every second one with two."""
    numbers = f"""CAST(i + {first} AS VARCHAR) AS _key, _key AS invoice_id, {day} AS invoice_date,
        CAST(1 + hash(i + {first}) % {CUSTOMERS} AS VARCHAR) AS customer_id, CAST(hash(i) % 5 AS VARCHAR) AS class_id,
        'USD' AS currency"""
    amount = "CAST((hash(i + 3) % 100000) / 100 AS DECIMAL(18, 2))"
    department = "CAST(hash(i + 1) % 4 AS VARCHAR) AS department_id"
    line = f"CAST(1 + hash(i + 11) % {ITEMS} AS VARCHAR) AS item_id, {amount} AS home_amount"
    lines = f"(SELECT i FROM range({count}) a(i) UNION ALL SELECT i FROM range(0, {count}, 2) b(i))"
    return [
        _into("invoices", f"{numbers}, {department}, {amount} AS home_total_amount FROM range({count}) r(i)"),
        _into("invoice_lines", f"{numbers}, {line} FROM {lines}"),
    ]


def _filling(size: Size) -> list[str]:
    types = f"[{', '.join(map(repr, TYPES))}][1 + i % {len(TYPES)}]"
    classes = f"[{', '.join(map(repr, TYPES.values()))}][1 + i % {len(TYPES)}]"
    months = f"range(DATE '{FIRST}', DATE '{LAST}', INTERVAL 1 MONTH) m(began)"
    quarters = f"range(DATE '{FIRST}', DATE '{LAST}', INTERVAL 3 MONTH) m(began)"
    amount = "CAST((hash(i, began) % 1000000) / 100 AS DECIMAL(18, 2)) AS amount"
    found = [
        _into("preferences", "'1' AS _key, '1' AS preferences_id, 'USD' AS home_currency"),
        _into("accounts", f"""CAST(i AS VARCHAR) AS _key, _key AS account_id, 'Account ' || i AS account_full_name,
            {types} AS account_type, {classes} AS classification, 0 AS current_balance, 'USD' AS currency,
            CASE WHEN i BETWEEN 51 AND 100 THEN CAST(i - 50 AS VARCHAR) END AS parent_account_id
            FROM range(1, {ACCOUNTS + 1}) r(i)"""),
        _into("items", f"CAST(i AS VARCHAR) AS _key, _key AS item_id, 'Item ' || i AS item_full_name"
                       f" FROM range(1, {ITEMS + 1}) r(i)"),
        *(
            _into(f"{one}{many}", f"CAST(i AS VARCHAR) AS _key, _key AS {one}_id FROM range(5) r(i)")
            for one, many in (("department", "s"), ("class", "es"))
        ),
        _into("customers", f"CAST(i AS VARCHAR) AS _key, _key AS customer_id FROM range(1, {CUSTOMERS + 1}) r(i)"),
        _into("account_balances", f"""'' AS _key, CAST(i AS VARCHAR) AS account_id, CAST(began AS DATE) AS period_start,
            100 AS opening_balance, 0 AS movement, 'USD' AS currency FROM range(1, {ACCOUNTS + 1}) r(i), {quarters}"""),
        ledger_lines(0, size.ledger),
        *invoices(0, size.invoices, f"DATE '{FIRST}' + CAST(i * {_DAYS} // {size.invoices} AS INTEGER)"),
    ]  # fmt: skip
    for basis in ("", "_cash"):
        for name, day in (("profit_and_loss", "CAST(began AS DATE) AS period_start"),
                          ("balance_sheet", "last_day(began) AS balance_date")):  # fmt: skip
            sections = f"[{', '.join(map(repr, SECTIONS))}]"
            found += [
                _into(name + basis, f"""i || ' ' || began AS _key, _key AS row_id, CAST(i AS VARCHAR) AS account_id,
                    true AS adds_up, 'data' AS row_kind, 2 AS level, {day}, {amount}, 'USD' AS currency
                    FROM range(1, {ACCOUNTS + 1}) r(i), {months}"""),
                _into(name + basis, f"""i || ' ' || began AS _key, _key AS row_id, i AS section, false AS adds_up,
                    'summary' AS row_kind, 0 AS level, {day}, {amount}, 'USD' AS currency
                    FROM unnest({sections}) r(i), {months}"""),
            ]  # fmt: skip
    return found


def five_hundred(number: int) -> list[str]:
    """Return what an incremental run writes: 500 lines of two months are others, one of them moved to another day."""
    ledger, quarter = "lake.main.ready_quickbooks_ledger_lines", 20_000_000 * number
    this, earlier = "2026-11", "2026-07"
    gone = (f"SELECT _key FROM {ledger} WHERE posting_date BETWEEN DATE '{month}-01' AND DATE '{month}-20'"
            " ORDER BY hash(_key) LIMIT 100" for month in (this, earlier))  # fmt: skip
    found = [f"DELETE FROM {ledger} WHERE _source = '{SOURCE}' AND _key IN ({keys})" for keys in gone]
    for month, first in ((this, 10_000_000), (earlier, 10_001_000)):
        day = f"DATE '{month}-01' + CAST(i % 20 AS INTEGER)"
        found.append(ledger_lines(first + quarter, 100, day))
        found += invoices(first + quarter, 60, day)
    return found
