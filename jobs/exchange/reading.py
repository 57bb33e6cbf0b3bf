"""The lake's side: records of QuickBooks as its own JSON, streamed, and the tables that a mapping looks up."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from storage.facts.exchange import Pair

if TYPE_CHECKING:
    from storage.warehouse import Reader

TABLES = {
    Pair.CUSTOMERS: "raw_quickbooks_customers",
    Pair.ITEMS: "raw_quickbooks_items",
    Pair.VENDORS: "raw_quickbooks_vendors",
    Pair.SALES_REPS: "raw_quickbooks_employees",
    Pair.INVOICES: "raw_quickbooks_invoices",
}
_INVOICES, _ITEMS = TABLES[Pair.INVOICES], TABLES[Pair.ITEMS]
#: records that are asked for at once
_PORTION = 20_000

#: The invoice of each customer that counts last: the day, then the number that QuickBooks gave it.
_LATEST = (
    "SELECT _raw FROM (SELECT _raw, row_number() OVER (PARTITION BY customer_id"  # noqa: S608 - a table's name of ours
    " ORDER BY txn_date DESC, try_cast(id AS BIGINT) DESC, id DESC) AS place"
    f" FROM {_INVOICES} WHERE _source = ? AND NOT _deleted AND customer_id IS NOT NULL) WHERE place = 1"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """An invoice as it stands, without its content."""

    revision: str
    deleted: bool


def records(reader: "Reader", pair: Pair, books_id: str, portion: int = _PORTION) -> Iterator[dict[str, Any]]:
    """Yield every live record of a full pair, in no order."""
    for (raw,) in _portions(reader, TABLES[pair], "_raw", "NOT _deleted", books_id, portion):
        yield _decoded(raw)


def invoices(reader: "Reader", books_id: str) -> Iterator[tuple[str, Standing]]:
    """Yield how every invoice stands that was ever imported."""
    sql = f"SELECT id, sync_token, _deleted FROM {_INVOICES} WHERE _source = ?"  # noqa: S608 - a table's name of ours
    for some in reader.batches(sql, (books_id,), 20_000):
        for key, token, deleted in some:
            yield key, Standing("" if token is None else str(token), bool(deleted))


def chosen(
    reader: "Reader", books_id: str, keys: Collection[str], portion: int = _PORTION
) -> Iterator[tuple[str, bool, dict[str, Any]]]:
    """Yield these invoices: key, whether it is gone, and the record as it was known last."""
    wanted, columns = frozenset(keys), "id, _deleted, _raw"
    if len(wanted) > portion:
        found = _portions(reader, _INVOICES, columns, "true", books_id, portion)
    else:
        sql = f"SELECT {columns} FROM {_INVOICES} WHERE _source = ? AND id IN (SELECT unnest(?))"  # noqa: S608 - names of ours
        found = (row for some in reader.batches(sql, (books_id, sorted(wanted))) for row in some)
    for key, deleted, raw in found:
        if key in wanted:
            yield key, bool(deleted), _decoded(raw)


def _portions(
    reader: "Reader", table: str, columns: str, which: str, books_id: str, portion: int
) -> Iterator[tuple[Any, ...]]:
    """Yield rows by portions of keys: the engine holds an answer as a whole, and all of them would not fit."""
    mine = f"FROM {table} WHERE _source = ? AND {which}"
    edges = f"SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS place {mine}) WHERE place % {portion} = 0"  # noqa: S608 - names of ours
    ends = sorted(row[0] for some in reader.batches(edges, (books_id,)) for row in some)
    for first, last in zip(["", *ends], [*ends, None], strict=True):
        sql, parameters = f"SELECT {columns} {mine} AND id > ?", [books_id, first]
        if last is not None:
            sql, parameters = f"{sql} AND id <= ?", [*parameters, last]
        for some in reader.batches(sql, parameters):
            yield from some


def tables(reader: "Reader", books_id: str, names: Sequence[str]) -> dict[str, Mapping[str, object]]:
    """Return the tables of these names that a mapping looks up; empty where QuickBooks has nothing of the kind."""
    there = frozenset(reader.tables())
    return {name: _INPUTS[name](reader, books_id, there) if name in _INPUTS else {} for name in names}


def has(reader: "Reader", pair: Pair) -> bool:
    """Whether anything of the kind was ever imported."""
    return TABLES[pair] in reader.tables()


Look = Callable[["Reader", str, Collection[str]], Mapping[str, object]]


def _column(table: str, column: str) -> Look:
    def look(reader: "Reader", books_id: str, there: Collection[str]) -> Mapping[str, object]:
        if table not in there:
            return {}
        sql = f"SELECT id, {column} FROM {table} WHERE _source = ? AND NOT _deleted AND {column} IS NOT NULL"  # noqa: S608 - names of ours
        return {key: value for some in reader.batches(sql, (books_id,)) for key, value in some if value}

    return look


def _numbers(reader: "Reader", books_id: str, there: Collection[str]) -> Mapping[str, object]:
    if _ITEMS not in there:
        return {}
    sql = f"SELECT id, sku FROM {_ITEMS} WHERE _source = ? AND NOT _deleted"  # noqa: S608 - a table's name of ours
    return {key: sku or key for some in reader.batches(sql, (books_id,)) for key, sku in some}


def _sales_reps(reader: "Reader", books_id: str, there: Collection[str]) -> Mapping[str, object]:
    from jobs.exchange.mapping.inputs import sales_reps

    if _INVOICES not in there:
        return {}
    found = reader.batches(_LATEST, (books_id,))
    return sales_reps(_decoded(raw) for some in found for (raw,) in some)


_INPUTS: Mapping[str, Look] = {
    "terms": _column("raw_quickbooks_terms", "name"),
    "customer_types": _column("raw_quickbooks_customer_types", "name"),
    "account_numbers": _column("raw_quickbooks_accounts", "number"),
    "item_numbers": _numbers,
    "sales_rep_of_customer": _sales_reps,
}


@cache
def _decoder() -> "msgspec.json.Decoder[dict[str, Any]]":
    return msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


def _decoded(raw: str) -> dict[str, Any]:
    return _decoder().decode(raw)
