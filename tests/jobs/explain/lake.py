"""Documents in a real lake, through the connector's own streams."""

from datetime import date
from decimal import Decimal

import pyarrow as pa

from connectors.registry import connector_for
from jobs.ground import Warehouses
from storage.facts.clock import OffsetClock
from storage.facts.sources import Provider, Source
from storage.facts.streams import RECORD_COLUMNS, Batch, ColumnType, Stream
from storage.warehouse import LoadRun

_ARROW = {
    ColumnType.MONEY: pa.decimal128(18, 2),
    ColumnType.NUMBER: pa.decimal128(28, 9),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.DATE: pa.date32(),
    ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
}


def stream_of(provider: Provider, name: str) -> Stream:
    """Return a stream of the connector."""
    return next(stream for stream in connector_for(provider).streams if stream.name == name)


def put(
    warehouses: Warehouses,
    source: Source,
    run_id: str,
    *documents: tuple[str, str, str],
    stream: str = "invoices",
    deleted: tuple[str, ...] = (),
) -> None:
    """Load documents of (id, number, amount) as that run."""
    shape = stream_of(source.provider, stream)
    known = {
        "id": [one[0] for one in documents],
        "doc_number": [one[1] for one in documents],
        "total_amount": [Decimal(one[2]) for one in documents],
        "currency": ["USD"] * len(documents),
        "txn_date": [date(2026, 11, 20)] * len(documents),
        "_hash": [f"{run_id}-{one[0]}" for one in documents],
        "_raw": ["{}"] * len(documents),
    }
    columns = {
        column.name: pa.array(known.get(column.name, [None] * len(documents)), _ARROW.get(column.type, pa.string()))
        for column in (*shape.columns, *RECORD_COLUMNS)
    }
    children = {
        child.name: pa.table(
            {
                "parent_id": pa.array([], pa.string()),
                "position": pa.array([], pa.int64()),
                **{one.name: pa.array([], _ARROW.get(one.type, pa.string())) for one in child.columns},
            }
        )
        for child in shape.children
    }
    run = LoadRun(run_id, source.id, source.provider.value, OffsetClock().now())
    with warehouses.of(source.organization_id).begin(run, (shape,)) as loader:
        loader.write(Batch(shape, pa.table(columns), children, deleted))
        loader.commit({})
