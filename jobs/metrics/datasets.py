"""What metrics may be calculated from: the only SQL there is for them, all of it ours; what people choose is bound.

Each SELECT of records gives item, day, amount in the company's currency, whether it counts as a record, currency,
class, department and customer of one source (``$1``). Each SELECT of members says which items a choice stands for.
"""

# ruff: noqa: S608 - the names are ours, the values bound

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from storage.facts.metrics import UNSAID, Basis, Calculation, Dataset, ItemKind

_LEDGER = frozenset(Calculation)
_MOVING = frozenset(
    {
        Calculation.SUM,
        Calculation.GROWTH,
        Calculation.GROWTH_YEAR,
        Calculation.CUMULATIVE,
        Calculation.ROLLING,
        Calculation.RATIO,
    }
)
_STANDING = frozenset(Calculation) - {Calculation.SUM, Calculation.COUNT, Calculation.AVERAGE, Calculation.CUMULATIVE}

_ACCOUNTS = """
own AS MATERIALIZED (
    SELECT account_id, account_type, classification, parent_account_id FROM ready_quickbooks_accounts WHERE _source = $1
), tree AS (
    SELECT account_id AS top, account_id AS item FROM own
    UNION SELECT t.top, a.account_id FROM tree t JOIN own a ON a.parent_account_id = t.item
), members AS (
    SELECT 'account' AS kind, account_id AS key, account_id AS item FROM own
    UNION ALL SELECT 'account below', top, item FROM tree
    UNION ALL SELECT 'category', account_type, account_id FROM own
    UNION ALL SELECT 'all revenue', '', account_id FROM own WHERE classification = 'Revenue'
    UNION ALL SELECT 'all expenses', '', account_id FROM own WHERE classification = 'Expense'
    {more}
)"""
_SECTIONS = """UNION ALL SELECT DISTINCT 'section', section, 'section ' || section FROM {table}
    WHERE _source = $1 AND row_kind = 'summary' AND level = 0 AND section IS NOT NULL"""
_LISTED = """
own AS MATERIALIZED (
    SELECT {one}_id AS id, parent_{one}_id AS parent_id FROM ready_quickbooks_{one}s WHERE _source = $1
), tree AS (
    SELECT id AS top, id AS item FROM own
    UNION SELECT t.top, a.id FROM tree t JOIN own a ON a.parent_id = t.item
), members AS (
    SELECT '{one}' AS kind, id AS key, id AS item FROM own
    UNION ALL SELECT '{one} below', top, item FROM tree
    UNION ALL SELECT 'all', '', id FROM own
), home AS MATERIALIZED (
    SELECT coalesce((SELECT min(home_currency) FROM ready_quickbooks_preferences WHERE _source = $1),
        (SELECT min(currency) FROM ready_quickbooks_profit_and_loss WHERE _source = $1)) AS code
)"""

#: What an account of the profit and loss has, and each line of it that is a sum of them: types of accounts, with the
#: sign that they have there. Of all other accounts nothing is in it.
_LINES_OF_PROFIT = {
    "Income": {"Income": ""},
    "COGS": {"Cost of Goods Sold": ""},
    "GrossProfit": {"Income": "", "Cost of Goods Sold": "-"},
    "Expenses": {"Expense": ""},
    "NetOperatingIncome": {"Income": "", "Cost of Goods Sold": "-", "Expense": "-"},
    "OtherIncome": {"Other Income": ""},
    "OtherExpenses": {"Other Expense": ""},
    "NetOtherIncome": {"Other Income": "", "Other Expense": "-"},
    "NetIncome": {"Income": "", "Cost of Goods Sold": "-", "Expense": "-", "Other Income": "", "Other Expense": "-"},
}
_PRINTED = ", ".join(
    f"('{line}', '{kind}', '{sign}')" for line, kinds in _LINES_OF_PROFIT.items() for kind, sign in kinds.items()
)
_EARNED = f"""
own AS MATERIALIZED (
    SELECT account_id, account_type, parent_account_id,
        CASE WHEN classification IN ('Revenue', 'Expense') THEN account_id ELSE 'none' END AS counts
    FROM ready_quickbooks_accounts WHERE _source = $1
), tree AS (
    SELECT account_id AS top, account_id AS item FROM own
    UNION SELECT t.top, a.account_id FROM tree t JOIN own a ON a.parent_account_id = t.item
), printed(line, account_type, sign) AS (
    VALUES {_PRINTED}
), members AS (
    SELECT 'account' AS kind, account_id AS key, counts AS item FROM own
    UNION ALL SELECT 'account below', t.top, o.counts FROM tree t JOIN own o ON o.account_id = t.item
    UNION ALL SELECT 'section', p.line, 'none' FROM printed p
    UNION ALL SELECT 'section', p.line, p.sign || o.account_id FROM printed p JOIN own o USING (account_type)
)"""

_PLAIN = "NULL AS class_id, NULL AS department_id, NULL AS customer_id"
_REPORT = (
    "SELECT account_id AS item, {day} AS day, coalesce(amount, 0) AS amount, 1 AS counted, currency, "
    + _PLAIN
    + """ FROM {table} WHERE _source = $1 AND adds_up AND account_id IS NOT NULL
UNION ALL SELECT 'section ' || section, {day}, coalesce(amount, 0), 1, currency, NULL, NULL, NULL
FROM {table} WHERE _source = $1 AND row_kind = 'summary' AND level = 0 AND section IS NOT NULL"""
)
_POSTED = (
    "SELECT account_id AS item, posting_date AS day, amount, 1 AS counted, currency, "
    + _PLAIN
    + " FROM ready_quickbooks_ledger_lines WHERE _source = $1"
)
_POSTED_OF = _POSTED.replace(_PLAIN, "class_id, department_id, customer_id")
#: Lines that were read or made ready long ago say nothing of it: then nothing is known, which is not zero.
_KNOWN_SINCE = """SELECT CASE WHEN NOT EXISTS (
    SELECT 1 FROM ready_quickbooks_ledger_lines WHERE _source = $1 AND ({unknown})) THEN min(period_start) END,
    max(period_start) FROM ready_quickbooks_account_balances WHERE _source = $1"""
_EVERY = frozenset({"class_id", "department_id", "customer_id"})
_KEPT_AS = {"class_id": "classes", "department_id": "locations", "customer_id": "customers"}
#: Where accounts stood before the first posting that is imported; one without any stands where it stands now.
_OPENED = """
UNION ALL SELECT account_id,
    (SELECT min(period_start) FROM ready_quickbooks_account_balances WHERE _source = $1),
    arg_min(opening_balance, period_start), 0, arg_min(currency, period_start), NULL, NULL, NULL
FROM ready_quickbooks_account_balances WHERE _source = $1 GROUP BY account_id
UNION ALL SELECT a.account_id, (SELECT min(period_start) FROM ready_quickbooks_account_balances WHERE _source = $1),
    a.current_balance, 0, a.currency, NULL, NULL, NULL
FROM ready_quickbooks_accounts a WHERE a._source = $1 AND a.account_id NOT IN
    (SELECT account_id FROM ready_quickbooks_account_balances WHERE _source = $1 AND account_id IS NOT NULL)"""
#: Lines that were made ready long ago have no such column yet: it is read for who narrows by it alone.
_NO_DEPARTMENT = "NULL AS department_id"
_LINES = """SELECT item_id AS item, {one}_date AS day, {sign}home_amount AS amount, 1 AS counted,
    (SELECT code FROM home) AS currency,
    class_id, NULL AS department_id, customer_id FROM ready_quickbooks_{one}_lines WHERE _source = $1"""
_DOCUMENTS = """SELECT customer_id AS item, {one}_date AS day, {sign}home_total_amount AS amount, 1 AS counted,
    (SELECT code FROM home) AS currency,
    class_id, department_id, customer_id FROM ready_quickbooks_{one}s WHERE _source = $1"""
_SALES = {"invoice": "", "sales_receipt": "", "credit_memo": "-", "refund_receipt": "-"}


def known_day(day: str) -> str:
    """Return the SQL of a day as periods can be made of it: what is mistyped by centuries counts at that end of them.

    NULL stays NULL.
    """
    first, last = "DATE '1900-01-01'", "DATE '2100-01-01'"
    return f"CASE WHEN {day} < {first} THEN {first} WHEN {day} > {last} THEN {last} ELSE {day} END"


@dataclass(frozen=True, slots=True)
class Table:
    """A dataset as SQL."""

    #: as people read it
    label: str
    #: what its records are called
    called: str
    calculations: frozenset[Calculation]
    kinds: frozenset[ItemKind]
    #: CTEs of ours that end with `members`
    members: str
    records: str
    #: a SELECT of the first day that is imported, and of the last
    since: str
    #: nothing lies before that day
    whole: bool = False
    #: by month only
    monthly: bool = False
    #: what it can be narrowed to
    filters: frozenset[str] = frozenset()
    #: the raw stream that is read once a day, where there is one; the rest is as new as the run
    daily: str = ""
    #: over the same CTEs: what is in every record, and another for all of them at once
    shared: str = ""
    #: columns, as ``table.column``, without which there are no answers
    columns: tuple[str, ...] = ()
    #: why there is no first day though its tables are there, in words
    unknown: str = ""
    #: whether each record counts once more with the other sign, as the item ``-<item>``: what is taken off in a line
    both: bool = False

    def filters_for(self, calculation: Calculation) -> frozenset[str]:
        """What it can be narrowed to in a calculation: where accounts stood before all postings is known as a whole."""
        return frozenset() if calculation is Calculation.END_BALANCE else self.filters


def _posted(label: str, kinds: set[ItemKind], *, standing: bool = False) -> Table:
    return Table(
        label,
        "postings",
        _LEDGER if standing else _LEDGER - {Calculation.END_BALANCE},
        frozenset(kinds),
        _ACCOUNTS.format(more=""),
        _POSTED,
        "SELECT min(period_start), max(period_start) FROM ready_quickbooks_account_balances WHERE _source = $1",
        filters=_EVERY,
        daily="general_ledger",
    )


def _report(label: str, name: str, day: str, calculations: frozenset[Calculation], *, daily: bool) -> Table:
    table = f"ready_quickbooks_{name}"
    return Table(
        label,
        "lines of the report",
        calculations,
        frozenset({ItemKind.ACCOUNT, ItemKind.SECTION}),
        _ACCOUNTS.format(more=_SECTIONS.format(table=table)),
        _REPORT.format(table=table, day=day),
        f"SELECT CAST(date_trunc('month', min({day})) AS DATE), max({day}) FROM {table} WHERE _source = $1",
        monthly=True,
        # The ledger, of which alone it is known, is on the accrual basis.
        filters=_EVERY if name == "profit_and_loss" else frozenset(),
        daily=name if daily else "",
    )


def _sold(label: str, kind: ItemKind, select: str, filters: set[str]) -> Table:
    records = " UNION ALL ".join(select.format(one=one, sign=sign) for one, sign in _SALES.items())
    days = " UNION ALL ".join(
        f"SELECT {one}_date AS day FROM ready_quickbooks_{one}s WHERE _source = $1" for one in _SALES
    )
    return Table(
        label,
        "lines of sales and credits" if kind is ItemKind.ITEM else "sales and credits",
        _LEDGER - {Calculation.END_BALANCE},
        frozenset({ItemKind.ALL, kind}),
        _LISTED.format(one=kind.value),
        records,
        f"SELECT {known_day('min(day)')}, {known_day('max(day)')} FROM ({days})",
        whole=True,
        filters=frozenset(filters),
        shared="SELECT code FROM home",
    )


@cache
def tables() -> Mapping[tuple[Dataset, Basis], Table]:
    """Return all there are; what is not among them is not calculated."""
    account, all_, category = ItemKind.ACCOUNT, ItemKind.ALL, ItemKind.CATEGORY
    plain = {
        Dataset.ACCOUNTS: _posted("Accounts", {account}, standing=True),
        Dataset.CATEGORIES: _posted("Account types", {category}, standing=True),
        Dataset.REVENUE: _posted("Revenue", {all_, account}),
        Dataset.EXPENSES: _posted("Expenses", {all_, account}),
        Dataset.ITEMS: _sold(
            "Products and services", ItemKind.ITEM, _LINES, {"class_id", "department_id", "customer_id"}
        ),
        Dataset.CUSTOMERS: _sold("Customers", ItemKind.CUSTOMER, _DOCUMENTS, {"department_id"}),
    }
    found = {(dataset, Basis.ACCRUAL): table for dataset, table in plain.items()}
    for basis, ending in ((Basis.ACCRUAL, ""), (Basis.CASH, "_cash")):
        daily = basis is Basis.CASH
        profit = _report("Profit and loss", f"profit_and_loss{ending}", "period_start", _MOVING, daily=daily)
        sheet = _report("Balance sheet", f"balance_sheet{ending}", "balance_date", _STANDING, daily=daily)
        found |= {(Dataset.PROFIT_AND_LOSS, basis): profit, (Dataset.BALANCE_SHEET, basis): sheet}
    return found


@cache
def narrowed(dataset: Dataset, basis: Basis, by: frozenset[str]) -> Table | None:
    """Return what it is calculated from when it is narrowed by those columns; without any, the plain table.

    Of a report QuickBooks says totals alone: there the lines of the ledger are added up that are in it.
    """
    table = tables().get((dataset, basis))
    profit = dataset is Dataset.PROFIT_AND_LOSS
    if table is None or not by <= table.filters or not (profit or table.daily) or not by:
        return table
    names = sorted(name.removesuffix("_id") for name in by)
    unknown = " OR ".join(f"{name}_known IS NOT TRUE" for name in names)
    kept = " and ".join(_KEPT_AS[f"{name}_id"] for name in names)
    return replace(
        table,
        called="postings",
        members=_EARNED if profit else table.members,
        records=_POSTED_OF,
        both=profit,
        since=_KNOWN_SINCE.format(unknown=unknown),
        monthly=False,
        daily="general_ledger",
        columns=tuple(f"ready_quickbooks_ledger_lines.{name}_known" for name in names),
        unknown=(
            f"what {' and '.join(names)} {UNSAID}: that comes with the general ledger, "
            f"which is read once a day, where QuickBooks keeps {kept}"
        ),
    )


def adds_up(dataset: Dataset, line: str) -> bool:
    """Whether a line of a report is a sum of types of accounts, so that it can be made of the ledger's lines."""
    return dataset is Dataset.PROFIT_AND_LOSS and line in _LINES_OF_PROFIT


#: What items are called: names for people, looked up when a metric is made and never part of a calculation.
_NAMES = {
    ItemKind.ACCOUNT: "SELECT account_id AS key, account_full_name AS name FROM ready_quickbooks_accounts",
    ItemKind.CATEGORY: "SELECT account_type AS key, account_type AS name FROM ready_quickbooks_accounts",
    ItemKind.ITEM: "SELECT item_id AS key, item_full_name AS name FROM ready_quickbooks_items",
    ItemKind.CUSTOMER: "SELECT customer_id AS key, customer_name AS name FROM ready_quickbooks_customers",
}


def names_of(dataset: Dataset, kind: ItemKind) -> str:
    """Return the SELECT of what of a kind can be chosen there and has the name ``$2``, in any case; three at most.

    Spaces too many in QuickBooks count as one, as they do in what people type. What is called exactly so comes first.
    """
    if kind is ItemKind.SECTION:
        table = f"ready_quickbooks_{dataset.value}"
        names = f"SELECT section AS key, section AS name FROM {table} WHERE row_kind = 'summary' AND level = 0 AND"
    else:
        names = f"{_NAMES[kind]} WHERE"
    return (
        f"SELECT * FROM (SELECT DISTINCT key, name FROM ({names} _source = $1)"
        f" WHERE lower({_spaced('name')}) = lower($2)) ORDER BY name <> $2, key LIMIT 3"
    )


def shared_by(table: Table, *, standing: bool) -> str:
    """Return the SELECT of what the records stand on beside their own rows and their members; may be empty."""
    return f"SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL WHERE false {_OPENED}" if standing else table.shared


def opened() -> str:
    """Return the SELECT of where accounts stood before the first posting, as records."""
    return f"{_POSTED} AND false{_OPENED}"


def narrowing_names(field: str) -> str:
    """Return the SELECT of the classes, departments or customers (``class_id`` …) called ``$2``; three at most.

    What is called so with its parents comes before what is called so below another one; see `names_of`.
    """
    one = field.removesuffix("_id")
    table = "classes" if one == "class" else f"{one}s"
    whole = f"coalesce({one}_full_name, {one}_name)"
    return (
        f"SELECT * FROM (SELECT DISTINCT {field} AS key, {whole} AS name FROM ready_quickbooks_{table}"
        f" WHERE _source = $1 AND lower($2) IN (lower({_spaced(whole)}), lower({_spaced(f'{one}_name')})))"
        f" ORDER BY name <> $2, lower({_spaced('name')}) <> lower($2), key LIMIT 3"
    )


def _spaced(name: str) -> str:
    """Return the SQL of a name without spaces around it, and with one where there are several."""
    return f"trim(regexp_replace({name}, '\\s+', ' ', 'g'))"


def records_of(table: Table, *, standing: bool, of_department: bool = False) -> str:
    """Return the SELECT of records; for the balance of accounts also what stood before them."""
    if standing:
        return table.records + _OPENED
    return table.records.replace(_NO_DEPARTMENT, "department_id") if of_department else table.records
