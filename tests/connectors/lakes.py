"""Lakes of what a connector collected, and questions about them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from storage.warehouse import LoadRun, Reader, Warehouse
from tests.connectors.worlds import World

Ask = Callable[[Warehouse, str], list[dict[str, Any]]]


def load(world: World, folder: Path, done: Any) -> Warehouse:
    """Load and process what the world's connector handed on."""
    connector = world.connector
    warehouse = Warehouse(str(folder), "org_1")
    run = LoadRun("run_1", "src_1", connector.provider.value, world.clock.now())
    with warehouse.begin(run, connector.streams) as loader:
        for batch in world.kept.batches:
            loader.write(batch)
        loader.commit(done.cursors, full=done.full, keep_cursors=done.keep_cursors)
    warehouse.process("run_1", "src_1", connector.ready)
    return warehouse


@contextmanager
def asking() -> Iterator[Ask]:
    """Give questions about lakes through one reader for each: opening one costs 0.15 s."""
    readers: dict[Warehouse, Reader] = {}
    with ExitStack() as stack:

        def query(warehouse: Warehouse, sql: str) -> list[dict[str, Any]]:
            if warehouse not in readers:
                readers[warehouse] = stack.enter_context(warehouse.reader())
            return readers[warehouse].query(sql)

        yield query
