"""What Tidings costs when it does nothing: the import, and an idle process with two connected sources.

Run: python -m bench.idle [--seconds 30]
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from bench.figures import Figure, Outcome, at_most, show, spread
from bench.processes import finished
from bench.stage import staged

IMPORT_SECONDS = 1.0
CORE_PERCENT = 6.0
MEGABYTES = 200.0
_IMPORT = (
    "import gc, json, time; gc.disable() if {quiet} else None;"
    " wall, cpu = time.perf_counter(), time.process_time(); import bot.main;"
    " print(json.dumps({{'wall': time.perf_counter() - wall, 'cpu': time.process_time() - cpu}}))"
)


def imports(rounds: int, *, quiet: bool) -> dict[str, dict[str, float]]:
    """Import the program in fresh processes; the first one, which may compile files, is not counted."""
    code = _IMPORT.format(quiet=quiet)
    runs = [finished([sys.executable, "-c", code]).said for _ in range(rounds + 1)][1:]
    return {kind: spread([each[kind] for each in runs]) for kind in ("wall", "cpu")}


def idle(seconds: float, settle: float) -> dict[str, float]:
    """Let a product with two sources that are read sit still."""
    with staged(40) as stage:
        stage.settled()
        time.sleep(settle)
        began, cpu = time.monotonic(), stage.product.cpu()
        time.sleep(seconds)
        used, passed = stage.product.cpu() - cpu, time.monotonic() - began
        return {
            "percent": used / passed * 100,
            "rss_mb": stage.product.rss_mb(),
            "private_mb": anonymous_mb(stage.product.pid),
            "peak_mb": stage.product.rss_mb(peak=True),
            "seconds": passed,
        }


def anonymous_mb(pid: int) -> float:
    """Return what is the process's own; the rest of its resident pages are mapped libraries, which it may lose."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssAnon:")).split()[1]) / 1024


def measure(*, quick: bool = False, seconds: float | None = None) -> Outcome:
    """Measure both."""
    rounds, seconds = (1 if quick else 5), seconds or (2.0 if quick else 30.0)
    imported, quietly = imports(rounds, quiet=False), imports(rounds, quiet=True)
    # Lakes that were just read stay open for half a minute; idle begins after that.
    found = idle(seconds, settle=0.5 if quick else 40.0)
    figures = [
        at_most("idle", "import of bot.main, fresh process (median)", imported["wall"]["median"], "s", IMPORT_SECONDS),
        Figure("idle", "  CPU of it", imported["cpu"]["median"], "s"),
        Figure("idle", "  CPU as `tidings serve` does it, without looking for garbage", quietly["cpu"]["median"], "s"),
        at_most("idle", f"CPU over {found['seconds']:.0f} s, ROLE=all", found["percent"], "% of a core", CORE_PERCENT),
        at_most("idle", "memory then", found["rss_mb"], "MB", MEGABYTES),
        Figure("idle", "  of it private, the rest mapped libraries", found["private_mb"], "MB"),
    ]
    raw: dict[str, Any] = {"import": imported, "import_without_collector": quietly, "idle": found}
    return Outcome(figures, ["ROLE=all, SQLite, QuickBooks and Shopify connected and read, nothing to do."], raw)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    outcome = measure(seconds=parser.parse_args().seconds)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")


if __name__ == "__main__":
    main()
