"""How much of the allowed request rate one account uses, and whether it is ever told to slow down.

The client, its judge and its limiter are the product's; the provider counts by the stand-ins' own rules. Time is
simulated: the event loop jumps to whatever comes next, so that an hour takes seconds and no load on this machine
changes the outcome. Ten workers ask without a pause; an answer takes 80 to 400 ms, drawn from a seed, on top of a way
there of 5 to 60 ms, so that calls arrive in another rhythm than the one in which they were booked.
"""

import asyncio
import random
import selectors
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import structlog

from bench.figures import Figure, Outcome, show
from connectors.errors import ConnectorError
from connectors.http import Http, Judge
from connectors.limits import MemoryLimiter, Rate
from connectors.oauth import TokenEndpoint, TokenKeeper, TokenStyle
from connectors.reads import Call
from connectors.tokens import MemoryTokens, Tokens
from connectors.wire import Answer, HttpLimits, Wire
from sandbox.providers.throttle import Throttle
from storage.facts.secret import Secret

LEAST = 0.95
WORKERS = 10
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class _Jumping(selectors.SelectSelector):
    """Waits for nothing: the time that would be waited is over at once."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if not found and timeout:
            self.passed += timeout
        return found


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while everybody waits."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the simulated seconds."""
        return self._jumping.passed


class SimulatedClock:
    """The loop's time."""

    def now(self) -> datetime:
        """Return the simulated instant."""
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        """Wait for simulated seconds."""
        await asyncio.sleep(seconds)


@dataclass
class Provider:
    """Counts what arrives, by the rules of the provider."""

    admits: Callable[[datetime], bool]
    refusal: bytes
    taken: list[datetime] = field(default_factory=list)
    refused: int = 0


class _Way(Wire):
    """The way to a provider and back, without a network."""

    def __init__(self, provider: Provider, clock: SimulatedClock, dice: random.Random) -> None:
        super().__init__("https://provider.example", limits=HttpLimits())
        self._provider, self._clock, self._dice = provider, clock, dice

    async def exchange(self, request: httpx.Request) -> Answer:
        _ = request
        await self._clock.sleep(self._dice.uniform(0.005, 0.060))
        now, provider = self._clock.now(), self._provider
        admitted = provider.admits(now)
        if admitted:
            provider.taken.append(now)
        else:
            provider.refused += 1
        await self._clock.sleep(self._dice.uniform(0.080, 0.400))
        return Answer(200 if admitted else 429, httpx.Headers(), b"{}" if admitted else provider.refusal, None)


@dataclass(frozen=True)
class Used:
    """What came of it."""

    #: share of what the provider allows in the long run
    share: float
    #: calls that were told to slow down, and calls that were given up
    refused: int
    failed: int


def used(
    rates: tuple[Rate, ...], judge: Judge, provider: Provider, allowed: float, *, minutes: int, seed: int = 1
) -> Used:
    """Ask for so many minutes after the first one, in which a full bucket is emptied; `allowed` is calls a second."""
    loop = SimulatedLoop()
    try:
        failed = loop.run_until_complete(_ask(rates, judge, provider, 60 * (minutes + 1), random.Random(seed)))
    finally:
        loop.close()
    after = START + timedelta(minutes=1)
    share = sum(after <= at < after + timedelta(minutes=minutes) for at in provider.taken) / (60 * minutes) / allowed
    return Used(share, provider.refused, failed)


async def _ask(rates: tuple[Rate, ...], judge: Judge, provider: Provider, seconds: float, dice: random.Random) -> int:
    clock, failed = SimulatedClock(), 0
    end = START + timedelta(seconds=seconds)
    tokens = MemoryTokens(Tokens(Secret("a" * 32), Secret("b" * 32), expires_at=START + timedelta(days=1)))
    async with _Way(provider, clock, dice) as way:
        endpoint = TokenEndpoint("https://provider.example/token", "id", Secret("secret"), TokenStyle.BASIC_FORM)
        keeper = TokenKeeper(tokens, endpoint, clock=clock, limits=way.limits)
        http = Http(
            way, keeper, clock=clock, limiter=MemoryLimiter(clock), key="bench:1", rates=rates,
            headers=lambda _: {}, judge=judge,
        )  # fmt: skip

        async def work() -> None:
            nonlocal failed
            while clock.now() < end:
                try:
                    await http.send(Call("GET", "/page", "page"))
                except ConnectorError:
                    failed += 1
                    await clock.sleep(30)

        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(work())
    return failed


@dataclass
class TokenBucket:
    """A bucket that refuses when it is empty, as Amazon's are."""

    rate: Rate
    left: float = 0.0
    at: datetime = START

    def __post_init__(self) -> None:
        self.left = self.rate.burst

    def admits(self, now: datetime) -> bool:
        """Take one, if there is one."""
        self.left = min(self.rate.burst, self.left + self.rate.per_second * (now - self.at).total_seconds())
        self.at = now
        admitted = self.left >= 1
        self.left -= 1 if admitted else 0
        return admitted


def quickbooks(*, minutes: int, limits: tuple[Rate, ...] | None = None) -> Used:
    """One company: 500 calls in any minute, 10 in any second."""
    from connectors.quickbooks import entry, faults

    throttle = Throttle()
    said = b'{"Fault": {"Error": [{"code": "3001", "Message": "ThrottleExceeded"}], "type": "SERVICE"}}'
    provider = Provider(lambda now: throttle.admits("1", now), said)
    return used(limits or entry.RATES, faults.judge, provider, 500 / 60, minutes=minutes)


def amazon(operation: str, *, minutes: int) -> Used:
    """One seller and one of Amazon's operations: its token bucket."""
    from connectors.amazon.calls import PLANS, Pace
    from connectors.amazon.judge import judge

    bucket = TokenBucket(PLANS[operation])
    provider = Provider(bucket.admits, b'{"errors": [{"code": "QuotaExceeded", "message": "slow down"}]}')
    rate = Pace().rate(operation)
    return used((rate,), judge, provider, PLANS[operation].per_second, minutes=minutes)


def measure(*, quick: bool = False) -> Outcome:
    """Ask for an hour of simulated time each; then read many companies at once, in real time."""
    from bench import companies
    from bench.rates_shopify import PLUS, STANDARD, shopify

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    minutes = 3 if quick else 60
    found = {
        "QuickBooks, 500 a minute and 10 a second": quickbooks(minutes=minutes),
        "Amazon, transactions": amazon("transactions", minutes=minutes),
        "Amazon, looking at reports": amazon("look at report", minutes=minutes),
        "Amazon, inventory": amazon("inventory", minutes=minutes),
        "Shopify, 100 points a second": shopify(minutes=minutes, plan=STANDARD),
        "Shopify Plus, 1,000 points a second": shopify(minutes=minutes, plan=PLUS),
    }
    figures = []
    for name, one in found.items():
        met = one.share >= LEAST and not one.refused and not one.failed
        figures += [
            Figure("rates", f"{name}: share of the allowed rate", 100 * one.share, "%", target=">= 95 %", met=met),
            Figure("rates", "  told to slow down / given up", one.refused, f"/ {one.failed} calls"),
        ]
    # Those who share a shop spend the same points: they are told to slow down, wait, and lose nothing.
    shared = shopify(minutes=minutes, readers=2)
    name = "Shopify, two organizations with one shop"
    met = shared.share >= LEAST and not shared.failed
    figures += [
        Figure("rates", f"{name}: share of the points", 100 * shared.share, "%", target=">= 95 %", met=met),
        Figure("rates", "  told to slow down / given up", shared.refused, f"/ {shared.failed} calls"),
    ]
    together = companies.measure(quick=quick)
    notes = [f"{minutes} simulated minutes each, after a first one.", *together.notes]
    return Outcome(
        [*figures, *together.figures], notes, {n: vars(u) for n, u in {**found, name: shared}.items()} | together.raw
    )


if __name__ == "__main__":
    show(measure().figures)
