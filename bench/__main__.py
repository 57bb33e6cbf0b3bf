"""Runs the bench: python -m bench [part ...] [--quick].

Parts: ack, status, click, full_read, idle, rates, questions, home, answers; all of them when none is named. Only when
they are named: growth (first reads of up to five million records, some twenty minutes), sources10k (ten thousand
sources, eleven minutes), outbox (ten thousand messages at Slack's limits, twenty minutes), incidents (from causes
to messages, a minute), metrics (a thousand metrics over five million lines, two minutes), orders (a thousand orders
into QuickBooks at its limits, a minute) and exchange (a hundred thousand customers to a file, half a minute).
Prints one table and writes bench/results/<time>.json. The peers have a command of their own (python -m bench.peers),
since they are installed first. Nothing here is a timed test: what a machine under load measures says little, so the
load is written down too.
"""

import argparse
import importlib
import sys

from bench.figures import Outcome, machine, show, write

PARTS = {
    "ack": "bench.ack_part",
    "status": "bench.status",
    "click": "bench.click",
    "full_read": "bench.full_read",
    "idle": "bench.idle",
    "growth": "bench.growth",
    "rates": "bench.rates",
    "sources10k": "bench.sources10k",
    "outbox": "bench.outbox",
    "incidents": "bench.incidents",
    "questions": "bench.questions",
    "home": "bench.home",
    "metrics": "bench.metrics",
    "answers": "bench.answers",
    "exchange": "bench.exchange",
    "orders": "bench.orders",
}
#: long ones, which run only when they are named
LONG = {"growth", "sources10k", "outbox", "incidents", "metrics", "orders", "exchange"}


def main(arguments: list[str] | None = None) -> int:
    """Run the parts; 0 when all were measured, whether their targets are met or not."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it runs, its figures mean nothing")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(PARTS)}")
    before, outcomes, failed = machine(), dict[str, Outcome](), []
    for name in asked.parts or (part for part in PARTS if part not in LONG):
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            outcomes[name] = importlib.import_module(PARTS[name]).measure(quick=asked.quick)
        except (RuntimeError, TimeoutError, OSError) as error:
            failed.append(name)
            print(f"{name} could not be measured: {error}", file=sys.stderr)
    show([figure for outcome in outcomes.values() for figure in outcome.figures])
    for name, outcome in outcomes.items():
        print(*(f"{name}: {note}" for note in outcome.notes), sep="\n")
    print(
        f"{before['cores']} cores, {before['memory_gib']} GiB, Python {before['python']}, load {before['load']} before"
    )
    print(write(outcomes, before))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
