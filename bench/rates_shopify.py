"""How much of what a shop's bucket of points regains is used, and whether a reading ever fails by being throttled.

The reader's own `Graph` follows the bucket by what answers tell of it; the bucket is the stand-in's. Pages cost what
the reader's pages come to, half of the bucket at most; an answer gives back up to half of what was asked for, as
Shopify does for pages that are not full. Time is simulated, see `bench.rates`.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import msgspec

from bench.rates import START, SimulatedClock, SimulatedLoop, Used
from connectors.errors import ConnectorError
from connectors.http import Http
from connectors.limits import MemoryLimiter
from connectors.oauth import MemoryTokens, TokenEndpoint, TokenKeeper, Tokens, TokenStyle
from connectors.shopify import graph
from connectors.shopify.judge import judge
from connectors.wire import Answer, HttpLimits, Wire
from sandbox.providers.shopify.bucket import Bucket
from storage.facts.secret import Secret

#: what a big page costs at most, and the rest of a list within one
_LARGEST = 900.0
_REST = 50.0
#: points in a full bucket and points regained in a second, by Shopify's plans
STANDARD = (1000.0, 100.0)
PLUS = (10_000.0, 1000.0)


@dataclass
class Shop:
    """A bucket, and what was really taken of it."""

    bucket: Bucket
    dice: random.Random
    spent: list[tuple[datetime, float]] = field(default_factory=list)
    throttled: int = 0

    def answer(self, name: str, now: datetime) -> bytes:
        """Answer a query of that name, by Shopify's rules."""
        wanted = min(round(0.45 * self.bucket.maximum), _LARGEST) if name == "Page" else _REST
        admitted = self.bucket.take(wanted, now)
        actual = round(wanted * self.dice.uniform(0.5, 1.0)) if admitted else None
        if actual is None:
            self.throttled += 1
        else:
            self.bucket.give_back(wanted - actual)
            self.spent.append((now, actual))
        cost = {"requestedQueryCost": wanted, "actualQueryCost": actual, "throttleStatus": self.bucket.status(now)}
        said = {"data": {"page": 1}} if admitted else {"errors": [{"message": "Throttled", "extensions": _THROTTLED}]}
        return msgspec.json.encode({**said, "extensions": {"cost": cost}})


_THROTTLED = {"code": "THROTTLED"}


class _Way(Wire):
    """The way to a shop and back, without a network."""

    def __init__(self, shop: Shop, clock: SimulatedClock) -> None:
        super().__init__("https://shop.example", limits=HttpLimits())
        self._shop, self._clock = shop, clock

    async def exchange(self, request: httpx.Request) -> Answer:
        dice = self._shop.dice
        await self._clock.sleep(dice.uniform(0.005, 0.060))
        body = self._shop.answer(msgspec.json.decode(request.content)["operationName"], self._clock.now())
        await self._clock.sleep(dice.uniform(0.080, 0.400))
        return Answer(200, httpx.Headers(), body, None)


def shopify(
    *, minutes: int, plan: tuple[float, float] = STANDARD, readers: int = 1, follow: type[graph.Bucket] = graph.Bucket
) -> Used:
    """Read for so many minutes after the first one, in which a full bucket is emptied; the share is of points.

    A plan is what the bucket holds and what it regains in a second. With several `readers` each
    knows of the others only what answers tell, as two organizations with one shop do.
    """
    shop = Shop(Bucket(*plan), random.Random(1))
    loop = SimulatedLoop()
    try:
        failed = loop.run_until_complete(_read(shop, 60 * (minutes + 1), readers, follow))
    finally:
        loop.close()
    after = START + timedelta(minutes=1)
    points = sum(spent for at, spent in shop.spent if after <= at < after + timedelta(minutes=minutes))
    return Used(points / (60 * minutes) / plan[1], shop.throttled, failed)


async def _read(shop: Shop, seconds: float, readers: int, follow: type[graph.Bucket]) -> int:
    clock, failed, end = SimulatedClock(), 0, START + timedelta(seconds=seconds)

    async def read() -> None:
        nonlocal failed
        tokens = MemoryTokens(Tokens(Secret("a" * 32), Secret("b" * 32), expires_at=START + timedelta(days=1)))
        async with _Way(shop, clock) as way:
            endpoint = TokenEndpoint("https://shop.example/token", "id", Secret("secret"), TokenStyle.JSON_BODY)
            keeper = TokenKeeper(tokens, endpoint, clock=clock, limits=way.limits)
            http = Http(
                way, keeper, clock=clock, limiter=MemoryLimiter(clock), key="shopify:1", rates=(),
                headers=lambda _: {}, judge=judge,
            )  # fmt: skip
            asking = graph.Graph(http)
            asking.bucket = follow()
            while clock.now() < end:
                name = "Page" if shop.dice.random() < 0.5 else "Rest"
                try:
                    await asking.ask(name, f"query {name} {{ page }}", {})
                except ConnectorError:
                    failed += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(readers):
            group.create_task(read())
    return failed
