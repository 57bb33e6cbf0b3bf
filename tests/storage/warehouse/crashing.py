"""A process that loads one run and may be killed on the way: ``python -m tests.storage.warehouse.crashing``.

Arguments: warehouse URL, checkpoint to die at (or ``-``), ``whole`` or ``each-table``. Says ``loading`` when it begins.
"""

import os
import signal
import sys

from storage.warehouse import Warehouse
from tests.storage.warehouse.company import READY, SOURCE, STREAMS, run
from tests.storage.warehouse.story import SECOND, cursors
from tests.storage.warehouse.twins import CommitsEachTable


def main(url: str, deadly: str, kind: str) -> None:
    def checkpoint(name: str) -> None:
        if name == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    warehouse = Warehouse(url, "org_1", threads=1) if kind == "whole" else CommitsEachTable(url, "org_1", threads=1)
    sys.stdout.write("loading\n")
    sys.stdout.flush()
    with warehouse.begin(run("second"), STREAMS, checkpoint=checkpoint) as loader:
        for batch in SECOND.batches:
            loader.write(batch)
        loader.commit(cursors("second"), SECOND.full)
    warehouse.process("second", SOURCE, READY, checkpoint=checkpoint)


if __name__ == "__main__":
    main(*sys.argv[1:])
