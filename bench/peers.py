"""Ours against dlt's rest_api source on the same bytes, in one run: python -m bench.peers [--invoices 100000].

The peer gets an environment of its own in a temporary folder, with pinned versions, made by pip at run time; nothing of
it is ever installed beside us. Wall, processor time and memory are those of the whole process tree, from its start to
its end. What each wrote is compared with the truth before its time counts. `--configs tuned` leaves the slow default
out; `--folder` keeps the environment for the next run.
"""

import argparse
import json
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import Figure, Outcome, machine, show, spread, write
from bench.full_read import read_ours
from bench.processes import Used, finished, python, serving

#: DuckDB as ours uses it, so that only the loaders differ
PINS = ("dlt[duckdb,parquet]==1.31.0", "duckdb==1.5.5")
CONFIGS = ("tuned", "default")
TIMES = 5.0


def environment(folder: Path) -> Path:
    """Make the peer's environment unless it is there; return its Python."""
    found = folder / "bin" / "python"
    if not found.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(found), "-m", "pip", "install", "-qq", "--no-input", *PINS], check=True)
    return found


def read_peer(interpreter: Path, config: str, said_file: Path, truth: dict[str, Any], folder: Path) -> Used:
    """Run the peer once into a fresh folder, check what it wrote, and throw it away."""
    folder.mkdir()
    script = Path(__file__).with_name("peer_dlt.py")
    used = finished([str(interpreter), str(script), config, str(said_file), str(folder), str(truth["count"])],
                    folder=folder)  # fmt: skip
    shutil.rmtree(folder)
    said = used.said
    seen = (said["rows"]["invoice"], said["keys"], Decimal(said["total"]), said["rows"]["invoice__line"])
    wanted = (truth["count"], truth["count"], Decimal(truth["total"]), truth["lines"])
    if seen != wanted:
        raise RuntimeError(f"the peer holds {seen}, the truth is {wanted}")
    return used


def measure(invoices: int, rounds: int, configs: tuple[str, ...], kept: Path | None) -> Outcome:
    """Interleave ours and the peer's configurations."""
    found: dict[str, list[Used]] = {"ours": [], **{config: [] for config in configs}}
    with TemporaryDirectory(prefix="tidings-peers-") as name:
        folder = Path(name)
        interpreter = environment(kept or folder / "dlt")
        with serving("bench.pages", "--invoices", str(invoices)) as at:
            said_file, truth = folder / "pages.json", at.said["truth"]
            said_file.write_text(json.dumps(at.said))
            python("bench.reader", "floor", str(said_file))
            read_ours(said_file, truth, folder / "lake")
            for _ in range(rounds):
                found["ours"].append(read_ours(said_file, truth, folder / "lake"))
                for config in configs:
                    found[config].append(read_peer(interpreter, config, said_file, truth, folder / "peer"))
    return outcome(found, truth)


def outcome(found: dict[str, list[Used]], truth: dict[str, Any]) -> Outcome:
    """Compare medians."""
    figures = []
    for config in [name for name in found if name != "ours"]:
        for what, read in (("wall", lambda one: one.wall), ("CPU", lambda one: one.cpu)):
            ours, theirs = (spread([read(one) for one in found[name]])["median"] for name in ("ours", config))
            figures.append(
                Figure("peers", f"{what}: ours, and dlt rest_api {config}", ours, "s",
                       floor=theirs, ratio=theirs / ours,
                       target=f">= {TIMES:g} x less", met=theirs / ours >= TIMES)
            )  # fmt: skip
        memory = [max(one.rss_mb for one in found[name]) for name in ("ours", config)]
        figures.append(
            Figure("peers", f"peak memory: ours, and dlt {config}", memory[0], "MB", floor=memory[1],
                   ratio=memory[1] / memory[0])
        )  # fmt: skip
    notes = [
        f"{name}: rows {each[0].said['rows']}{', versions ' + str(each[0].said['versions']) if name != 'ours' else ''}"
        for name, each in found.items()
    ]
    notes.append(f"The truth: {truth}. Ours also reads accounts, customers, vendors, items and two reports.")
    return Outcome(figures, notes, {name: [one.__dict__ for one in each] for name, each in found.items()})


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--invoices", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--configs", default=",".join(CONFIGS))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    before = machine()
    done = measure(asked.invoices, asked.rounds, tuple(asked.configs.split(",")), asked.folder)
    show(done.figures)
    print(*done.notes, sep="\n")
    print(write({"peers": done}, before))


if __name__ == "__main__":
    main()
