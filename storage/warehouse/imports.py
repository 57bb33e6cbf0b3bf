"""The SQL of the tables that people import: what each provider's ready tables give, under one another.

A provider takes part as soon as all ready tables that its part reads are there; before, it has no rows.
"""

import re
from collections.abc import Collection, Iterator

from storage.facts.imports import ImportTable
from storage.warehouse.names import identifier, quote, text

_READY = re.compile(r"\bready_[a-z0-9_]+\b")


def view(table: ImportTable, there: Collection[str]) -> str:
    """Return a table's SELECT over the ready tables that are there; without any it has its columns, and no rows."""
    # Types and names are those of the first part.
    return " UNION ALL ".join((_empty(table), *_parts(table, there)))


def reads(sql: str) -> frozenset[str]:
    """Return the ready tables that a part names."""
    return frozenset(_READY.findall(sql))


def _empty(table: ImportTable) -> str:
    columns = ", ".join(f"CAST(NULL AS {one.type}) AS {quote(identifier(one.name))}" for one in table.columns)
    return f"SELECT {columns} WHERE FALSE"


def _parts(table: ImportTable, there: Collection[str]) -> Iterator[str]:
    for provider, sql in table.parts.items():
        if reads(sql) <= set(there):
            columns = ", ".join(
                text(provider) if one.name == "provider" else f"CAST(p.{quote(one.name)} AS {one.type})"
                for one in table.columns
            )
            yield f"SELECT {columns} FROM ({sql}) p"  # noqa: S608 - names that were checked, SQL of ours
