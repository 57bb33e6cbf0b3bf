"""A warehouse in memory that keeps the promises of the real one, for tens of thousands of loads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from jobs.ground import Warehouses
from storage.facts.ready import ReadyTable
from storage.facts.streams import Batch, Stream, StreamCounts
from storage.warehouse import LoadResult, LoadRun, Shrunk, Warehouse
from storage.warehouse.results import ProcessResult, Standing

Fence = Callable[[], None]
#: key -> version
Rows = dict[str, int]


@dataclass
class Part:
    """What is there of one source."""

    raw: dict[str, Rows] = field(default_factory=dict)
    ready: dict[str, Rows] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)


class Load:
    """One load: staged, then committed at once."""

    def __init__(self, lake: "SmallLake", run: LoadRun, checkpoint: Callable[[str], None]) -> None:
        self._lake, self._run, self._checkpoint = lake, run, checkpoint
        self._batches: list[Batch] = []

    def write(self, batch: Batch) -> None:
        self._batches.append(batch)

    def abort(self) -> None:
        self._batches.clear()

    def commit(
        self,
        cursors: Mapping[str, str],
        full: Collection[str] = (),
        *,
        aside: Collection[str] = (),
        fence: Fence | None = None,
        **_others: Any,
    ) -> LoadResult:
        run, lake = self._run, self._lake
        if run.run_id in lake.loaded:
            return lake.loaded[run.run_id]
        self._checkpoint("warehouse.staged")
        part, before, counts = lake.part(run.source_id), lake.snapshot(), {}
        raw = {name: dict(rows) for name, rows in part.raw.items()}
        come = {batch.stream.name for batch in self._batches}
        for name in full:
            if name not in come and raw.get(name):
                # The real one holds any read that finds far fewer records than there are.
                raise Shrunk(name, len(raw[name]), 0)
        for batch in self._batches:
            if batch.stream.name not in aside:
                counts[batch.stream.name] = _merge(raw.setdefault(batch.stream.name, {}), batch)
        if fence is not None:
            fence()
        part.raw = raw
        part.cursors.update({name: cursor for name, cursor in cursors.items() if name not in aside})
        lake.number += 1
        lake.touched += 1
        lake.loaded[run.run_id] = LoadResult(
            run.run_id, before, lake.number, counts, run.extracted_at, f"{lake.number:064x}", tuple(sorted(aside))
        )
        self._checkpoint("warehouse.committed")
        return lake.loaded[run.run_id]


def _merge(rows: Rows, batch: Batch) -> StreamCounts:
    come = dict(zip(batch.rows["id"].to_pylist(), batch.rows["version"].to_pylist(), strict=True))
    new = sum(key not in rows for key in come)
    unchanged = sum(rows.get(key) == version for key, version in come.items())
    gone = [key for key in batch.deleted if rows.pop(key, None) is not None]
    rows.update(come)
    return StreamCounts(new, len(come) - new - unchanged, len(gone), unchanged, len(rows))


class SmallLake:
    """One organization's."""

    def __init__(self) -> None:
        self.number = 0
        #: grows with everything that people may see change
        self.touched = 0
        self.loaded: dict[str, LoadResult] = {}
        self._parts: dict[str, Part] = {}

    def part(self, source_id: str) -> Part:
        return self._parts.setdefault(source_id, Part())

    def begin(
        self, run: LoadRun, _streams: Sequence[Stream] = (), *, checkpoint: Callable[[str], None], **_others: Any
    ) -> Load:
        return Load(self, run, checkpoint)

    def find_run(self, run_id: str, _kind: str) -> LoadResult | None:
        return self.loaded.get(run_id)

    def process(
        self, run_id: str, source_id: str, tables: Sequence[ReadyTable], *, fence: Fence | None = None, **_others: Any
    ) -> ProcessResult:
        part = self.part(source_id)
        if fence is not None:
            fence()
        self.touched += 1
        part.ready = {table.name: dict(part.raw.get(table.parent.rpartition("_")[2], {})) for table in tables}
        return ProcessResult(run_id, self.number, self.number, {})

    def standing(self, source_id: str) -> Standing:
        part = self.part(source_id)
        return Standing(dict(part.cursors), {name: len(rows) for name, rows in part.raw.items()}, frozenset())

    def snapshot(self) -> int:
        return self.number

    def scattered(self) -> list[str]:
        return []


class SmallLakes(Warehouses):
    """All organizations'; outlives the processes, as folders do."""

    def __init__(self) -> None:
        self._lakes: dict[str, SmallLake] = {}

    def of(self, organization_id: str) -> Warehouse:
        return cast("Warehouse", self.lake(organization_id))

    def lake(self, organization_id: str) -> SmallLake:
        return self._lakes.setdefault(organization_id, SmallLake())
