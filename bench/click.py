"""From the signed click that confirms a refresh to the confirmation that Slack took: 100 changed rows in Shopify.

The product runs with ROLE=all in a process of its own; the stand-ins (a Shopify that answers at once, Slack, mail) in
another. Time starts when the click's request reaches the product, and ends when the Slack stand-in accepts the post in
the thread that says the data is ready. Between, the product's own named points tell where the time goes.
Run: python -m bench.click [--rounds 9] [--size 1000]
"""

import argparse
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bench.figures import Figure, Outcome, at_most, show, spread
from bench.stage import FINANCE, MAYA, Stage, asked, epoch, staged, until
from storage.warehouse.warm import KEEP_SECONDS
from templates import actions

LIMIT_SECONDS = 1.0
NEW, CHANGED = 20, 80
#: Collections read again what changed in the ten minutes before the last one. Rounds follow within seconds, so without
#: a rest each would read the changes of all earlier ones as well: the shop's records age by that much before each.
REST_SECONDS = 900

#: what each stretch of time is spent on, by the point at which it ends; a point that is missing is passed over
STRETCHES = (
    ("the click is durable and answered", "http.answered"),
    ("waits in the queue", "step.collect.before"),
    ("claims the run, reads cursors, reads Shopify", "run.collected"),
    ("takes the lease, stages rows", "warehouse.staged"),
    ("raw rows: compare and write", "warehouse.before_commit"),
    ("raw rows: fence and commit", "warehouse.after_commit"),
    ("raw rows: read back, note", "step.collect.recorded"),
    ("ready tables: build", "warehouse.process.before_commit"),
    ("ready tables: fence and commit", "warehouse.process.after_commit"),
    ("ready tables: read back, note", "step.process.recorded"),
    ("the end: state, receipt, deliveries in one commit", "run.after_end"),
    ("the confirmation waits in the queue", "step.deliver.before"),
    ("the confirmation is put together", "delivery.intent"),
    ("Slack accepts it", "accepted"),
)


@dataclass(frozen=True)
class Round:
    """One click."""

    seconds: float
    #: stretch -> seconds
    stretches: dict[str, float]
    #: rows that were different in the warehouse
    rows: int
    cpu: float


def one(stage: Stage, number: int) -> Round:
    """Change rows at the shop, refresh it as Maya does, and wait for the confirmation."""
    said = stage.outside.said
    asked(
        f"{said['shopify']}/_sandbox/mutate",
        {"account": said["shop"], "seed": 1000 + number, "new": NEW, "changed": CHANGED, "rest": REST_SECONDS},
    )
    before = len(stage.slack("journal")["found"])
    stage.slack("command", {"user": MAYA, "channel": FINANCE, "command": "/data", "text": "refresh shopify"})
    card = until(lambda: _card(stage, before))
    earlier = len(stage.marks.read_text().splitlines())
    seen = len(stage.slack("journal")["found"])
    cpu = stage.product.cpu()
    answer = stage.slack("click", {"user": MAYA, "channel": FINANCE, "ts": card, "action_id": actions.REFRESH_CONFIRM})
    if not answer["ok"]:
        raise RuntimeError(f"the click was not taken: {answer}")
    # Looked for seldom, since looking costs the stand-ins time; they note the instant themselves.
    accepted = until(lambda: _confirmed(stage, seen), every=0.2)
    cpu = stage.product.cpu() - cpu
    points = [_point(line) for line in stage.marks.read_text().splitlines()[earlier:]]
    began = next(at for at, name in points if name == "http.arrived")
    # The card of the refresh is still edited once more; the next round must not meet it.
    stage.settled()
    return Round(accepted - began, _stretches([*points, (accepted, "accepted")], began), _rows(stage), cpu)


def _after_a_pause(stage: Stage, number: int) -> Round:
    """Play a round when the lakes that were kept open are closed again."""
    time.sleep(KEEP_SECONDS + 5)
    return one(stage, number)


def _point(line: str) -> tuple[float, str]:
    at, name, *_ = line.split()
    return float(at), name


def _card(stage: Stage, before: int) -> str | None:
    for message in reversed(stage.slack(f"messages?channel={FINANCE}&viewer={MAYA}")["found"]):
        if actions.REFRESH_CONFIRM in str(message["blocks"]):
            return str(message["ts"]) if len(stage.slack("journal")["found"]) > before else None
    return None


def _confirmed(stage: Stage, seen: int) -> float | None:
    """Return when the confirmation was accepted, by the stand-in's own record."""
    for entry in stage.slack(f"journal?since={seen}")["found"]:
        delivery = ((entry["metadata"] or {}).get("event_payload") or {}).get("delivery")
        if entry["kind"] == "post" and delivery is not None:
            ((kind,),) = stage.rows("SELECT kind FROM deliveries WHERE id = ?", delivery)
            if kind == "refresh_finished":
                return epoch(entry["at"])
    return None


def _stretches(points: list[tuple[float, str]], began: float) -> dict[str, float]:
    """Return how long each stretch took: to the first passing of its point after the end of the one before."""
    ends = [began]
    for _, name in STRETCHES:
        # Deliveries of the card pass the same points earlier: only what comes after the previous end counts.
        at = next((at for at, found in points if found == name and at >= ends[-1]), None)
        ends.append(ends[-1] if at is None else at)
    return {words: after - before for (words, _), (before, after) in zip(STRETCHES, pairwise(ends), strict=True)}


def _rows(stage: Stage) -> int:
    import json

    ((outcome,),) = stage.rows(
        "SELECT outcome FROM runs WHERE trigger <> 'first_read' AND state = 'ready' AND id NOT LIKE 'run_more_%'"
        " ORDER BY finished_at DESC LIMIT 1"
    )
    counts = json.loads(outcome)["counts"].values()
    return sum(count["new"] + count["changed"] + count["deleted"] for count in counts)


def measure(*, quick: bool = False, rounds: int | None = None, size: int | None = None) -> Outcome:
    """Play some rounds on one product; the first one warms up and is not counted."""
    rounds, size = rounds or (2 if quick else 9), size or (150 if quick else 1000)
    with staged(size, marks=True) as stage:
        stage.settled()
        found = [one(stage, number) for number in range(rounds + 1)][1:]
        late = None if quick else _after_a_pause(stage, rounds + 1)
        peak = stage.product.rss_mb(peak=True)
    seconds = spread([each.seconds for each in found])
    mean = {words: sum(each.stretches[words] for each in found) / len(found) for words, _ in STRETCHES}
    figures = [
        at_most("click", "click to confirmation, 100 changed rows (median)", seconds["median"], "s", LIMIT_SECONDS),
        Figure("click", "the slowest round", seconds["max"], "s"),
        *([] if late is None else [Figure("click", "the first click after a pause", late.seconds, "s")]),
        Figure("click", "CPU of the product for it", spread([each.cpu for each in found])["median"], "s"),
        *(Figure("click", f"  {words}", value, "s") for words, value in mean.items()),
    ]
    rows = [each.rows for each in found]
    notes = [f"{rounds} rounds on a shop of {size} orders; {min(rows)} to {max(rows)} rows differ in each."]
    notes.append(f"The shop's records age by {REST_SECONDS // 60} minutes between rounds, as if nothing had happened.")
    notes.append("Rounds follow each other: the lake is still open from the one before, except after the pause.")
    raw: dict[str, Any] = {"rounds": [each.__dict__ for each in found], "size": size, "product_peak_mb": peak}
    return Outcome(figures, notes, raw)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--size", type=int, default=1000)
    asked_for = parser.parse_args()
    outcome = measure(rounds=asked_for.rounds, size=asked_for.size)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")


if __name__ == "__main__":
    main()
