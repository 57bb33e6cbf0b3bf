"""A generated company's records, as the lake holds them, and what the pre-built profile looks up."""

import io
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jobs.exchange.fil import FilRules, FilWriter, Written
from jobs.exchange.mapping import Inputs, Mapped, Mapper, PairMapping
from jobs.exchange.mapping.inputs import item_numbers, names, sales_reps
from sandbox.providers.quickbooks.generate import Size, generate
from sandbox.providers.quickbooks.values import decode, encode
from storage.facts.clock import SystemClock

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
ENTITIES = {
    "customers": "Customer",
    "items": "Item",
    "vendors": "Vendor",
    "sales_reps": "Employee",
    "invoices": "Invoice",
}


@cache
def company() -> Mapping[str, list[dict[str, Any]]]:
    """The records of each kind."""
    books = generate(
        7, Size(invoices=30, customers=12, bills=4, journal_entries=2, documents=1), as_of=AS_OF, clock=SystemClock()
    )
    wanted = (*ENTITIES.values(), "Term", "CustomerType", "Account")
    return {entity: [decode(encode(record)) for record in books.tables[entity].records()] for entity in wanted}


def inputs() -> Inputs:
    """What the profile looks up."""
    made = company()
    return Inputs(
        {
            "terms": names(made["Term"]),
            "customer_types": names(made["CustomerType"]),
            "account_numbers": names(made["Account"], "AcctNum"),
            "item_numbers": item_numbers(made["Item"]),
            "sales_rep_of_customer": sales_reps(made["Invoice"]),
        }
    )


def file_of(
    pair: PairMapping,
    records: Iterable[dict[str, Any]],
    rules: FilRules | None = None,
    writer: type[FilWriter] = FilWriter,
) -> tuple[bytes, Written]:
    """Return the file that records come to."""
    out = io.BytesIO()
    rules = rules or FilRules()
    made, mapper = writer(out, rules, pair.fil_columns, pair.keys), Mapper(pair, inputs())
    for record in records:
        result = mapper.map(record)
        if isinstance(result, Mapped):
            made.record(result.rows)
    written = made.close()
    return out.getvalue(), written
