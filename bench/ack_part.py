"""The acks as a part of the whole bench; `bench.ack` measures them."""

from bench.ack import measure as measure_ack
from bench.figures import Figure, Outcome, at_most, at_most_times

MILLISECONDS = 150.0


def measure(*, quick: bool = False) -> Outcome:
    """Measure in a loop of its own and say how each ack stands."""
    import asyncio
    import os

    cores = os.sched_getaffinity(0)
    try:
        found = asyncio.run(measure_ack(1 if quick else 3, 60 if quick else 300))
    finally:
        # It pins the process that measures; the parts after it must have all cores again.
        os.sched_setaffinity(0, cores)
    figures: list[Figure] = []
    rows = found["rows"]
    for ours, bare in (("/data", "bare /data"), ("confirmed refresh", "bare click"), ("/data, many", "bare /data")):
        p99, most = rows[ours]["p99_ms"], found["ratios"][ours]["at_most"]
        if most is None:
            floor = rows[bare]["p99_ms"]
            figures.append(Figure("ack", f"{ours} p99", p99, "ms", floor=floor, ratio=p99 / floor))
            continue
        figures.append(at_most_times("ack", f"{ours} p99", p99, rows[bare]["p99_ms"], "ms", most))
        figures.append(at_most("ack", f"{ours} p99, absolute", p99, "ms", MILLISECONDS))
    note = f"{found['concurrency']} signed requests at once on one core; the bare app is bolt that only acks."
    return Outcome(figures, [note], found)
