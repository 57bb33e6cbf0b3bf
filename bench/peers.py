"""Ours against dlt's rest_api source, and a Singer tap and target, on the same bytes, in one run.

python -m bench.peers [--invoices 100000] [--configs tuned,singer]

Each peer gets an environment of its own in a temporary folder, with pinned versions, made by pip at run time; nothing
of it is ever installed beside us. Wall, processor time and memory are those of the whole process tree, from its start
to its end. What each wrote is compared with the truth before its time counts. After its first read each reads again
when a hundred invoices were changed. `--configs tuned` leaves the others out; `--folder` keeps the environments. A peer
that cannot be installed is left out, and that is said.
"""

import argparse
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.figures import Figure, Outcome, machine, show, spread, write
from bench.full_read import read_ours
from bench.pages import CHANGE
from bench.peer_singer import TAP_PINS, TARGET_PINS
from bench.processes import Running, Used, finished, python, serving
from bench.stage import asked

#: DuckDB as ours uses it, so that only the loaders differ
DLT_PINS = ("dlt[duckdb,parquet]==1.31.0", "duckdb==1.5.5")
CONFIGS = ("tuned", "default", "singer", "singer_lines")
NAMES = {
    "tuned": "dlt rest_api tuned",
    "default": "dlt rest_api default",
    "singer": "Singer SDK tap with target-duckdb, lines one column of JSON",
    "singer_lines": "Singer SDK tap with target-duckdb, lines a table",
}
#: how far ahead ours is to be
TIMES = {"tuned": 5.0, "default": 5.0, "singer": 10.0, "singer_lines": 10.0}


def environment(folder: Path, pins: tuple[str, ...]) -> Path:
    """Make a peer's environment unless it is there; return its Python."""
    found = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(found), "-m", "pip", "install", "-qq", "--no-input", *pins], check=True)
        (folder / "ready").touch()
    return found


def command(config: str, environments: Path) -> list[str]:
    """Install what a configuration needs; return the beginning of its command (CalledProcessError)."""
    if config in {"singer", "singer_lines"}:
        environment(environments / "tap", TAP_PINS)
        environment(environments / "target", TARGET_PINS)
        lines = "table" if config == "singer_lines" else "column"
        return [sys.executable, "-m", "bench.peer_singer", str(environments), lines]
    script = Path(__file__).with_name("peer_dlt.py")
    return [str(environment(environments / "dlt", DLT_PINS)), str(script), config]


@dataclass(frozen=True)
class Peer:
    """One configuration of a peer."""

    config: str
    command: list[str]

    def read(self, said_file: Path, truth: dict[str, Any], folder: Path, since: str = "") -> Used:
        """Run it once, into a fresh folder unless only changes are read, and check what the folder holds then."""
        if not since:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        # The pair's own command names no count: it reads until a page is not full.
        count = [] if self.config.startswith("singer") else [str(truth["count"])]
        used = finished([*self.command, str(said_file), str(folder), *count, since])
        said = used.said
        seen = (said["rows"]["invoice"], said["keys"], Decimal(said["total"]), said["rows"]["invoice__line"])
        wanted = (truth["count"], truth["count"], Decimal(truth["total"]), truth["lines"])
        if seen != wanted or (since and said["noted"] != truth["noted"]):
            raise RuntimeError(f"{self.config} holds {said}, the truth is {truth}")
        return used


def installed(configs: tuple[str, ...], environments: Path) -> tuple[list[Peer], list[str]]:
    """Return the peers that could be installed here, and why others are left out."""
    found, missing = [], []
    for config in configs:
        try:
            found.append(Peer(config, command(config, environments)))
        except (subprocess.CalledProcessError, OSError) as error:
            missing.append(f"{config} is left out: its packages could not be installed here ({error})")
    return found, missing


def read_changes(peers: list[Peer], at: Running, said_file: Path, truth: dict[str, Any], folder: Path,
                 rounds: int) -> dict[str, list[Used]]:  # fmt: skip
    """Let each read what changed, a hundred invoices each time, into what it read before."""
    found: dict[str, list[Used]] = {"ours": [], **{peer.config: [] for peer in peers}}
    python("bench.reader", "again", str(said_file), str(folder / "lake"))  # the reports that are read once a day
    for _ in range(rounds):
        change = asked(f"{at.said['url']}{CHANGE}", {})
        used = python("bench.reader", "again", str(said_file), str(folder / "lake"))
        if used.said["changed"] != change["count"]:
            raise RuntimeError(f"ours found {used.said['changed']} of {change['count']} changed invoices")
        found["ours"].append(used)
        for peer in peers:
            noted = {**truth, "noted": change["count"]}
            found[peer.config].append(peer.read(said_file, noted, folder / peer.config, change["since"]))
    return found


def measure(invoices: int, rounds: int, configs: tuple[str, ...], kept: Path | None) -> Outcome:
    """Interleave ours and the peers' configurations; then the same with changes."""
    with TemporaryDirectory(prefix="tidings-peers-") as name:
        folder = Path(name)
        peers, missing = installed(configs, kept or folder)
        found: dict[str, list[Used]] = {"ours": [], **{peer.config: [] for peer in peers}}
        with serving("bench.pages", "--invoices", str(invoices)) as at:
            said_file, truth = folder / "pages.json", at.said["truth"]
            said_file.write_text(json.dumps(at.said))
            python("bench.reader", "floor", str(said_file))
            read_ours(said_file, truth, folder / "lake")
            for turn in range(rounds):
                found["ours"].append(read_ours(said_file, truth, folder / "lake", keep=turn == rounds - 1))
                for peer in peers:
                    found[peer.config].append(peer.read(said_file, truth, folder / peer.config))
            changes = read_changes(peers, at, said_file, truth, folder, rounds)
    done, later = outcome(found, truth), outcome(changes, truth, what="100 changed, ", least=None)
    return Outcome(
        done.figures + later.figures, missing + done.notes, {"full": done.raw, "changes": later.raw}
    )  # fmt: skip


def outcome(
    found: dict[str, list[Used]], truth: dict[str, Any], what: str = "", least: dict[str, float] | None = TIMES
) -> Outcome:
    """Compare medians; without `least` ours need only be ahead."""
    figures = []
    for config in [name for name in found if name != "ours"]:
        times = least[config] if least else 1.0
        for unit, read in (("wall", lambda one: one.wall), ("CPU", lambda one: one.cpu)):
            ours, theirs = (spread([read(one) for one in found[name]])["median"] for name in ("ours", config))
            figures.append(
                Figure("peers", f"{what}{unit}: ours, and {NAMES[config]}", ours, "s",
                       floor=theirs, ratio=theirs / ours,
                       target=f">= {times:g} x less", met=theirs / ours >= times)
            )  # fmt: skip
        memory = [max(max(one.rss_mb, one.tree_mb) for one in found[name]) for name in ("ours", config)]
        figures.append(
            Figure("peers", f"{what}peak memory: ours, and {NAMES[config]}", memory[0], "MB", floor=memory[1],
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
