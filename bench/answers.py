"""Answers for an organization with 200 sources: from the signed request to the moment they are handed to Slack.

The product runs with ROLE=all in a process of its own, the stand-ins in another; people type and press there, and
Slack's stand-in signs and sends as Slack does. Server time is from the arrival of the request to its ack, where that
holds the words, and else to the call or the response_url that takes the answer. Processor time is that of the whole
process meanwhile, so whatever it does besides is in it: it says the same under load, the wall does not. The floor is
`/data help` in the same rounds: the same way through the product, with nothing to look up.
Run: python -m bench.answers [--rounds 20] [--sources 200]
"""

import argparse
import time
from collections.abc import Mapping
from typing import Any

from bench.figures import Figure, Outcome, at_most, quantile, show, spread
from bench.stage import FINANCE, MAYA, Stage, staged, until

SOURCES = 200
MILLISECONDS = 150.0
HOME_MILLISECONDS = 50.0
FLOOR, HOME = "/data help", "App Home opened"
#: Messages of a person come one after the other, as people type.
_PAUSE = 0.05
_PATIENCE = 30.0

#: what is asked -> how it is brought: the act of the stand-in, and what it takes
ASKED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    FLOOR: ("command", {"channel": FINANCE, "command": "/data", "text": "help"}),
    "/data": ("command", {"channel": FINANCE, "command": "/data"}),
    "/data history": ("command", {"channel": FINANCE, "command": "/data", "text": "history"}),
    "/data history (one source)": ("command", {"channel": FINANCE, "command": "/data", "text": "history shop 7"}),
    "/data why": ("command", {"channel": FINANCE, "command": "/data", "text": "why"}),
    "/data why (one source)": ("command", {"channel": FINANCE, "command": "/data", "text": "why shop 7"}),
    "/data metrics": ("command", {"channel": FINANCE, "command": "/data", "text": "metrics"}),
    "question, direct": ("dm", {"text": "hi, is everything fresh, please?"}),
    "question about one, direct": ("dm", {"text": "when was the data of shop 7 last refreshed?"}),
    "two questions, mention": (
        "mention",
        {"channel": FINANCE, "text": "what is disconnected, and is anything running?"},
    ),
    HOME: ("home", {}),
}
Point = tuple[float, str, float]


def points(stage: Stage) -> list[Point]:
    """Return what the product wrote down: time, name and processor seconds so far."""
    lines = (line.split() for line in stage.marks.read_text().splitlines())
    return [(float(at), name, float(cpu)) for at, name, cpu in lines]


def took(found: list[Point]) -> tuple[float, float] | None:
    """Return the milliseconds from a request's arrival to its answer, wall and processor; None while there is none."""
    began = next((one for one in found if one[1] == "http.arrived"), None)
    ended = next((one for one in found if one[1] in ("http.said", "slack.handed")), None)
    if began is None or ended is None:
        return None
    return (ended[0] - began[0]) * 1000, (ended[2] - began[2]) * 1000


def one(stage: Stage, what: str) -> tuple[float, float]:
    """Ask once and return the milliseconds until the answer was handed over, wall and processor."""
    act, fields = ASKED[what]
    earlier = len(points(stage))
    if not (answer := stage.slack(act, {"user": MAYA, **fields}))["ok"]:
        raise RuntimeError(f"{what} was not taken: {answer}")
    found = until(lambda: took(points(stage)[earlier:]), seconds=_PATIENCE)
    time.sleep(_PAUSE)
    return found


def rounds(stage: Stage, count: int) -> dict[str, list[tuple[float, float]]]:
    """Ask everything in turns, after a first time that nobody counts."""
    for what in ASKED:
        one(stage, what)
    taken: dict[str, list[tuple[float, float]]] = {what: [] for what in ASKED}
    for _ in range(count):
        for what in ASKED:
            taken[what].append(one(stage, what))
    return taken


def figures(taken: Mapping[str, list[tuple[float, float]]]) -> list[Figure]:
    """Return the middle and the slow end of each, in processor time against the floor, and the wall beside it."""
    floor = quantile([cpu for _, cpu in taken[FLOOR]], 0.5)
    found = []
    for what, times in taken.items():
        wall, cpu = zip(*times, strict=True)
        limit = HOME_MILLISECONDS if what == HOME else MILLISECONDS
        middle = quantile(cpu, 0.5)
        found += [
            at_most("answers", what, middle, "ms CPU", limit, floor=floor, ratio=middle / floor, detail=spread(cpu)),
            at_most("answers", "  p95", quantile(cpu, 0.95), "ms CPU", limit),
            Figure("answers", "  wall, median", quantile(wall, 0.5), "ms"),
            Figure("answers", "  wall, p95", quantile(wall, 0.95), "ms"),
        ]
    return found


def measure(*, quick: bool = False, count: int | None = None, sources: int | None = None) -> Outcome:
    """Ask for a while."""
    count, sources = count or (3 if quick else 20), sources or (20 if quick else SOURCES)
    with staged(40, marks=True, more_sources=sources - 2) as stage:
        stage.settled()
        taken = rounds(stage, count)
    raw: dict[str, Any] = {what: [list(each) for each in times] for what, times in taken.items()}
    return Outcome(
        figures(taken), [f"{sources} sources, {count} rounds; the floor is {FLOOR} in the same rounds."], raw
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--sources", type=int, default=SOURCES)
    asked = parser.parse_args()
    outcome = measure(count=asked.rounds, sources=asked.sources)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")


if __name__ == "__main__":
    main()
