"""What a metric is calculated from, in words, and which part of it is the oldest."""

from connectors.registry import connector_for
from jobs.metrics.compiling import needs_of, sides_of
from storage.facts.metrics import Definition
from storage.facts.sources import Provider


def worst_input(definition: Definition) -> str:
    """Return which input decides up to when a metric's data is complete: what is read once a day before all else."""
    tables = [side.table for side in sides_of(definition) if side.table is not None]
    daily = [table.daily for table in tables if table.daily]
    if daily:
        return f"{_stream(daily[0])}, read once a day"
    labels = dict.fromkeys(table.label.lower() for table in tables)
    return f"{' and '.join(labels)}, read with every collection" if labels else ""


def streams_of(definition: Definition) -> list[str]:
    """Return the streams of QuickBooks whose records a metric adds up: ``invoices``, ``general_ledger``."""
    tables = [side.table for side in sides_of(definition) if side.table is not None]
    needed = {name for table in tables for name in needs_of(table.records)}
    ready = connector_for(Provider.QUICKBOOKS).ready
    found = (one.parent.removeprefix("raw_quickbooks_") for one in ready if f"ready_{one.name}" in needed)
    return list(dict.fromkeys(found))


def daily_of(definition: Definition) -> str:
    """Return the stream of a metric that is read once a day; empty where none is."""
    return next((side.table.daily for side in sides_of(definition) if side.table and side.table.daily), "")


def _stream(name: str) -> str:
    plain, cash, _ = name.partition("_cash")
    return plain.replace("_", " ") + (" on the cash basis" if cash else "")
