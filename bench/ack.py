"""How fast Slack gets its ack: ours against a bare bolt app that only acks, interleaved in one run.

Each server runs in a process of its own pinned to one CPU; the load and the sink of response_urls run on the other.
`/data` shows the status of four sources, asked by fifty members of one organization, and by members of 300. A confirmed
refresh is one durable commit; behind the acks each starts a run of its own (the web side alone: nothing is collected).
Run: python -m bench.ack [--rounds 3] [--requests 300]
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.ack_load import CONCURRENCY, Load, fire, response_sink

#: What follows the acks of a turn is over when the server rested that long; waited for this long at most (seconds).
REST, MOST_REST = 0.3, 30.0
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Served:
    """A server under measurement."""

    port: int
    pid: int

    def cpu(self) -> float:
        """Return the processor seconds that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(*arguments: str) -> Iterator["Served"]:
    """Run one of the servers in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.ack_servers", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield Served(int(process.stdout.readline()), process.pid)
    finally:
        process.terminate()
        process.wait(10)


@dataclass
class Figures:
    """Latencies of one kind of request, all rounds."""

    seconds: list[float] = field(default_factory=list)
    #: of the server until the last ack
    acked: float = 0.0
    #: with what follows the acks
    cpu: float = 0.0

    def add(self, measured: list[float], acked: float, cpu: float) -> None:
        self.seconds += measured
        self.acked += acked
        self.cpu += cpu

    def row(self) -> dict[str, float]:
        return {"p50_ms": quantile(self.seconds, 0.5) * 1000, "p99_ms": quantile(self.seconds, 0.99) * 1000,
                "acked_cpu_ms": self.acked / len(self.seconds) * 1000,
                "cpu_ms": self.cpu / len(self.seconds) * 1000, "requests": len(self.seconds)}  # fmt: skip


def quantile(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def measure(rounds: int, requests: int) -> dict[str, Any]:
    """Run the rounds and return the figures; ours and the bare app's turns alternate."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    figures = {name: Figures() for name in ("bare /data", "/data", "/data, many", "bare click", "confirmed refresh")}
    with tempfile.TemporaryDirectory() as folder:
        async with response_sink() as (sink, taken):
            with server("bare") as bare, server("tidings", folder, f"http://127.0.0.1:{sink}/api/") as tidings:
                load, throwaway = Load(sink), Load(sink)
                turns = (
                    ("bare /data", bare, throwaway.company),
                    ("/data", tidings, load.company),
                    ("/data, many", tidings, load.everybody),
                    ("bare click", bare, throwaway.confirmations),
                    ("confirmed refresh", tidings, load.confirmations),
                )
                for served in (bare, tidings):
                    await ready(served.port)
                for number in range(rounds + 1):
                    await fire(tidings.port, list(load.profiles(tidings.port)))
                    for name, served, made in turns:
                        before = served.cpu()
                        made_now = list(made(served.port, requests if number else CONCURRENCY))
                        measured = await fire(served.port, made_now)
                        acked = served.cpu() - before
                        # What follows the acks belongs to these requests, not to the next turn's.
                        await rest(served, folder)
                        if number:
                            figures[name].add(measured, acked, served.cpu() - before)
                await asyncio.sleep(1)
                commits = count(folder, "refreshes")
    return summary({name: measured.row() for name, measured in figures.items()}) | {
        "refreshes": commits,
        "answers_shown": taken[0],
    }


def count(folder: str, table: str) -> int:
    """Return how many rows a table has."""
    import contextlib
    import sqlite3

    with contextlib.closing(sqlite3.connect(f"{folder}/tidings.db")) as database:
        return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


async def rest(served: Served, folder: str) -> None:
    """Wait until the server has done what follows its acks."""
    deadline = time.monotonic() + MOST_REST
    before = -1.0
    # A server that gets no processor looks as if it rested; what it has accepted and not played tells.
    while (served.cpu() - before > 0.02 or count(folder, "clicks")) and time.monotonic() < deadline:
        before = served.cpu()
        await asyncio.sleep(REST)


async def ready(port: int) -> None:
    """Wait until the server answers."""
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def summary(rows: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return rows and ratios."""

    def ratio(ours: str, bare: str, figure: str) -> float:
        return rows[ours][figure] / rows[bare][figure]

    pairs = (("/data", "bare /data", 3), ("/data, many", "bare /data", None), ("confirmed refresh", "bare click", 8))
    ratios = {
        ours: {
            "p99": ratio(ours, bare, "p99_ms"),
            "p50": ratio(ours, bare, "p50_ms"),
            "cpu": ratio(ours, bare, "acked_cpu_ms"),
            "at_most": most,
        }
        for ours, bare, most in pairs
    }
    return {"concurrency": CONCURRENCY, "rows": rows, "ratios": ratios}


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"ack of signed requests, {result['concurrency']} at once, one core per server")
    for name, row in result["rows"].items():
        times = f"p50 {row['p50_ms']:7.1f} ms   p99 {row['p99_ms']:7.1f} ms"
        cpu = f"CPU {row['acked_cpu_ms']:5.2f} ms each until acked, {row['cpu_ms']:5.2f} with what follows"
        print(f"  {name:<20} {times}   {cpu}   ({row['requests']:.0f} requests)")
    for name, ratio in result["ratios"].items():
        most = f" (at most {ratio['at_most']})" if ratio["at_most"] else ""
        rest = f"{ratio['p50']:5.2f} x the bare p50, {ratio['cpu']:5.2f} x its CPU until acked"
        print(f"  {name:<20} {ratio['p99']:5.2f} x the bare p99{most}, {rest}")
    print(f"  refreshes committed {result['refreshes']}, answers shown by response_url {result['answers_shown']}")


def run(rounds: int = 3, requests: int = 300) -> dict[str, Any]:
    """Measure, print, and write bench/results/ack.json."""
    result = asyncio.run(measure(rounds, requests))
    show(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "ack.json").write_text(json.dumps(result, indent=2))
    return result


def main() -> None:
    """Start the measurement."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=300)
    chosen = options.parse_args()
    run(chosen.rounds, chosen.requests)


if __name__ == "__main__":
    main()
