"""Look for a record in the lake by its number or its exact amount; read-only, bounded, in a thread."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from connectors.landmarks import LANDMARKS, Landmark
from storage.facts.landed import Row, Sought, SoughtKind
from storage.facts.sources import Source

if TYPE_CHECKING:
    from storage.warehouse import Warehouse

#: rows that are shown of one source
MOST = 3


def search(warehouse: "Warehouse", source: Source, wanted: Sought) -> list[Row]:
    """Return the first live records of the source that are meant; none before its first read. Blocks.

    What is read is the newest snapshot; whether its run is ready is for whoever asks to say.
    """
    from storage.warehouse import NoLake

    try:
        reader = warehouse.reader()
    except NoLake:
        return []
    with reader:
        there = set(reader.tables())
        found: list[Row] = []
        for mark in LANDMARKS.get(source.provider, ()):
            table = f"raw_{source.provider}_{mark.stream}"
            if table not in there or (wanted.kind is SoughtKind.AMOUNT and mark.amount is None):
                continue
            rows = reader.query(_sql(table, mark, wanted), [source.id, *_values(mark, wanted)])
            found += [
                Row(mark.noun, row["number"], row["amount"], row["currency"], row["day"], row["run"]) for row in rows
            ]
            if len(found) >= MOST:
                break
        return found[:MOST]


def _sql(table: str, mark: Landmark, wanted: Sought) -> str:
    amount = f"CAST({mark.amount} AS DECIMAL(28, 3))" if mark.amount else "NULL"
    day = f"CAST({mark.day} AS DATE)" if mark.day else "NULL"
    meant = " OR ".join(_conditions(mark, wanted))
    # Names of ours alone; what people type is a parameter.
    return (
        f"SELECT COALESCE({mark.numbers[0]}, id) AS number, {amount} AS amount, {mark.currency or 'NULL'} AS currency,"  # noqa: S608 - names of ours, values bound
        f" {day} AS day, _run_id AS run FROM {table} WHERE _source = ? AND NOT _deleted AND ({meant})"
        f" ORDER BY _extracted_at DESC, id LIMIT {MOST}"
    )


def _conditions(mark: Landmark, wanted: Sought) -> Iterator[str]:
    if wanted.kind is SoughtKind.AMOUNT:
        yield f"{mark.amount} = CAST(? AS DECIMAL(28, 3))"
        return
    for column in dict.fromkeys(("id", *mark.numbers)):
        yield f"lower({column}) IN (?, ?)"


def _values(mark: Landmark, wanted: Sought) -> Iterator[str]:
    if wanted.kind is SoughtKind.AMOUNT:
        yield wanted.text
        return
    bare = wanted.text.lower().removeprefix("#")
    for _ in dict.fromkeys(("id", *mark.numbers)):
        yield from (bare, f"#{bare}")
