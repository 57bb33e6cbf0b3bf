"""What a connector says about one ready table: the SQL that builds it, and which raw records it reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReadyTable:
    """One table that people import, ``ready_<name>``, built from raw tables by a plain SELECT.

    The SQL reads raw tables by their plain names and needs no filter of its own: it sees live rows of one source only,
    and of the parent (and its lines) only the records that must be built. A raw table that is not declared here is not
    visible to it. Each row it gives may depend on one parent record, that record's lines and the declared lookups;
    anything wider needs `whole`.
    """

    name: str
    sql: str
    #: the raw table whose records drive it: ``raw_quickbooks_invoices``
    parent: str
    #: the column of the SELECT that holds the parent's id; not used when `whole`
    key: str = "id"
    #: child tables of the parent that the SQL reads: ``raw_quickbooks_invoice_lines``
    lines: tuple[str, ...] = ()
    #: other raw tables that the SQL reads -> the column that refers to their id: ``customer_id`` of the parent,
    #: or ``raw_quickbooks_invoice_lines.item_id`` of its lines
    lookups: Mapping[str, str] = field(default_factory=dict)
    #: a row may depend on many records (totals, reports): the source's part is built anew whenever anything that it
    #: reads changed
    whole: bool = False
    #: columns that are empty where an amount does not fit -> columns of the table: where all of those are there, an
    #: empty one means that; it is counted and told
    fits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
