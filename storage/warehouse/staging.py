"""Rows wait in Parquet files for the load's transaction: memory stays small, and none is open while pages come in."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from storage.facts.streams import Batch, Stream
from storage.warehouse.batches import BATCH, GONE, prepare
from storage.warehouse.columns import arrow_schema, batch_columns, check_stream, line_columns
from storage.warehouse.errors import WrongBatch

#: some bytes of a row group of a staging file
ROW_GROUP_BYTES = 8 << 20


@dataclass(slots=True)
class StagedStream:
    """The files of one stream: its records, and its lines by child table."""

    stream: Stream
    rows: Path
    children: dict[str, Path]
    #: batches written, empty ones included
    batches: int = 0
    #: records written, duplicates and deletions included
    count: int = 0
    #: the same by batch: its number within the load, and how many
    sizes: list[tuple[int, int]] = field(default_factory=list)
    writers: dict[Path, Any] = field(default_factory=dict)

    def stretches(self, most: int) -> list[tuple[int, int]]:
        """Return the first and last batch of stretches of at most so many records each, or of one batch."""
        found: list[tuple[int, int]] = []
        held = 0
        for number, rows in self.sizes:
            held += rows
            if found and held <= most:
                found[-1] = (found[-1][0], number)
            else:
                found.append((number, number))
                held = rows
        return found


def staged_by(folder: Path, source_id: str) -> list[Path]:
    """Return the folders that loads of a source have, or left when they were killed."""
    return list(folder.glob(f"{_prefix(source_id)}*"))


def _prefix(source_id: str) -> str:
    # No id becomes a path: a digest of it is one in any case.
    return f"load-{hashlib.sha256(source_id.encode()).hexdigest()[:16]}-"


class Staging:
    """The staged rows of one load, in a folder of its own; used by one thread at a time."""

    def __init__(self, folder: Path, source_id: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix=_prefix(source_id), dir=folder))
        self._batches = 0
        #: in the order in which they were declared
        self.streams: dict[str, StagedStream] = {}

    def declare(self, stream: Stream) -> StagedStream:
        """Know a stream, also one that brings no records (WrongBatch when it was declared otherwise before)."""
        known = self.streams.get(stream.name)
        if known is None:
            check_stream(stream)
            place = len(self.streams)
            children = {child.name: self._folder / f"{place}-{n}.parquet" for n, child in enumerate(stream.children)}
            known = self.streams[stream.name] = StagedStream(stream, self._folder / f"{place}.parquet", children)
        elif known.stream != stream:
            raise WrongBatch(f"{stream.name}: declared in two ways in one load")
        return known

    def add(self, batch: Batch) -> None:
        """Write one batch to the files."""
        staged = self.declare(batch.stream)
        self._batches += 1
        prepared = prepare(batch, self._batches)
        staged.batches += 1
        staged.count += prepared.rows.num_rows
        staged.sizes.append((self._batches, prepared.rows.num_rows))
        _append(staged, staged.rows, prepared.rows)
        for name, lines in prepared.children.items():
            _append(staged, staged.children[name], lines)

    def close(self) -> None:
        """Finish the files, with an empty one for each table that got no rows, so that they can be read."""
        for staged in self.streams.values():
            schemas = {staged.rows: arrow_schema((*batch_columns(staged.stream), GONE, BATCH))}
            for child in staged.stream.children:
                schemas[staged.children[child.name]] = arrow_schema((*line_columns(child), BATCH))
            for path, schema in schemas.items():
                if path not in staged.writers and not path.exists():
                    _append(staged, path, schema.empty_table())
            while staged.writers:
                staged.writers.popitem()[1].close()
        # Arrow keeps what it freed, more than 100 MB after a big read; the commit that follows needs memory of its own.
        pa.default_memory_pool().release_unused()

    def remove(self) -> None:
        """Delete the files."""
        for staged in self.streams.values():
            while staged.writers:
                staged.writers.popitem()[1].close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _append(staged: StagedStream, path: Path, table: Any) -> None:
    writer = staged.writers.get(path)
    if writer is None:
        # Read once or twice and thrown away: dictionaries and statistics cost more than they save, except those of the
        # one column by which a stretch of batches is found.
        writer = staged.writers[path] = pq.ParquetWriter(
            path, table.schema, compression="snappy", use_dictionary=False, write_statistics=[BATCH.name]
        )
    # Whoever reads the file later holds a whole row group for each thread.
    writer.write_table(table, row_group_size=max(1, table.num_rows * ROW_GROUP_BYTES // max(1, table.nbytes)))
