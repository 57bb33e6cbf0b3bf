"""A full read of many invoices against only downloading and decoding the same pages, interleaved in one run.

Each reading is a fresh process. Its processor time is counted from after its imports, which all of them share and which
would flatter the ratio; the whole processes' time is told as well.
The server is a process of its own and not counted. What ours wrote is compared with the truth before it counts.
Run: python -m bench.full_read [--invoices 100000] [--rounds 3]
"""

import argparse
import json
import shutil
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import Figure, Outcome, at_most, at_most_times, show, spread
from bench.processes import Used, python, serving

TIMES = 5.0
MEGABYTES = 600.0


def check(folder: Path, truth: dict[str, Any]) -> None:
    """Compare the lake with the truth (RuntimeError)."""
    from storage.warehouse import Warehouse

    sql = (
        "SELECT count(*) AS n, count(DISTINCT id) AS keys, sum(total_amount) AS total,"
        " count(*) FILTER (_raw IS NULL) AS without_raw FROM raw_quickbooks_invoices WHERE NOT _deleted"
    )
    with Warehouse(str(folder), "org_1").reader() as reader:
        (found,) = reader.query(sql)
        (lines,) = reader.query("SELECT count(*) AS n FROM raw_quickbooks_invoice_lines")
    seen = (found["n"], found["keys"], found["total"], found["without_raw"], lines["n"])
    wanted = (truth["count"], truth["count"], Decimal(truth["total"]), 0, truth["lines"])
    if seen != wanted:
        raise RuntimeError(f"the lake holds {seen}, the truth is {wanted}")


def read_ours(said_file: Path, truth: dict[str, Any], folder: Path, *, keep: bool = False) -> Used:
    """Read once into a fresh lake, check it, and throw it away unless it is to be kept."""
    used = python("bench.reader", "ours", str(said_file), str(folder))
    check(folder, truth)
    if not keep:
        shutil.rmtree(folder)
    return used


def measure(*, quick: bool = False, invoices: int | None = None, rounds: int | None = None) -> Outcome:
    """Interleave the readings."""
    invoices, rounds = invoices or (2_000 if quick else 100_000), rounds or (1 if quick else 3)
    found: dict[str, list[Used]] = {"ours": [], "floor": [], "typed": []}
    with TemporaryDirectory(prefix="tidings-bench-") as name, serving("bench.pages", "--invoices", str(invoices)) as at:
        said_file, truth = Path(name) / "pages.json", at.said["truth"]
        said_file.write_text(json.dumps(at.said))
        python("bench.reader", "floor", str(said_file))  # the pages are made and remembered
        read_ours(said_file, truth, Path(name) / "lake")
        for _ in range(rounds):
            found["ours"].append(read_ours(said_file, truth, Path(name) / "lake"))
            for kind in ("floor", "typed"):
                used = python("bench.reader", kind, str(said_file))
                if used.said["rows"]["invoices"] != truth["count"]:
                    raise RuntimeError(f"{kind} read {used.said}")
                found[kind].append(used)
    cpu = {kind: spread([one.said["cpu"] for one in each]) for kind, each in found.items()}
    whole = {kind: spread([one.cpu for one in each]) for kind, each in found.items()}
    wall = {kind: spread([one.wall for one in each]) for kind, each in found.items()}
    peak = max(one.rss_mb for one in found["ours"])
    ours = cpu["ours"]["median"]
    figures = [
        at_most_times(
            "full read", f"CPU, {invoices:,} invoices, all columns and raw", ours, cpu["floor"]["median"], "s", TIMES
        ),
        Figure("full read", "  against decoding into structs only", ours, "s", floor=cpu["typed"]["median"],
               ratio=ours / cpu["typed"]["median"]),
        Figure("full read", "  whole process, imports and all", whole["ours"]["median"], "s",
               floor=whole["floor"]["median"], ratio=whole["ours"]["median"] / whole["floor"]["median"]),
        Figure("full read", "  wall", wall["ours"]["median"], "s", floor=wall["floor"]["median"],
               ratio=wall["ours"]["median"] / wall["floor"]["median"]),
        at_most("full read", "  peak memory", peak, "MB", MEGABYTES),
    ]  # fmt: skip
    holds = f"{truth['count']} invoices, {truth['lines']} lines, sum {truth['total']}"
    notes = [f"{rounds} rounds, interleaved; what ours wrote was checked each time: {holds}."]
    raw = {kind: [one.__dict__ for one in each] for kind, each in found.items()}
    return Outcome(figures, notes, {"cpu": cpu, "whole_cpu": whole, "wall": wall, "runs": raw, "truth": truth})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    outcome = measure(invoices=asked.invoices, rounds=asked.rounds)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")


if __name__ == "__main__":
    main()
