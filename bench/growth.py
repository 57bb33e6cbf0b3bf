"""Growth: first reads of more and more records, raw kept, each in a fresh process: python -m bench.growth [--rows ...].

The provider's pages are one page with other ids (`bench.stream`), so that it costs a millisecond each and no memory.
What matters is that processor time per record stays the same and that memory stays where it is. Wall time is told, but
the provider shares the cores.
"""

import argparse
import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, Outcome, at_most, show
from bench.full_read import read_ours
from bench.processes import Used, serving

ROWS = (10_000, 100_000, 1_000_000, 5_000_000)
MEGABYTES = 600.0
#: What a record of the biggest read may cost, as times of one of the first read that is long enough to say something.
LINEAR = 1.25
ENOUGH = 100_000


def read(rows: int) -> Used:
    """Read so many records once, compare the lake with the truth, and throw it away."""
    with TemporaryDirectory(prefix="tidings-growth-") as name, serving("bench.stream", "--invoices", str(rows)) as at:
        said_file = Path(name) / "pages.json"
        said_file.write_text(json.dumps(at.said))
        return read_ours(said_file, at.said["truth"], Path(name) / "lake")


def measure(*, quick: bool = False, rows: tuple[int, ...] | None = None) -> Outcome:
    """Read each number of records once, the small ones first."""
    counts = rows or ((500, 2_500) if quick else ROWS)
    found: dict[int, Used] = {}
    loads = {}
    for count in sorted(counts):
        found[count] = read(count)
        loads[count] = round(os.getloadavg()[0], 1)
    cost = {count: used.said["cpu"] / count * 100_000 for count, used in found.items()}
    figures: list[Figure] = []
    for count, used in found.items():
        seconds = used.said["read_seconds"] + used.said["commit_seconds"]
        figures += [
            Figure("growth", f"{count:,} records: CPU per 100,000", cost[count], "s"),
            Figure("growth", "  records a second, from the first call to the commit", count / seconds, "/s"),
            at_most("growth", "  peak memory, children included", used.tree_mb, "MB", MEGABYTES),
        ]
    first, last = min((count for count in counts if count >= ENOUGH), default=min(counts)), max(counts)
    ratio = cost[last] / cost[first]
    figures.append(
        Figure("growth", f"linear: a record of {last:,}, and one of {first:,}", cost[last], "s", floor=cost[first],
               ratio=ratio, target=f"<= {LINEAR:g} x", met=ratio <= LINEAR)
    )  # fmt: skip
    notes = [
        f"load after each read: {', '.join(f'{count:,}: {load}' for count, load in loads.items())}",
        "Processor time is that of the reading process without imports; below 100,000 records its start weighs.",
    ]
    return Outcome(figures, notes, {str(count): used.__dict__ for count, used in found.items()})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(map(str, ROWS)))
    asked = parser.parse_args()
    outcome = measure(rows=tuple(int(each) for each in asked.rows.split(",")))
    show(outcome.figures)
    print(*outcome.notes, sep="\n")


if __name__ == "__main__":
    main()
