"""`/data status` of fifty sources: the time in the server with no load, and while a full read runs beside it.

The product runs with ROLE=all. Signed requests come from another process, one after another over one connection, as
Slack's would. Server time is from the arrival of the request to its answer, which holds the words; the p99 under load
is what the caller sees, so it holds the wait for the event loop too. The full read is a QuickBooks of many invoices
with lines, collected, loaded and made ready by the same process meanwhile.
Run: python -m bench.status [--requests 300] [--invoices 60000]
"""

import argparse
import hashlib
import hmac
import http.client
import time
from contextlib import ExitStack
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from bench.figures import Figure, Outcome, at_most, quantile, show, spread
from bench.processes import serving
from bench.stage import FINANCE, MAYA, Stage, staged, until

SOURCES = 50
QUIET_MILLISECONDS = 50.0
BUSY_MILLISECONDS = 500.0
_SECRET = b"sandbox-signing-secret"


class Caller:
    """Asks for the status as Slack does."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        at = urlsplit(stage.product.said["request_url"])
        self._path = at.path
        self._connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=30)
        self._number = 0

    def ask(self) -> tuple[float, str]:
        """Return the seconds until the answer, and the answer."""
        self._number += 1
        fields = {"token": "x", "team_id": "T0TEMERITY", "team_domain": "d", "channel_id": FINANCE,
                  "channel_name": "finance", "user_id": MAYA, "user_name": "maya", "command": "/data", "text": "status",
                  "api_app_id": "A0TIDINGS", "is_enterprise_install": "false",
                  "response_url": f"{self._stage.outside.said['slack']}/response/{self._number}",
                  "trigger_id": f"bench.{self._number}"}  # fmt: skip
        body, at = urlencode(fields).encode(), str(int(time.time()))
        mac = hmac.new(_SECRET, b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": f"v0={mac}",
        }
        began = time.perf_counter()
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        seconds = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {text[:300]}")
        return seconds, text

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def known(self) -> None:
        """Ask until the product knows who asks: the first answer may come later, by another way."""
        until(lambda: "more-" in self.ask()[1], seconds=30, every=0.2)


def quiet(stage: Stage, requests: int) -> list[float]:
    """Return the milliseconds in the server of each request, with nothing else to do."""
    with Caller(stage) as caller:
        caller.known()
        earlier = len(stage.marks.read_text().splitlines())
        for _ in range(requests):
            caller.ask()
            # Answers to the same question within a moment are shared; here each one is looked up.
            time.sleep(0.02)
    points = [line.split()[:2] for line in stage.marks.read_text().splitlines()[earlier:]]
    while points[0][1] != "http.arrived":
        # The answer before may be noted after we have it.
        points.pop(0)
    times = {name: [float(at) for at, each in points if each == name] for name in ("http.arrived", "http.answered")}
    return [(b - a) * 1000 for a, b in zip(times["http.arrived"], times["http.answered"], strict=True)]


def busy(stage: Stage, least: int) -> list[float]:
    """Return the milliseconds that a caller waits for each answer while the full read runs."""

    def reading() -> bool:
        return bool(stage.rows("SELECT 1 FROM runs WHERE source_id IN (SELECT id FROM sources WHERE"
                               " provider = 'quickbooks') AND state IN ('queued', 'running')"))  # fmt: skip

    found = []
    with Caller(stage) as caller:
        caller.known()
        while reading():
            found.append(caller.ask()[0] * 1000)
            time.sleep(0.02)
    if len(found) < least:
        raise RuntimeError(f"only {len(found)} answers while the full read ran: more invoices are needed")
    stage.settled()
    return found


def measure(
    *, quick: bool = False, requests: int | None = None, invoices: int | None = None, least: int | None = None
) -> Outcome:
    """Measure the quiet product first, then another one that reads."""
    requests, invoices = requests or (20 if quick else 300), invoices or (3_000 if quick else 60_000)
    with staged(40, marks=True, more_sources=SOURCES - 2) as stage:
        stage.settled()
        calm = quiet(stage, requests)
    with ExitStack() as stack:
        books = stack.enter_context(serving("bench.pages", "--invoices", str(invoices)))
        stage = stack.enter_context(
            staged(
                40,
                marks=True,
                more_sources=SOURCES - 2,
                environment=books.said["environment"],
                credentials={"QUICKBOOKS_REFRESH_TOKEN": books.said["refresh_token"]},
            )
        )
        loaded = busy(stage, least or (5 if quick else 100))
        peak = stage.product.rss_mb(peak=True)
    figures = [
        at_most("status", f"{SOURCES} sources, no load (median in the server)", spread(calm)["median"], "ms",
                QUIET_MILLISECONDS),
        Figure("status", "  p99", quantile(calm, 0.99), "ms"),
        at_most("status", f"p99 while {invoices:,} invoices are read", quantile(loaded, 0.99), "ms", BUSY_MILLISECONDS),
        Figure("status", "  median then", spread(loaded)["median"], "ms"),
        Figure("status", "  peak memory of the process that reads and answers", peak, "MB"),
    ]  # fmt: skip
    notes = [f"{len(calm)} questions without load, {len(loaded)} while the full read ran."]
    raw: dict[str, Any] = {"quiet_ms": spread(calm), "busy_ms": spread(loaded), "peak_mb": peak}
    return Outcome(figures, notes, raw)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--invoices", type=int, default=60_000)
    asked = parser.parse_args()
    outcome = measure(requests=asked.requests, invoices=asked.invoices)
    show(outcome.figures)
    print(*outcome.notes, sep="\n")


if __name__ == "__main__":
    main()
